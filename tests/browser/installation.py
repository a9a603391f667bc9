"""An installation that has been in use for two months, invented: what its pages look like with life in them.

The same for the same `seed`, but for the moments, which count back from now.
"""

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from accounts.audit import Actor, record_alone
from accounts.models import User
from aditus.demo.seeds import ADMIN_EMAIL, PLAN_EMAILS, seed_demo
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from orchestration.experiments.assignment import assigned_arm, running_experiments
from orchestration.models import CallFeedback, Experiment, ExperimentArm, ProviderProbe
from providers.configs import changes
from providers.models import AIProviderConfig, ModelCapability
from tests.circuits import open_circuit
from tests.factories import make_config
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter
from usage.stats import rollup

TASKS = ("extraction", "cv_draft", "cover_letter", "extraction_validation")
DRAFT_TITLE = "Backend engineer"


@dataclass(frozen=True)
class Vendor:
    """One provider, the USD per million tokens its calls were charged, and how it fares."""

    name: str
    fields: dict
    input_mtok: Decimal
    output_mtok: Decimal
    share: int
    latency_ms: int
    failures: float = 0.02


VENDORS = (
    Vendor(
        "Gemini, main account",
        {"provider_type": "gemini", "model_name": "gemini-2.5-flash", "quality_model_name": "gemini-2.5-pro",
         "api_key": "AIzaSy-demo-0123456789-4f2a", "priority": 30, "daily_token_limit": 2_000_000,
         "default_for_extraction": True, "default_for_validation": True},
        Decimal("0.30"), Decimal("2.50"), 50, 1900,
    ),
    Vendor(
        "OpenAI, drafting",
        {"provider_type": "openai", "model_name": "gpt-5-mini", "quality_model_name": "gpt-5",
         "api_key": "sk-demo-0123456789-91bc", "priority": 20, "default_for_cv_draft": True,
         "monthly_token_limit": 40_000_000},
        Decimal("0.25"), Decimal("2.00"), 30, 3200,
    ),
    Vendor(
        "Claude, letters",
        {"provider_type": "claude", "model_name": "claude-haiku-4-5",
         "quality_model_name": "claude-sonnet-4-5", "api_key": "sk-ant-demo-0123456789-c07e", "priority": 20,
         "default_for_cover_letter": True},
        Decimal("1.00"), Decimal("5.00"), 15, 2600,
    ),
    Vendor(
        "OpenAI, Europe",
        {"provider_type": "openai", "model_name": "gpt-5-mini", "api_key": "sk-demo-0123456789-77d0",
         "priority": 10},
        Decimal("0.25"), Decimal("2.00"), 4, 3600, 0.2,
    ),
    Vendor(
        "Claude, old account",
        {"provider_type": "claude", "model_name": "claude-haiku-4-5",
         "api_key": "sk-ant-demo-0123456789-0b1d", "is_active": False},
        Decimal("1.00"), Decimal("5.00"), 1, 2800,
    ),
    Vendor(
        "Llama in our own rack",
        {"provider_type": "local", "model_name": "llama-3.3-70b", "api_key": "no-key-needed-5e11",
         "priority": 5, "base_url": "http://llama.internal:8000/v1", "timeout": 120},
        Decimal(0), Decimal(0), 3, 6100,
    ),
    Vendor(
        "Gemini, trial",
        {"provider_type": "gemini", "model_name": "gemini-2.5-flash-lite",
         "api_key": "AIzaSy-demo-0123456789-aa31", "is_active": False},
        Decimal("0.10"), Decimal("0.40"), 1, 1500,
    ),
)  # fmt: skip


def furnish(*, days=60, calls_a_day=40, seed=7):
    """Fill the empty database; returns the super-admin."""
    dice = random.Random(seed)
    seed_demo("sandbox")
    # Its people, profile and posting are wanted here; the providers are those above.
    AIProviderConfig.objects.all().delete()
    admin = User.objects.get(email=ADMIN_EMAIL)
    configs = [_config(vendor, admin) for vendor in VENDORS]
    ModelPrice.objects.create(provider_type="local", model_name="llama-3.3-70b", input_mtok=0, output_mtok=0)
    _describe_models()
    people = list(User.objects.filter(email__in=PLAN_EMAILS.values()))
    _change_something(admin, configs)
    _make_calls(dice, configs, people, days=days, calls_a_day=calls_a_day)
    _make_draft(people[-1])
    _run_experiment(admin, people)
    _probe(configs)
    rollup.refresh(now=timezone.now())
    return admin


