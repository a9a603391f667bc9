"""Rows for a first look: people on every plan, one provider, a profile and a posting."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.models import Plan, Role, Subscription, User
from aditus.demo.site import POSTINGS
from drafting.models import MasterProfile
from extraction.fetching import Page
from extraction.findings import Findings
from extraction.models import JobPosting, SourceKind
from extraction.reading import put_known, read_document
from providers.configs.locks import hold_all
from providers.local_model import MODEL_NAME
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS
from usage.models import ModelPrice

PROFILE_PATH = Path(__file__).parent / "profile.json"
ADMIN_EMAIL = "admin@aditus.example"
PLAN_EMAILS = {plan: f"{plan}@aditus.example" for plan in ("freemium", "paygo", "pro_monthly", "pro_annual")}
DEMO_EMAIL, SMALL_PLAN_EMAIL = PLAN_EMAILS["pro_monthly"], PLAN_EMAILS["freemium"]
_PREFIX = "Demo: "

LOCAL_PORT, SANDBOX_PORT = 8090, 8089
OWN_SERVERS = ("sandbox", "local")
# Beyond what even a busy machine needs: nothing of the demo may fail because the machine is slow.
OWN_SERVER_SECONDS = 180
# The sandbox's three vendors: type -> (key, path, the task it is asked first for).
_STAND_INS = {
    "gemini": ("sandbox-demo-key-0123456789", "gemini", "extraction"),
    "openai": ("sk-sandbox-demo-key", "openai/v1", "cv_draft"),
    "claude": ("sk-ant-sandbox-demo-key", "anthropic", "cover_letter"),
}


def chosen_provider(wanted: str) -> str:
    """`auto` means the first vendor whose key is in the environment, else the sandbox."""
    if wanted != "auto":
        return wanted
    with_key = [slug for slug, entry in settings.PROVIDER_ENVIRONMENT.items() if entry["api_key"]]
    return with_key[0] if with_key else "sandbox"


@transaction.atomic
def seed_demo(provider: str) -> str:
    """Create what is missing and let `provider` serve; returns the password of the demo people.

    Running it again changes nothing but who serves. ValueError when a vendor has no key.
    """
    password = _password()
    # Hashed once, because hashing is made to be slow.
    hashed = make_password(password)
    _user(ADMIN_EMAIL, hashed, role=Role.SUPER_ADMIN, full_name="Ada Super-admin")
    for plan, email in PLAN_EMAILS.items():
        user = _user(email, hashed, full_name=f"Amani on {plan}")
        if not Subscription.objects.current().filter(user=user).exists():
            Subscription.objects.create(user=user, plan=Plan.objects.get(slug=plan))
    demo_user = User.objects.get(email=DEMO_EMAIL)
    if not MasterProfile.objects.filter(user=demo_user).exists():
        MasterProfile.objects.create(
            user=demo_user, name="Amani Otieno", resume=json.loads(PROFILE_PATH.read_text())
        )
    if not JobPosting.objects.filter(user=demo_user).exists():
        _posting(demo_user)
    let_serve(provider)
    audit.record(
        action="demo.seeded",
        actor=Actor.of_command("seed_demo"),
        changes={"provider": [None, provider], "people": [None, [ADMIN_EMAIL, *PLAN_EMAILS.values()]]},
    )
    return password


@transaction.atomic
def let_serve(provider: str) -> None:
    """`provider` answers from now on: a vendor whose key is in the environment, `local`, or `sandbox`, whose
    three vendors share the tasks. The demo's other providers are switched off, because their servers may not
    be running. ValueError when a vendor has no key."""
    hold_all()
    configs = _configs(provider)
    for config in configs:
        config.is_active = True
    configs[0].is_default = True
    kept = [config.pk for config in configs if config.pk]
    AIProviderConfig.objects.filter(is_default=True).exclude(pk=configs[0].pk).update(is_default=False)
    AIProviderConfig.objects.filter(display_name__startswith=_PREFIX).exclude(pk__in=kept).update(
        is_active=False
    )
    for config in configs:
        config.save()


def _posting(user: User) -> None:
    """The job board's page that carries structured data, as extraction would keep it."""
    page = (POSTINGS / "structured.html").read_text()
    reading, findings = read_document(Page(url="", body=page)), Findings()
    put_known(findings, reading)
    if reading.needs_model:
        raise LookupError("the demo's page has lost its structured data")
    data = findings.data
    JobPosting.objects.create(
        user=user,
        source_kind=SourceKind.URL,
        content_hash=reading.identity.content_hash,
        title=data.title or "",
        hiring_organization=data.hiring_organization or "",
        data=data.model_dump(mode="json"),
        sources=findings.sources,
        evidence=findings.evidence,
    )


def _password() -> str:
    """One password per installation, kept beside the database and readable by its owner only."""
    path = settings.DATA_DIR / "demo-password"
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(9)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
    return password


def _user(email: str, password_hash: str, **fields: str) -> User:
    user = User.objects.filter(email=email).first() or User(email=email, **fields)
    user.password = password_hash
    user.save()
    return user


def _configs(provider: str) -> list[AIProviderConfig]:
    """Not saved yet; the first is to be the default."""
    if provider == "sandbox":
        return [_stand_in(provider_type) for provider_type in _STAND_INS]
    if provider == "local":
        return [_local()]
    entry = settings.PROVIDER_ENVIRONMENT[provider]
    if not entry["api_key"]:
        raise ValueError(f"There is no API key for {PROVIDER_TYPES[provider].label} in the environment.")
    config = _config(provider, PROVIDER_TYPES[provider].label, tasks=set(TASKS), timeout=60)
    return [_with_models(config, entry, entry["api_key"])]


def _stand_in(provider_type: str) -> AIProviderConfig:
    key, path, task = _STAND_INS[provider_type]
    name = f"{PROVIDER_TYPES[provider_type].label} (sandbox)"
    config = _config(provider_type, name, tasks={task}, timeout=OWN_SERVER_SECONDS)
    config.base_url = f"http://127.0.0.1:{SANDBOX_PORT}/{path}"
    # The vendor's own models, so that what it says it used is priced as the vendor's list has it.
    return _with_models(config, settings.PROVIDER_ENVIRONMENT[provider_type], key)


def _local() -> AIProviderConfig:
    ModelPrice.objects.get_or_create(
        provider_type="local",
        model_name=MODEL_NAME,
        defaults={
            "input_mtok": Decimal(0),
            "output_mtok": Decimal(0),
            "note": "A server of one's own costs nothing per token.",
        },
    )
    config = _config("local", "local", tasks=set(TASKS), timeout=OWN_SERVER_SECONDS)
    config.base_url = f"http://127.0.0.1:{LOCAL_PORT}/v1"
    return _with_models(config, {"model_fast": MODEL_NAME, "model_quality": ""}, "no-key-needed")


def _config(provider_type: str, name: str, *, tasks: Collection[str], timeout: int) -> AIProviderConfig:
    name = f"{_PREFIX}{name}"
    config = AIProviderConfig.objects.filter(display_name=name).first() or AIProviderConfig(
        display_name=name, provider_type=provider_type
    )
    config.timeout = timeout
    for task in TASKS.values():
        if task.flag:
            setattr(config, task.flag, task.slug in tasks)
    return config


def _with_models(config: AIProviderConfig, models: Mapping[str, str], key: str) -> AIProviderConfig:
    config.model_name, config.quality_model_name = models["model_fast"], models["model_quality"]
    config.set_api_key(key)
    return config
