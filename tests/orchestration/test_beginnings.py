"""A call goes by what its process knows, and no change that was committed before it is missed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.models import Plan, Subscription, TokenFamily, User
from accounts.standing import Login, SignedOut
from orchestration.calls import orchestrator, question
from orchestration.errors import NoActiveProvider, TooManyCalls
from providers.models import AIProviderConfig
from usage.ledger.base import QuotaExceeded
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def no_reading(monkeypatch):
    """Call it, and from then on nothing may be read before a call reserves."""

    def refuse(*args, **kwargs):
        raise AssertionError("something was read before the call reserved")

    def apply():
        monkeypatch.setattr(orchestrator, "begin", refuse)
        monkeypatch.setattr(question, "current_standing", refuse)
        monkeypatch.setattr(question, "current_snapshot", refuse)

    return apply


def login_of(user, **overrides):
    """What an access token of the user says now."""
    user = User.objects.get(pk=user.pk)
    claims = {"token_version": user.token_version, "password_mark": get_md5_hash_password(user.password)}
    return Login(**(claims | overrides))


def latest_row():
    return AIProviderUsageLog.objects.latest("pk")


def test_a_call_after_the_first_reads_nothing_before_it_reserves(config_at, ask, user, no_reading):
    config_at()
    family = TokenFamily.objects.create(user=user, good_token="x")
    login = login_of(user, family=str(family.pk))
    ask(login=login)
    no_reading()

    for _ in range(3):
        assert ask(user=User(pk=user.pk), login=login).text


def test_another_plan_is_the_plan_of_the_next_call(config_at, ask, user):
    config_at()
    ask()
    Subscription.objects.create(user=user, plan=Plan.objects.get(slug="pro_monthly"))
    ask()
    assert latest_row().plan == "pro_monthly"

    Subscription.objects.update(status="cancelled")
    ask()
    assert latest_row().plan == "freemium"


def test_what_the_plan_allows_is_what_it_allows_now(config_at, ask):
    config_at()
    ask()
    Plan.objects.update(daily_token_limit=0)
    with pytest.raises(QuotaExceeded):
        ask()

    Plan.objects.update(daily_token_limit=None, requests_per_minute=1)
    ask()
    with pytest.raises(TooManyCalls):
        ask()
    Plan.objects.update(requests_per_minute=None)
    assert ask().text


def test_a_rate_that_was_raised_counts_each_call_once(config_at, ask):
    """A call that begins anew has not come twice."""
    config_at()
    Plan.objects.update(requests_per_minute=4)
    ask()
    for allowed in (3, 4):
        Plan.objects.update(requests_per_minute=allowed)
        ask()

    ask()
    with pytest.raises(TooManyCalls):
        ask()


def test_a_subscription_that_ends_by_itself_ends_for_the_next_call(config_at, ask, user):
    config_at()
    now = datetime.now(UTC)
    plan = Plan.objects.get(slug="pro_monthly")
    Subscription.objects.create(user=user, plan=plan, current_period_end=now + timedelta(hours=1))
    ask()
    assert latest_row().plan == "pro_monthly"

    with time_machine.travel(now + timedelta(hours=2), tick=True):
        ask()
    assert latest_row().plan == "freemium"


def test_a_time_zone_is_that_of_the_next_call(config_at, ask, user):
    config_at()
    with time_machine.travel(datetime(2026, 11, 21, 23, 0, tzinfo=UTC), tick=True):
        ask()
        user.time_zone = "Asia/Tokyo"
        user.save()
        # As a front end has it that has loaded nobody.
        ask(user=User(pk=user.pk))

    days = QuotaCounter.objects.filter(scope=f"user:{user.pk}", window__startswith="day:")
    assert sorted(days.values_list("window", flat=True)) == ["day:2026-11-21", "day:2026-11-22"]


def test_providers_are_those_of_the_moment_also_where_there_was_none(config_at, ask, user):
    first = config_at()
    ask()
    AIProviderConfig.objects.update(is_active=False)
    with pytest.raises(NoActiveProvider):
        ask()
    assert (latest_row().attempt, latest_row().error_kind) == (0, "no_active_provider")

    second = config_at("sandbox-large")
    assert ask().provider_config_id == second.pk
    assert first.pk != second.pk
    rows = AIProviderUsageLog.objects.filter(attempt=0)
    assert rows.count() == 1, "a refusal that did not stand is no refusal"


@pytest.mark.parametrize("ended", ["account", "password", "everywhere", "family", "deleted"])
def test_a_login_that_has_ended_asks_nobody(config_at, ask, user, sandbox, ended):
    config_at()
    family = TokenFamily.objects.create(user=user, good_token="x")
    login = login_of(user, family=str(family.pk))
    ask(login=login)
    hits = sandbox.hits()["total"]

    if ended == "account":
        User.objects.update(is_active=False)
    elif ended == "password":
        user.set_password("another horse, another battery")
        user.save()
    elif ended == "everywhere":
        User.objects.update(token_version=1)
    elif ended == "family":
        TokenFamily.objects.update(ended_at=datetime.now(UTC))
    else:
        User.objects.filter(pk=user.pk).delete()
    rows = AIProviderUsageLog.objects.count()

    with pytest.raises(SignedOut) as raised:
        ask(user=User(pk=user.pk), login=login)

    assert (raised.value.status, raised.value.code) == (401, "token_revoked")
    assert (sandbox.hits()["total"], AIProviderUsageLog.objects.count()) == (hits, rows)


def test_without_the_stamp_a_change_would_be_missed(config_at, ask, user, monkeypatch):
    """The negative control: the same, were nothing verified."""
    config_at()
    login = login_of(user)
    ask(login=login)
    User.objects.update(is_active=False)
    as_it_was = question.assume

    def unverified(*args):
        assumed = as_it_was(*args)
        return replace(assumed, stamp=None)

    monkeypatch.setattr(orchestrator, "assume", unverified)
    assert ask(login=login).text


def test_a_process_keeps_the_standing_of_so_many_accounts(config_at, ask, user, monkeypatch):
    monkeypatch.setattr("accounts.standing.MOST_KEPT", 1)
    config_at()
    other = User.objects.create_user("other@example.com")
    for _ in range(2):
        ask()
        assert ask(user=other).text

    assert question.assume(user, "extraction") is None
    assert question.assume(other, "extraction") is not None
