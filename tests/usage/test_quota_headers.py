"""What is left of nearly used quotas, as headers say it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.door.conftest import door, root, token_for  # noqa: F401 - fixtures
from tests.drafting.conftest import sandbox_config  # noqa: F401 - a fixture
from tests.orchestration.conftest import config_at  # noqa: F401 - a fixture
from usage.models import QuotaCounter, QuotaRule
from usage.quotas import headers_of, openai_headers_of

NOW = datetime(2026, 11, 30, 20, 0, tzinfo=UTC)
MIDNIGHT = "2026-12-01T00:00:00+00:00"
TEXT = {"text": "Pastry Chef at Hotel Sacher, Vienna"}


def quota(**fields):
    usual = {"scope": "user", "task": "", "unit": "tokens", "window": "day", "limit": 1_000, "used": 900}
    return usual | {"resets_at": MIDNIGHT} | fields


def test_each_quota_is_a_policy_with_what_is_left_of_it():
    headers = headers_of(
        [
            quota(),
            quota(scope="task", task="cv_draft", window="month"),
            quota(unit="usd", limit="2.5", used="2.250000000001"),
        ],
        now=NOW,
    )

    assert headers == {
        "RateLimit-Policy": '"user-day-tokens";q=1000;qu="tokens";w=86400, '
        '"task-month-tokens-cv_draft";q=1000;qu="tokens", '
        '"user-day-usd";q=2500000;qu="micro-usd";w=86400',
        "RateLimit": '"user-day-tokens";r=100;t=14400, '
        '"task-month-tokens-cv_draft";r=100;t=14400, '
        '"user-day-usd";r=250000;t=14400',
    }


def test_nothing_is_said_of_no_quota_and_of_one_that_has_begun_anew():
    assert headers_of([], now=NOW) == {}
    assert headers_of([quota()], now=NOW + timedelta(hours=4)) == {}
    assert openai_headers_of([quota(unit="usd", limit="1", used="1")], now=NOW) == {}


def test_an_overshot_quota_has_nothing_left():
    assert headers_of([quota(used=1_200)], now=NOW)["RateLimit"] == '"user-day-tokens";r=0;t=14400'


def test_openais_clients_hear_of_the_tightest():
    assert openai_headers_of([quota(), quota(window="month", used=990)], now=NOW) == {
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "10",
        "x-ratelimit-reset-tokens": "14400s",
    }


def use_up(user, used, *, limit=1_000_000):
    QuotaRule.objects.create(user=user, unit="tokens", period="day", limit=limit)
    QuotaCounter.objects.update_or_create(
        scope=f"user:{user.pk}", window=f"day:{timezone.now():%Y-%m-%d}", defaults={"used": used}
    )


@pytest.mark.django_db(transaction=True)
def test_a_reply_of_the_api_has_them_once_there_is_something_to_say(api, user, sandbox_config):  # noqa: F811
    quiet = api.post("/api/v1/job-extractor/extract", TEXT, format="json")
    use_up(user, 900_000)

    near = api.post("/api/v1/job-extractor/extract", TEXT | {"text": "Baker, Graz"}, format="json")

    assert (quiet.status_code, near.status_code) == (201, 201)
    assert "RateLimit" not in quiet
    [warning] = near.json()["data"]["quota_warnings"]
    assert near["RateLimit"].startswith(f'"user-day-tokens";r={1_000_000 - warning["used"]};t=')
    assert near["RateLimit-Policy"] == '"user-day-tokens";q=1000000;qu="tokens";w=86400'


@pytest.mark.django_db(transaction=True)
def test_a_refusal_has_them_and_an_answer_that_is_given_again_has_not(api, user, sandbox_config):  # noqa: F811
    use_up(user, 900_000)
    again = {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    for _ in range(2):
        replayed = api.post("/api/v1/job-extractor/extract", TEXT, format="json", **again)
    QuotaCounter.objects.update(used=1_000_000)

    refused = api.post("/api/v1/job-extractor/extract", {"text": "Baker, Graz"}, format="json")

    assert (replayed["Idempotent-Replayed"], "RateLimit" in replayed) == ("true", False)
    assert refused.status_code == 429
    assert refused["RateLimit"].startswith('"user-day-tokens";r=0;t=')


@pytest.mark.django_db(transaction=True)
def test_the_door_has_them_under_both_names(door, config_at, user):  # noqa: F811
    config_at()
    client = door()
    use_up(user, 900_000)

    ask = [{"role": "user", "content": "Hello."}]
    raw = client.chat.completions.with_raw_response.create(model="openai/sandbox-mini", messages=ask)

    left = int(raw.headers["x-ratelimit-remaining-tokens"])
    assert 0 < left <= 100_000
    assert f"r={left};" in raw.headers["RateLimit"]
    assert raw.headers["x-ratelimit-limit-tokens"] == "1000000"
