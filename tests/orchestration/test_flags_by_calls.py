"""What a call holds against a config, or takes back, is about the key and the address that it asked with."""

import pytest
from django.db import OperationalError

from accounts import concurrency
from accounts.concurrency import in_database_thread
from orchestration.calls.orchestrator import AIOrchestrator
from providers.configs.flags import flag
from providers.models import AIProviderConfig
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)


class Meanwhile(PortableLedger):
    """Somebody changes the first config after it has answered and before the answer takes effect."""

    def __init__(self, change):
        self.changes = [change]

    async def settle(self, reservation, outcome):
        if self.changes:
            await in_database_thread(self._change)
        return await super().settle(reservation, outcome)

    def _change(self):
        config = AIProviderConfig.objects.earliest("pk")
        self.changes.pop()(config)
        config.save()


def rotated(config):
    config.set_api_key("sk-test-9999999999abcdef")


def moved(config):
    config.base_url = "http://127.0.0.1:9/v1"


def flagged_anew(config):
    rotated(config)
    AIProviderConfig.flag(config.pk, "auth")
    config.flagged_at, config.flag_reason = config.created_at, "auth"


def renamed(config):
    config.display_name = "Still the same account"


def ask_with(ledger, user):
    orchestrator = AIOrchestrator(ledger=ledger)
    return concurrency.run(orchestrator.generate(user=user, task="extraction", prompt="Say hello."))


@pytest.mark.parametrize(("change", "flagged"), [(rotated, ""), (moved, ""), (renamed, "auth")])
def test_a_refusal_of_the_old_key_says_nothing_of_the_new_one(config_at, user, change, flagged):
    config = config_at("sandbox-mini@auth", is_default=True)
    healthy = config_at("sandbox-large")

    assert ask_with(Meanwhile(change), user).provider_config_id == healthy.pk

    config.refresh_from_db()
    assert config.flag_reason == flagged


@pytest.mark.parametrize(("change", "flagged"), [(flagged_anew, "auth"), (renamed, "")])
def test_an_answer_to_the_old_key_does_not_lift_the_flag_of_the_new_one(config_at, user, change, flagged):
    config = config_at()
    flag(config.pk, "billing")

    ask_with(Meanwhile(change), user)

    config.refresh_from_db()
    assert config.flag_reason == flagged


@pytest.fixture
def no_flags(monkeypatch):
    def away(*_, **__):
        # A database that is away for just this moment is the outermost seam there is.
        raise OperationalError("the database is away")

    for name in ("flag", "unflag"):
        monkeypatch.setattr(f"orchestration.calls.loop.{name}", away)


@pytest.mark.usefixtures("no_flags")
def test_a_flag_that_cannot_be_set_stops_no_failover(config_at, ask):
    config_at("sandbox-mini@auth", is_default=True)
    healthy = config_at("sandbox-large")

    assert ask().provider_config_id == healthy.pk


@pytest.mark.usefixtures("no_flags")
def test_a_flag_that_cannot_be_lifted_takes_no_answer_away(config_at, ask):
    config = config_at()
    flag(config.pk, "billing")

    assert ask().text
    assert AIProviderUsageLog.objects.get().status == "success"
