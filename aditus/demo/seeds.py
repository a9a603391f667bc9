"""Rows for a first look: people on every plan, one provider, a profile and a posting."""

from __future__ import annotations

import json
import os
import secrets
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts.models import Plan, Role, Subscription, User
from aditus.demo.site import POSTINGS
from drafting.models import MasterProfile
from extraction.fetching import Page
from extraction.findings import Findings
from extraction.models import JobPosting, SourceKind
from extraction.reading import put_known, read_document
from providers.locks import hold_all
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS
from usage.models import ModelPrice

PROFILE_PATH = Path(__file__).parent / "profile.json"
ADMIN_EMAIL = "admin@aditus.example"
PLAN_EMAILS = {plan: f"{plan}@aditus.example" for plan in ("freemium", "paygo", "pro_monthly", "pro_annual")}
DEMO_EMAIL = PLAN_EMAILS["pro_monthly"]

LOCAL_PORT, SANDBOX_PORT = 8090, 8089
# Servers of one's own: (provider type, key, model, quality model, base URL).
OWN_SERVERS = {
    "local": ("local", "no-key-needed", "smollm2-135m-instruct", "", f"http://127.0.0.1:{LOCAL_PORT}/v1"),
    "sandbox": ("openai", "sk-sandbox-demo-key", "sandbox-mini", "sandbox-large",
                f"http://127.0.0.1:{SANDBOX_PORT}/openai/v1"),
}  # fmt: skip


def chosen_provider(wanted: str) -> str:
    """`auto` means the first vendor whose key is in the environment, else the local model."""
    if wanted != "auto":
        return wanted
    with_key = [slug for slug, entry in settings.PROVIDER_ENVIRONMENT.items() if entry["api_key"]]
    return with_key[0] if with_key else "local"


@transaction.atomic
def seed_demo(provider: str) -> str:
    """Create what is missing, make `provider` the default; returns the password of the demo people.

    Running it again changes nothing but the default provider. ValueError when a vendor has no key.
    """
    hold_all()
    password = _password()
    _user(ADMIN_EMAIL, password, role=Role.SUPER_ADMIN, full_name="Ada Super-admin")
    for plan, email in PLAN_EMAILS.items():
        user = _user(email, password, full_name=f"Amani on {plan}")
        if not Subscription.objects.current().filter(user=user).exists():
            Subscription.objects.create(user=user, plan=Plan.objects.get(slug=plan))
    demo_user = User.objects.get(email=DEMO_EMAIL)
    if not MasterProfile.objects.filter(user=demo_user).exists():
        MasterProfile.objects.create(
            user=demo_user, name="Amani Otieno", resume=json.loads(PROFILE_PATH.read_text())
        )
    if not JobPosting.objects.filter(user=demo_user).exists():
        _posting(demo_user)
    _make_default(_config(provider))
    return password


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


def _user(email: str, password: str, **fields: str) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, **fields)
    user.set_password(password)
    user.save(update_fields=["password"])
    return user


def _config(provider: str) -> AIProviderConfig:
    if provider in OWN_SERVERS:
        provider_type, key, model, quality_model, base_url = OWN_SERVERS[provider]
        for name in filter(None, (model, quality_model)):
            ModelPrice.objects.get_or_create(
                provider_type=provider_type,
                model_name=name,
                defaults={
                    "input_mtok": Decimal(0),
                    "output_mtok": Decimal(0),
                    "note": "A server of one's own costs nothing per token.",
                },
            )
        name = f"Demo: {provider}"
    else:
        entry = settings.PROVIDER_ENVIRONMENT[provider]
        if not entry["api_key"]:
            raise ValueError(f"There is no API key for {PROVIDER_TYPES[provider].label} in the environment.")
        provider_type, key, base_url = provider, entry["api_key"], ""
        model, quality_model = entry["model_fast"], entry["model_quality"]
        name = f"Demo: {PROVIDER_TYPES[provider].label}"
    config = AIProviderConfig.objects.filter(display_name=name).first() or AIProviderConfig(
        display_name=name, provider_type=provider_type
    )
    config.model_name, config.quality_model_name, config.base_url = model, quality_model, base_url
    # A processor with other work to do may take minutes over what a vendor answers in seconds.
    config.timeout = 180 if provider == "local" else 60
    config.set_api_key(key)
    return config


def _make_default(config: AIProviderConfig) -> None:
    """The demo's other providers are switched off, because their servers may not be running."""
    AIProviderConfig.objects.filter(is_default=True).exclude(pk=config.pk).update(is_default=False)
    AIProviderConfig.objects.filter(display_name__startswith="Demo: ").exclude(pk=config.pk).update(
        is_active=False
    )
    config.is_active = config.is_default = True
    for task in TASKS.values():
        if task.flag:
            setattr(config, task.flag, True)
    config.save()
