"""What a person used, by the days of the person's own calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.usage.ended import make_call, make_many, make_refusal
from usage.models import PersonRollup
from usage.stats import rollup
from usage.stats.own import own_usage
from usage.stats.verification import verify

pytestmark = pytest.mark.django_db
# Seven in the morning of the second in Auckland.
NOW = datetime(2026, 11, 1, 18, tzinfo=UTC)


@pytest.fixture
def person():
    return make_user("kiwi@example.com", time_zone="Pacific/Auckland")


def test_days_and_month_are_the_persons_own(person, outsider):
    make_call(datetime(2026, 11, 1, 12, tzinfo=UTC), user=person)  # the second, at one in the morning
    make_call(datetime(2026, 10, 31, 12, tzinfo=UTC), user=person, task_type="cv_draft")  # the first
    make_call(datetime(2026, 10, 31, 10, tzinfo=UTC), user=person)  # the last of October
    make_call(datetime(2026, 11, 1, 12, tzinfo=UTC), user=outsider)

    used = own_usage(user=person, days=2, now=NOW)

    assert list(used.days) == [date(2026, 11, 1), date(2026, 11, 2)]
    assert (used.today.calls, used.today.total_tokens, used.today.cost_picos) == (1, 120, 10**9)
    assert used.month.calls == 2
    assert {task: figures.calls for task, figures in used.tasks.items()} == {"cv_draft": 1, "extraction": 1}


def test_refusals_cached_answers_and_unknown_prices_are_counted_apart(person):
    make_refusal(NOW, user=person)
    make_call(NOW, user=person, cached=True)
    make_call(NOW, user=person, estimated_cost_usd=None)
    make_call(NOW, user=person, status="started", settled_at=None)

    today = own_usage(user=person, days=1, now=NOW).today

    assert (today.calls, today.refusals, today.unpriced_calls) == (1, 1, 1)
    assert today.total_cost_usd is None


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Asia/Kolkata"])
def test_it_is_the_same_from_the_rollups_in_any_zone(zone, outsider):
    person = make_user("roller@example.com", time_zone=zone)
    calls = make_many(300, start=datetime(2026, 10, 28, tzinfo=UTC), end=NOW, users=[person, outsider, None])
    from_rows = own_usage(user=person, days=6, now=NOW)

    rollup.refresh(now=NOW)
    late = next(row for row in calls if row.user == person and row.status == "started")
    late.status, late.settled_at = "aborted", NOW
    late.save()
    with CaptureQueriesContext(connection) as captured:
        from_rollups = own_usage(user=person, days=6, now=NOW)
    late.delete()
    rollup.refresh(now=NOW + timedelta(minutes=1))

    assert from_rows == own_usage(user=person, days=6, now=NOW)
    assert sum(day.aborted for day in from_rollups.days.values()) == 1 + sum(
        day.aborted for day in from_rows.days.values()
    )
    assert any("usage_person_rollups" in query["sql"] for query in captured)


def test_a_difference_from_the_rows_is_found(person):
    make_call(NOW - timedelta(hours=2), user=person)
    rollup.refresh(now=NOW)
    assert not list(verify())

    PersonRollup.objects.update(hours={"16/extraction": [1] * 15})

    assert [(found.table, found.key) for found in verify()] == [("person", f"user {person.pk}")]


def test_the_api_tells_it(person):
    client = APIClient()
    client.force_authenticate(person)

    data = client.get("/api/v1/me/usage?days=3").json()["data"]

    assert len(data["history"]) == 3
    assert data["today"] == {name: value for name, value in data["history"][-1].items() if name != "day"}
    assert (data["today"]["calls"], data["today"]["total_cost_usd"]) == (0, "0")
    assert data["quota"]["time_zone"] == data["time_zone"] == "Pacific/Auckland"
    assert client.get("/api/v1/me/usage?days=0").status_code == 400
    assert client.get("/api/v1/me/usage?weeks=3").status_code == 400
