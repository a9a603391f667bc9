"""What routing knows, as it is loaded from the database."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from orchestration.experiments.assignment import Arm, RunningExperiment
from orchestration.models import PlanTaskTier, TaskPolicy
from orchestration.routing.candidates import Needs, candidates, is_asked, with_arm_first
from orchestration.routing.snapshot import (
    PolicyInForce,
    ProviderSnapshot,
    RoutingSnapshot,
    current_snapshot,
    forget_snapshot,
)
from providers.adapters.base import GenerationRequest, Image
from providers.models import AIProviderConfig, ModelCapability, RoutingRevision
from providers.registry import PROVIDER_TYPES, ProviderFactory
from providers.tasks import TASKS
from tests.factories import make_config
from tests.orchestration.calls import candidate
from usage.models import ModelPrice, QuotaRule
from usage.pricing import overrides_of
from usage.quotas import estimate_input_tokens

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_provider_is_all_that_its_config_says():
    config = make_config(
        display_name="Ours",
        model_name="small",
        quality_model_name="large",
        base_url="http://127.0.0.1/v1",
        timeout=20,
        default_for_extraction=True,
        is_default=True,
        priority=3,
        weight=4,
        requests_per_minute=5,
        max_concurrent_calls=6,
        daily_token_limit=7,
        monthly_token_limit=8,
        daily_cost_limit_usd=Decimal(9),
        monthly_cost_limit_usd=Decimal(10),
    )

    config.flagged_at = NOON

    found = ProviderSnapshot.of(config)

    assert found == ProviderSnapshot(
        config_id=config.pk,
        provider_type="openai",
        name=str(config),
        fast_model="small",
        quality_model="large",
        sealed_key=config.api_key_encrypted,
        base_url="http://127.0.0.1/v1",
        timeout=20,
        tasks=frozenset({"extraction"}),
        is_default=True,
        is_flagged=True,
        priority=3,
        weight=4,
        requests_per_minute=5,
        max_concurrent_calls=6,
        proof=found.proof,
        daily_token_limit=7,
        monthly_token_limit=8,
        daily_cost_limit_usd=Decimal(9),
        monthly_cost_limit_usd=Decimal(10),
    )
    assert not ProviderSnapshot.of(make_config(model_name="other")).is_flagged


def test_what_was_held_against_a_provider_is_forgotten_with_a_new_key_address_or_proof():
    config = make_config(base_url="http://127.0.0.1/v1")

    def proof(**changed):
        for name, value in changed.items():
            setattr(config, name, value)
        return ProviderSnapshot.of(config).proof

    first = proof()
    assert proof(display_name="Another", priority=9) == first

    seen = {first, proof(base_url="http://127.0.0.1/v2"), proof(proven_at=NOON), proof(proven_at=None)}
    assert len(seen) == 3
    config.set_api_key("sk-another-0123456789abcdef")
    assert proof() not in seen


def test_a_snapshot_has_everything_that_rows_say():
    make_config(model_name="m-1", is_active=False)
    active = make_config(model_name="m-2")
    PlanTaskTier.objects.filter(plan="freemium").delete()
    PlanTaskTier.objects.create(plan_id="freemium", task="extraction", tier="quality")
    PlanTaskTier.objects.create(plan_id="freemium", task="cv_draft", tier="fast")
    TaskPolicy.objects.create(
        task="extraction",
        strategy="least_cost",
        is_sticky=True,
        deadline_seconds=20,
        cache_seconds=0,
        votes=3,
        prompt_version="brief",
    )
    ModelPrice.objects.create(provider_type="openai", model_name="m-2", input_mtok=1, output_mtok=2)
    QuotaRule.objects.create(plan_id="freemium", task="extraction", unit="tokens", period="day", limit=7)
    ModelCapability.objects.create(provider_type="openai", model_name="m-2", vision=True)

    snapshot = current_snapshot()

    assert snapshot.revision == RoutingRevision.current()
    assert [one.config_id for one in snapshot.providers] == [active.pk]
    assert snapshot.tier_for("freemium", "extraction") == "quality"
    assert snapshot.tier_for("freemium", "cv_draft") == "fast"
    assert snapshot.tier_for("freemium", "cover_letter") == TASKS["cover_letter"].tier
    assert snapshot.policy_of("extraction") == PolicyInForce(
        strategy="least_cost",
        is_sticky=True,
        deadline=20.0,
        cache_seconds=0,
        votes=3,
        prompt_version="brief",
    )
    assert snapshot.typical_cost("openai", "m-2") == Decimal("0.005")
    assert snapshot.rules.of_plans == {("freemium", "extraction", "tokens", "day"): 7}
    assert snapshot.capabilities.of("openai", "m-2").vision
    assert snapshot.experiments == {}


def test_it_is_loaded_once_a_revision(django_assert_num_queries):
    make_config()
    first = current_snapshot()

    with django_assert_num_queries(1):
        assert current_snapshot() is first
    make_config(model_name="another")

    assert current_snapshot() is not first
    assert len(current_snapshot().providers) == 2


def test_loading_it_imports_the_adapters_that_calls_will_need(monkeypatch):
    make_config()
    make_config(provider_type="claude", model_name="claude-haiku-4-5", api_key="sk-ant-test-0123456789")
    AIProviderConfig.objects.filter(provider_type="claude").update(provider_type="gone")
    loaded = []
    monkeypatch.setattr(ProviderFactory, "adapter_class", loaded.append)

    forget_snapshot()
    current_snapshot()

    assert loaded == ["openai"]


def test_keys_of_the_environment_serve_every_task_until_the_first_config(settings):
    entry = {"api_key": "sk-1", "model_fast": "small", "model_quality": "large"}
    settings.PROVIDER_ENVIRONMENT = {"gemini": entry | {"api_key": ""}, "openai": entry, "claude": entry}

    one, two = current_snapshot().providers

    assert one == ProviderSnapshot(
        config_id=None,
        provider_type="openai",
        name=f"{PROVIDER_TYPES['openai'].label} (environment)",
        fast_model="small",
        quality_model="large",
        plain_key="sk-1",
        timeout=settings.PROVIDER_TIMEOUT_SECONDS,
        tasks=frozenset(TASKS),
        priority=-1,
    )
    assert (two.provider_type, two.priority) == ("claude", -2)
    assert (one.identity, one.address) == ("openai", ("openai", ""))

    make_config(is_active=False)
    assert current_snapshot().providers == ()


# --- Needs, and the arm of an experiment ------------------------------------------------------------------


def test_what_a_request_needs_is_read_from_it():
    picture = Image(data=b"", mime_type="image/png")
    plain, seen = GenerationRequest(prompt="x" * 300), GenerationRequest(prompt="", images=(picture,))
    form = GenerationRequest(prompt="", response_model=type("Form", (), {"model_json_schema": lambda: {}}))

    assert Needs.of(plain) == Needs(input_tokens=estimate_input_tokens(plain))
    assert Needs.of(seen) == Needs(vision=True, input_tokens=estimate_input_tokens(seen))
    assert Needs.of(form).structured_output


def ordered(arm, *, needs=None, tier="fast"):
    one = candidate(1, model="sandbox-mini", quality_model="large").provider
    two = candidate(2, model="sandbox-text").provider
    snapshot = RoutingSnapshot(revision=1, providers=(one, two), tiers={})
    needs = needs or Needs()
    order = candidates(snapshot, task="extraction", tier=tier, needs=needs)
    return [
        (found.provider.config_id, found.model_name)
        for found in with_arm_first(order, arm, snapshot, tier, needs)
    ]


def test_an_arm_changes_the_provider_or_the_model_and_only_where_it_can():
    usual = ordered(None)
    assert sorted(usual) == [(1, "sandbox-mini"), (2, "sandbox-text")]

    assert ordered(Arm(id=1, weight=1)) == usual
    assert ordered(Arm(id=1, weight=1, provider_config_id=99)) == usual
    assert ordered(Arm(id=1, weight=1, provider_config_id=1)) == [(1, "sandbox-mini"), (2, "sandbox-text")]
    assert ordered(Arm(id=1, weight=1, provider_config_id=2)) == [(2, "sandbox-text"), (1, "sandbox-mini")]
    assert ordered(Arm(id=1, weight=1, provider_config_id=1), tier="quality")[0] == (1, "large")
    assert ordered(Arm(id=1, weight=1, provider_config_id=1, model_name="tried"))[0] == (1, "tried")
    seeing = Arm(id=1, weight=1, provider_config_id=2, model_name="gpt-4o")
    assert ordered(seeing, needs=Needs(vision=True))[0] == (2, "gpt-4o")
    blind = Arm(id=1, weight=1, provider_config_id=2)
    assert ordered(blind, needs=Needs(vision=True)) == [(1, "sandbox-mini")]


def test_a_model_is_asked_that_is_the_providers_for_a_tier_or_for_an_arm():
    one = candidate(1, model="sandbox-mini", quality_model="large").provider
    environment = candidate(None, model="sandbox-text").provider
    tried = Arm(id=1, weight=1, provider_config_id=1, model_name="tried")
    nobodys = Arm(id=2, weight=1, model_name="loose")
    snapshot = RoutingSnapshot(
        revision=1,
        providers=(one, environment),
        tiers={},
        experiments={"extraction": RunningExperiment(1, "extraction", (tried, nobodys))},
    )

    def asked(identity):
        models = ("sandbox-mini", "large", "tried", "sandbox-text", "loose", "")
        return [name for name in models if is_asked(snapshot, identity=identity, model_name=name)]

    assert asked(1) == ["sandbox-mini", "large", "tried"]
    assert asked("openai") == ["sandbox-text"]
    assert asked(2) == asked("claude") == asked(None) == []


def test_an_arm_that_fills_in_no_forms_is_asked_by_prompt():
    one = candidate(1, model="sandbox-plain").provider
    snapshot = RoutingSnapshot(revision=1, providers=(one,), tiers={})
    arm = Arm(id=1, weight=1, provider_config_id=1)

    [first] = with_arm_first((), arm, snapshot, "fast", Needs(structured_output=True))

    assert (first.degraded, first.capabilities.structured_output) == (("structured_output",), False)


def test_a_price_that_begins_later_is_what_models_are_compared_by_from_then_on():
    today, tomorrow = datetime(2026, 11, 21, 12, 30, tzinfo=UTC), datetime(2026, 11, 22, 12, tzinfo=UTC)
    one = Decimal(1)
    row = ModelPrice(
        provider_type="openai", model_name="m", input_mtok=one, output_mtok=one, valid_from=tomorrow
    )
    snapshot = RoutingSnapshot(revision=1, providers=(), tiers={}, prices=overrides_of([row]))

    with time_machine.travel(today):
        before = snapshot.typical_cost("openai", "m")
    with time_machine.travel(tomorrow):
        after = snapshot.typical_cost("openai", "m")

    assert (before, after) == (None, Decimal("0.004"))