def _config(vendor, admin):
    config = make_config(display_name=vendor.name, created_by=admin, **vendor.fields)
    now = timezone.now()
    config.key_set_at = now - timedelta(days=45 + 20 * len(vendor.name) % 200)
    config.last_tested_at, config.last_test_success = now - timedelta(hours=2), True
    config.save()
    return config


def _describe_models():
    """What vendors' lists and an admin said of some models; one has left its list."""
    now = timezone.now()
    for provider_type, model_name, facts in (
        ("gemini", "gemini-2.5-flash", {"vendor_context_window": 1_048_576}),
        ("claude", "claude-haiku-4-5", {"vendor_vision": True, "vendor_structured_output": True,
                                        "vendor_context_window": 200_000}),
        ("openai", "gpt-5-mini", {}),
        ("openai", "gpt-4", {"retired_at": now - timedelta(days=3)}),
        ("openai", "whisper-1", {}),
    ):  # fmt: skip
        fields = {"provider_type": provider_type, "model_name": model_name, "seen_at": now, **facts}
        ModelCapability.objects.create(**fields)
    ModelCapability.objects.create(
        provider_type="local", model_name="llama-3.3-70b", context_window=32_768, note="As vLLM was started."
    )


def _change_something(admin, configs):
    """What the audit trail has to show; and two keys that need somebody."""
    actor = Actor(door="admin", user=admin, email=admin.email, ip_address="192.0.2.17", user_agent="Firefox")
    main, _, _, europe, old, *_ = configs
    changes.make_default(actor=actor, config_id=main.pk)
    changes.update(actor=actor, config_id=europe.pk, fields={"priority": 12, "timeout": 45})
    changes.set_active(actor=actor, config_ids=[old.pk], is_active=True)
    changes.set_active(actor=actor, config_ids=[old.pk], is_active=False)
    stranger = Actor(
        door="admin", email="intern@aditus.example", ip_address="198.51.100.4", user_agent="curl"
    )
    record_alone(action="login", actor=stranger, target_label="intern@aditus.example", outcome="refused")
    AIProviderConfig.flag(old.pk, "billing")
    AIProviderConfig.objects.filter(pk=europe.pk).update(key_expires_at=timezone.now() + timedelta(days=9))


