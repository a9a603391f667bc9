"""Which providers a call may use, as the console changes what there is."""

import threading
from dataclasses import replace

import pytest

from accounts import concurrency
from accounts.concurrency import in_database_thread
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.errors import NoActiveProvider
from orchestration.routing.balancing import Spread
from orchestration.routing.candidates import Needs, candidates
from orchestration.routing.snapshot import current_snapshot, forget_snapshot
from providers.models import AIProviderConfig, RoutingRevision
from providers.registry import ProviderFactory
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_in_the_environment_serves_while_no_config_exists(ask, sandbox, settings, monkeypatch):
    settings.PROVIDER_ENVIRONMENT = {
        "openai": {"api_key": "sk-test-environment-01", "model_fast": "sandbox-mini", "model_quality": ""}
    }
    # The outermost seam: the vendor's own address, which the environment fallback has no setting for.
    monkeypatch.setattr("providers.adapters.openai.OPENAI_URL", sandbox.openai)

    result = ask()

    row = AIProviderUsageLog.objects.get()
    assert (result.provider_config_id, row.provider_config, row.provider_type) == (None, None, "openai")


@pytest.mark.parametrize(
    ("keys", "serves"),
    [
        (("gemini", "openai", "claude"), "gemini"),
        (("openai", "claude"), "openai"),
        (("claude",), "claude"),
    ],
)
def test_keys_of_the_environment_serve_in_the_documented_order(settings, keys, serves):
    settings.PROVIDER_ENVIRONMENT = {
        vendor: entry | {"api_key": f"key-of-{vendor}" if vendor in keys else ""}
        for vendor, entry in settings.PROVIDER_ENVIRONMENT.items()
    }
    forget_snapshot()
    snapshot = current_snapshot()

    for call in range(30):
        spread = Spread(seed=f"call {call}")
        order = candidates(snapshot, task="extraction", tier="fast", needs=Needs(), spread=spread)
        assert tuple(one.provider.provider_type for one in order) == keys
        assert order[0].provider.provider_type == serves


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-\ud800", "sk-\u00e9"])
def test_a_key_that_no_header_carries_is_a_refused_key_and_the_next_one_serves(
    ask, sandbox, settings, monkeypatch, key
):
    models = {"model_fast": "sandbox-mini", "model_quality": ""}
    settings.PROVIDER_ENVIRONMENT = {
        "gemini": {"api_key": key, **models},
        "openai": {"api_key": "sk-test-environment-01", **models},
    }
    monkeypatch.setattr("providers.adapters.openai.OPENAI_URL", sandbox.openai)
    monkeypatch.setattr("providers.adapters.gemini.GEMINI_URL", sandbox.gemini)

    for _ in range(4):
        assert ask().provider_type == "openai"

    refused = AIProviderUsageLog.objects.filter(provider_type="gemini").values_list("status", "error_kind")
    assert set(refused) <= {("error", "auth")}
    assert sandbox.hits()["by_vendor"].keys() <= {"openai"}


def test_switching_every_config_off_stops_every_call_even_with_a_key_in_the_environment(
    ask, config_at, settings
):
    settings.PROVIDER_ENVIRONMENT = {
        "openai": {"api_key": "sk-test-environment-01", "model_fast": "m", "model_quality": "m"}
    }
    config_at(is_active=False)

    with pytest.raises(NoActiveProvider):
        ask()


def test_a_committed_change_is_used_by_the_very_next_call(ask, config_at):
    config = config_at()
    ask()

    config.model_name = "sandbox-large"
    config.save()
    second = ask()
    AIProviderConfig.objects.update(is_active=False)

    assert second.model_name == "sandbox-large"
    with pytest.raises(NoActiveProvider):
        ask()


class SwitchedOffMeanwhile(PortableLedger):
    """Somebody switches the default provider off when a call has chosen it and is about to reserve."""

    async def reserve(self, attempt):
        await in_database_thread(self._switch_off)
        return await super().reserve(attempt)

    def _switch_off(self):
        for config in AIProviderConfig.objects.filter(is_active=True, is_default=True):
            config.is_active = False
            config.save()


class NotLookingAgain(SwitchedOffMeanwhile):
    """Reserves by what was true when the call chose."""

    def _reserve(self, attempt):
        return super()._reserve(replace(attempt, routing_revision=RoutingRevision.current()))


@pytest.mark.parametrize(("ledger", "asked"), [(SwitchedOffMeanwhile, "large"), (NotLookingAgain, "mini")])
def test_a_provider_switched_off_after_it_was_chosen_is_not_asked(config_at, sandbox, user, ledger, asked):
    config_at("sandbox-mini", is_default=True)
    config_at("sandbox-large")
    orchestrator = AIOrchestrator(ledger=ledger())

    result = concurrency.run(orchestrator.generate(user=user, task="extraction", prompt="Say hello."))

    assert result.model_name == f"sandbox-{asked}"
    assert sandbox.hits()["by_model"] == {f"sandbox-{asked}": 1}
    assert AIProviderUsageLog.objects.get().model_name == f"sandbox-{asked}"


def test_what_a_provider_is_asked_with_is_imported_off_the_event_loop(config_at, ask, monkeypatch):
    """A vendor's SDK takes seconds to import, in which no other call of the process could go on."""
    imported_in = []
    adapter_class = ProviderFactory.adapter_class

    def imported(provider_type):
        imported_in.append((provider_type, threading.current_thread().name.split("_")[0]))
        return adapter_class(provider_type)

    monkeypatch.setattr(ProviderFactory, "adapter_class", staticmethod(imported))
    config_at(provider_type="claude")

    ask()

    assert imported_in[0] == ("claude", "database")
