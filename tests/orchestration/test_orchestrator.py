"""One call, through the real SDKs and real HTTP, against the sandbox."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from pydantic import BaseModel

from accounts import concurrency
from accounts.models import AuditEntry, Plan
from orchestration.calls.question import MAX_ATTEMPTS
from orchestration.errors import (
    ContentBlocked,
    InputTooLong,
    NoActiveProvider,
    NoCapableProvider,
    ProviderFailed,
    ProviderQuotaExhausted,
    ProviderTimedOut,
    RequestRefused,
)
from providers.adapters.base import Image
from providers.errors import UndecryptableKey
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from tests.factories import make_user
from tests.waiting import let_pass, wait_until
from usage.ledger.base import QuotaExceeded
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

PIXEL = Image(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003"
        "010100c9fe92ef0000000049454e44ae426082"
    ),
    "image/png",
)


class Greeting(BaseModel):
    greeting: str | None


def rows():
    return list(AIProviderUsageLog.objects.order_by("id"))


def statuses():
    return [(row.attempt, row.status, row.error_kind) for row in rows()]


def reserved():
    return sum(QuotaCounter.objects.values_list("reserved", flat=True))


@pytest.fixture(autouse=True)
def the_books_balance(sandbox):
    """Whatever a test does: nothing stays reserved, nothing stays open, and every request has its row."""
    yield
    assert reserved() == 0
    assert not AIProviderUsageLog.objects.filter(status="started").exists()
    assert AIProviderUsageLog.objects.filter(attempt__gte=1).count() == sandbox.hits()["total"]


@pytest.mark.parametrize("provider_type", sorted(PROVIDER_TYPES))
def test_it_answers_and_accounts_for_the_call(ask, config_at, user, provider_type):
    config = config_at(provider_type=provider_type)
    ModelPrice.objects.create(
        provider_type=provider_type, model_name="sandbox-mini", input_mtok=Decimal(2), output_mtok=Decimal(10)
    )

    result = ask("Say hello to Amani.")

    row = AIProviderUsageLog.objects.get()
    assert (row.user, row.provider_config, row.provider_type) == (user, config, provider_type)
    assert (row.status, row.attempt, row.usage_source, row.plan) == ("success", 1, "vendor", "freemium")
    assert row.input_tokens > 0
    assert row.output_tokens > 0
    assert row.estimated_cost_usd == (row.input_tokens * 2 + row.output_tokens * 10) / Decimal(1_000_000)
    assert (result.cost_usd, result.attempts, result.provider_type) == (
        row.estimated_cost_usd,
        1,
        provider_type,
    )
    assert result.request_id == row.request_id
    used = QuotaCounter.objects.get(scope=f"user:{user.pk}", window__startswith="day:").used
    assert used == row.total_tokens


def test_it_returns_an_instance_of_the_model_asked_for(ask, config_at):
    config_at()

    result = ask("Greeting: habari", response_model=Greeting)

    assert isinstance(result.parsed, Greeting)


def test_a_paying_user_gets_the_quality_model_for_drafting(ask, config_at):
    config_at(quality_model_name="sandbox-large")

    free = ask(task="cv_draft")
    paid = ask(task="cv_draft", user=make_user("pro@example.com", plan="pro_monthly"))

    assert (free.model_name, free.tier) == ("sandbox-mini", "fast")
    assert (paid.model_name, paid.tier) == ("sandbox-large", "quality")


def test_an_unknown_price_is_null_and_never_zero(ask, config_at):
    config_at()

    result = ask()

    assert result.cost_usd is None
    assert AIProviderUsageLog.objects.get().estimated_cost_usd is None


def test_a_vendor_that_reports_no_usage_is_settled_at_a_marked_estimate(ask, config_at):
    config_at("sandbox-mini@no_usage")

    result = ask()

    row = AIProviderUsageLog.objects.get()
    assert (row.usage_source, result.usage_source) == ("estimated", "estimated")
    assert row.total_tokens > 0


# fault -> (kind, requests at the first config, does the second config get its turn, is the first flagged)
FAILURES = {
    "auth": ("auth", 1, True, True),
    "forbidden": ("auth", 1, True, True),
    "billing": ("billing", 1, True, True),
    "not_found": ("not_found", 1, True, True),
    "bad_request": ("rejected", 1, True, False),
    "unprocessable": ("rejected", 1, True, False),
    "unsupported": ("parameter", 1, True, False),
    "failed_dependency": ("path", 2, True, False),
    "too_long": ("too_long", 1, False, False),
    "too_large": ("too_large", 1, True, False),
    "request_timeout": ("timeout", 2, True, False),
    "conflict": ("server", 2, True, False),
    "server": ("server", 2, True, False),
    "unavailable": ("server", 2, True, False),
    "disconnect": ("server", 2, True, False),
    "malformed": ("malformed", 2, True, False),
    "overloaded": ("overloaded", 1, True, False),
    "rate_limited=60": ("rate_limited", 1, True, False),
    "rate_limited=0": ("rate_limited", 2, True, False),
    "blocked": ("blocked", 1, False, False),
}


@pytest.mark.parametrize("fault", FAILURES)
def test_each_failure_stops_retries_or_fails_over_as_the_table_says(ask, config_at, fault):
    kind, requests, fails_over, flagged = FAILURES[fault]
    first = config_at(f"sandbox-mini@{fault}", priority=1)
    second = config_at(provider_type="claude")

    if fails_over:
        assert ask().provider_config_id == second.pk
    else:
        with pytest.raises(RequestRefused):
            ask()

    failed = [row for row in rows() if row.provider_config_id == first.pk]
    assert [row.error_kind for row in failed] == [kind] * requests
    assert [row.attempt for row in rows()] == list(range(1, requests + fails_over + 1))
    first.refresh_from_db()
    assert (first.flagged_at is not None) == flagged
    audited = AuditEntry.objects.filter(action="provider.flagged").values_list("target_id", "changes", "door")
    assert list(audited) == [(str(first.pk), {"flag_reason": ["", kind]}, "system")] * flagged


def test_an_unreadable_reply_is_asked_for_once_more_and_then_elsewhere(ask, config_at):
    config_at("sandbox-mini@broken_json", priority=1)
    second = config_at("sandbox-mini", provider_type="gemini")

    result = ask("Greeting: habari", response_model=Greeting)

    assert result.provider_config_id == second.pk
    assert statuses() == [
        (1, "error", "unparsable"),
        (2, "error", "unparsable"),
        (3, "success", ""),
    ]
    assert all(row.total_tokens > 0 for row in rows()), "an unreadable reply is billed all the same"
    assert rows()[1].input_tokens > rows()[0].input_tokens, "the second time it is told what was wrong"


def test_a_timeout_is_charged_at_the_estimate_and_reported_as_504(ask, config_at, sandbox, settings):
    settings.CALL_DEADLINE_SECONDS = 3600
    config_at("sandbox-mini@hang", timeout=300)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        for request in (1, 2):
            wait_until(lambda request=request: sandbox.hits()["total"] == request)
            let_pass(300, on=concurrency.background_loop.get())

    with pytest.raises(ProviderTimedOut) as raised:
        asking.result()
    assert raised.value.status == 504
    assert statuses() == [(1, "timeout", "timeout"), (2, "timeout", "timeout")]
    assert all(row.usage_source == "estimated" and row.total_tokens > 0 for row in rows())


def test_a_refused_request_costs_nothing(ask, config_at):
    config_at("sandbox-mini@bad_request")

    with pytest.raises(RequestRefused):
        ask()

    row = AIProviderUsageLog.objects.get()
    assert (row.total_tokens, row.usage_source) == (0, "none")


@pytest.mark.parametrize(
    ("fault", "error"), [("blocked", ContentBlocked), ("too_long", InputTooLong), ("too_large", InputTooLong)]
)
def test_the_client_is_told_what_to_change(ask, config_at, fault, error):
    config_at(f"sandbox-mini@{fault}")

    with pytest.raises(error):
        ask()


def test_no_combination_of_failures_makes_more_requests_than_the_bound(ask, config_at, sandbox):
    for number in range(6):
        config_at("sandbox-mini@server", priority=number)

    with pytest.raises(ProviderFailed) as raised:
        ask()

    assert sandbox.hits()["total"] == MAX_ATTEMPTS == len(raised.value.details["attempts"])


def test_a_flagged_config_is_asked_last_and_recovers_with_a_new_key(ask, config_at):
    refused = config_at(is_default=True)
    AIProviderConfig.flag(refused.pk, "auth")
    other = config_at(provider_type="claude")

    assert ask().provider_config_id == other.pk
    refused.set_api_key("sk-test-new-0123456789")
    refused.save()
    assert ask().provider_config_id == refused.pk


def test_a_user_without_quota_is_refused_before_any_vendor_is_asked(ask, config_at, sandbox):
    config_at()
    Plan.objects.filter(slug="freemium").update(daily_token_limit=100)

    with pytest.raises(QuotaExceeded) as raised:
        ask()

    assert raised.value.details["limit"] == 100
    assert sandbox.hits()["total"] == 0
    assert statuses() == [(0, "error", "quota_exceeded")]


def test_a_provider_without_quota_is_passed_over(ask, config_at):
    config_at(is_default=True, daily_token_limit=10)
    second = config_at(provider_type="gemini")

    assert ask().provider_config_id == second.pk


def test_when_every_provider_is_out_of_quota_the_client_is_told_when_to_come_back(ask, config_at):
    config_at(daily_token_limit=10_000)
    QuotaCounter.objects.all().delete()
    ask()
    QuotaCounter.objects.filter(scope__startswith="provider:").update(used=10_000)

    with pytest.raises(ProviderQuotaExhausted) as raised:
        ask()

    assert raised.value.status == 429
    assert raised.value.retry_after > 0


def test_with_nothing_configured_it_says_so_and_logs_it(ask):
    with pytest.raises(NoActiveProvider):
        ask()

    row = AIProviderUsageLog.objects.get()
    assert (row.provider_config, row.attempt, row.error_kind) == (None, 0, "no_active_provider")


def test_an_image_is_refused_clearly_when_no_model_can_see(ask, config_at, sandbox):
    config_at("sandbox-text")

    with pytest.raises(NoCapableProvider) as raised:
        ask(images=[PIXEL])

    assert raised.value.details == {"missing": ["vision"]}
    assert "vision" in raised.value.message
    assert sandbox.hits()["total"] == 0


def test_an_image_reaches_a_model_that_can_see(ask, config_at):
    config_at("sandbox-text", is_default=True)
    seeing = config_at(provider_type="claude")

    assert ask(images=[PIXEL]).provider_config_id == seeing.pk


def test_a_key_that_cannot_be_decrypted_is_passed_over_and_named(ask, config_at, settings):
    broken = config_at(is_default=True)
    settings.FERNET_KEYS = ["2tIKPd2qHEqPdqvz0BBSNcSJr8G1XQFa7BqWVRRkuXc="]
    healthy = config_at(provider_type="claude")

    assert ask().provider_config_id == healthy.pk
    healthy.delete()
    with pytest.raises(UndecryptableKey, match="Re-enter"):
        ask()
    assert AIProviderConfig.objects.filter(pk=broken.pk).exists()


def test_a_bug_of_ours_is_not_failed_over_and_leaves_nothing_reserved(ask, config_at, monkeypatch, sandbox):
    config_at(priority=1)
    config_at(provider_type="claude")

    async def broken(self, request):
        await generate(self, request)
        raise ZeroDivisionError("a bug")

    # Only a bug can show what a bug does, and the adapters have none to offer.
    from providers.adapters.openai import OpenAIProvider

    generate = OpenAIProvider.generate_content
    monkeypatch.setattr(OpenAIProvider, "generate_content", broken)
    with pytest.raises(ZeroDivisionError):
        ask()

    assert statuses() == [(1, "error", "internal")]