def _make_calls(dice, configs, people, *, days, calls_a_day):
    now = timezone.now()
    rows = []
    for day in range(days):
        weekend = (now - timedelta(days=day)).weekday() > 4
        for _ in range(dice.randint(calls_a_day // 2, calls_a_day) // (2 if weekend else 1)):
            moment = now - timedelta(days=day, seconds=dice.randrange(60, 86_000))
            vendor, config = _pick(dice, configs)
            rows.append(_call(dice, vendor, config, dice.choice(people), moment))
    rows += _a_large_call(VENDORS[0], configs[0], people[0], now)
    AIProviderUsageLog.objects.bulk_create(rows, batch_size=500)
    _count_quota(rows, now)


def _a_large_call(vendor, config, person, now):
    """The newest: figures of many digits, at the second attempt."""
    dice = random.Random(1)
    refused, answered = (
        _call(dice, replace(vendor, failures=chance), config, person, now - timedelta(seconds=seconds))
        for chance, seconds in ((1, 75), (0, 5))
    )
    refused.error_kind, refused.latency_ms = "rate_limited", 61_234
    answered.request_id, answered.attempt, answered.latency_ms = refused.request_id, 2, 71_234
    answered.input_tokens, answered.output_tokens, answered.total_tokens = 900_000, 100_000, 1_000_000
    answered.reserved_tokens = 1_200_000
    answered.estimated_cost_usd = (900_000 * vendor.input_mtok + 100_000 * vendor.output_mtok) / 1_000_000
    return [refused, answered]


def _pick(dice, configs):
    place = dice.choices(range(len(configs)), [vendor.share for vendor in VENDORS])[0]
    return VENDORS[place], configs[place]


def _call(dice, vendor, config, person, moment):
    failed = dice.random() < vendor.failures
    read, written = (0, 0) if failed else (dice.randrange(600, 4000), dice.randrange(150, 1400))
    cost = (read * vendor.input_mtok + written * vendor.output_mtok) / 1_000_000
    latency = round(vendor.latency_ms * dice.lognormvariate(0, 0.4))
    return AIProviderUsageLog(
        user=person,
        provider_config=config,
        provider_type=config.provider_type,
        model_name=config.model_name,
        task_type=dice.choices(TASKS, [50, 25, 20, 5])[0],
        plan=person.email.partition("@")[0],
        request_id=str(UUID(int=dice.getrandbits(128))),
        input_tokens=read,
        output_tokens=written,
        total_tokens=read + written,
        usage_source="none" if failed else "vendor",
        estimated_cost_usd=cost,
        is_free=not vendor.input_mtok,
        unit_prices={} if failed else {"input": str(vendor.input_mtok), "output": str(vendor.output_mtok)},
        status="error" if failed else "success",
        error_kind=dice.choice(["rate_limited", "server", "overloaded"]) if failed else "",
        error_message="The provider answered with an error; the next one was asked." if failed else "",
        latency_ms=latency,
        created_at=moment,
        settled_at=moment + timedelta(milliseconds=latency),
    )


def _count_quota(rows, now):
    """The counters of today and of this month, as the ledger keeps them."""
    used = {}
    for row in rows:
        windows = []
        if row.created_at.date() == now.date():
            windows.append(f"day:{now:%Y-%m-%d}")
        if (row.created_at.year, row.created_at.month) == (now.year, now.month):
            windows.append(f"month:{now:%Y-%m}")
        for window in windows:
            for scope in (f"user:{row.user_id}", f"provider:{row.provider_config_id}"):
                used[scope, window] = used.get((scope, window), 0) + row.total_tokens
    # In the first minutes of a month nobody has called yet.
    used = used or {(f"user:{User.objects.first().pk}", f"month:{now:%Y-%m}"): 4_200}
    QuotaCounter.objects.bulk_create(
        QuotaCounter(scope=scope, window=window, used=tokens) for (scope, window), tokens in used.items()
    )


def _probe(configs):
    """Vendors that answered, did not, and cannot tell; and a circuit that opened a moment ago."""
    now = timezone.now()
    main, drafting, letters, europe, _, own, _ = configs
    for config, is_up, kind in ((main, True, ""), (drafting, True, ""), (letters, True, ""),
                                (europe, False, "timeout"), (own, None, "not_found")):  # fmt: skip
        ProviderProbe.objects.create(
            config=config,
            is_up=is_up,
            error_kind=kind,
            latency_ms=180 + 20 * config.pk % 90,
            checked_at=now - timedelta(minutes=2),
            since=now - timedelta(hours=5),
            next_at=now + timedelta(minutes=6 if is_up else 1),
        )
    open_circuit(europe, europe.model_name, "timeout")


def _run_experiment(admin, people):
    """Letters by two prompts: the letters that were written belong to the arms of their people."""
    experiment = Experiment.objects.create(
        name="Letters by evidence",
        task="cover_letter",
        status="running",
        started_at=timezone.now() - timedelta(days=20),
        created_by=admin,
    )
    for name, version in (("As it is", ""), ("Evidence", "evidence")):
        ExperimentArm.objects.create(experiment=experiment, name=name, prompt_version=version)
    running = running_experiments()["cover_letter"]
    for person in people:
        letters = AIProviderUsageLog.objects.filter(user=person, task_type="cover_letter")
        letters.update(experiment_arm=assigned_arm(running, person.pk).id)
        CallFeedback.objects.bulk_create(
            CallFeedback(user=person, request_id=letter.request_id, rating=2 + letter.output_tokens % 4)
            for letter in letters[:40]
        )


def _make_draft(person):
    Draft.objects.create(
        user=person,
        kind="cv",
        series="demo",
        version=1,
        job=JobPosting.objects.first(),
        profile=MasterProfile.objects.first(),
        title=DRAFT_TITLE,
        hiring_organization="Savannah Systems",
        content={},
        prompt_version="1",
        provider_type="openai",
        provider_name="OpenAI, drafting",
        model_name="gpt-5-mini",
        request_id=str(UUID(int=1)),
        cost_usd=Decimal("0.0031"),
        latency_ms=4100,
        attempts=1,
    )
