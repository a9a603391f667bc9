"""Replies say when a quota is nearly used up: to whoever made the call, about their own quotas."""

import pytest
from django.utils import timezone

from drafting.models import Draft
from tests.drafting.conftest import JOB, load_profile
from usage.models import ModelPrice, QuotaCounter, QuotaRule

pytestmark = pytest.mark.django_db(transaction=True)

CALLS = {
    "extraction": ("/api/v1/job-extractor/extract", {"text": "Pastry Chef at Hotel Sacher, Vienna"}),
    "cv_draft": ("/api/v1/cv-drafter/draft", {"job_data": JOB, "master_profile": load_profile("complete")}),
}
REQUESTS = pytest.mark.parametrize("task", CALLS)


def post(api, task):
    url, body = CALLS[task]
    response = api.post(url, body, format="json")
    assert response.status_code == 201, response.content
    return response.json()["data"]


@REQUESTS
def test_nothing_is_said_while_there_is_plenty(api, sandbox_config, task):
    assert post(api, task)["quota_warnings"] == []


@REQUESTS
def test_a_quota_past_80_percent_is_named(api, user, sandbox_config, task):
    QuotaRule.objects.create(user=user, task=task, unit="tokens", period="month", limit=1_000_000)
    used = QuotaCounter.objects.create(
        scope=f"task:{user.pk}:{task}", window=f"month:{timezone.now():%Y-%m}", used=900_000
    )

    (warning,) = post(api, task)["quota_warnings"]

    used.refresh_from_db()
    resets_at = warning.pop("resets_at")
    assert warning == {
        "scope": "task",
        "task": task,
        "unit": "tokens",
        "window": "month",
        "limit": 1_000_000,
        "used": used.used,
        "share": round(used.used / 1_000_000, 4),
    }
    assert resets_at.endswith("-01T00:00:00+00:00")


def test_money_is_written_as_text(api, user, sandbox_config):
    ModelPrice.objects.create(
        provider_type="openai", model_name="sandbox-mini", input_mtok="0.25", output_mtok="2"
    )
    QuotaRule.objects.create(user=user, unit="usd", period="day", limit=100)
    QuotaCounter.objects.create(
        scope=f"user-usd:{user.pk}", window=f"day:{timezone.now():%Y-%m-%d}", used=90 * 10**12
    )

    data = post(api, "extraction")

    (warning,) = data["quota_warnings"]
    assert (warning["unit"], warning["limit"]) == ("usd", "100")
    assert warning["used"].startswith("90.")
    assert warning["used"].removeprefix("90") == data["cost_usd"].rstrip("0").removeprefix("0")


def test_a_draft_that_is_looked_at_later_warns_of_nothing(api, user, sandbox_config):
    QuotaRule.objects.create(user=user, task="cv_draft", unit="tokens", period="month", limit=100_000)
    QuotaCounter.objects.create(
        scope=f"task:{user.pk}:cv_draft", window=f"month:{timezone.now():%Y-%m}", used=90_000
    )
    told = post(api, "cv_draft")["quota_warnings"]

    again = api.get(f"/api/v1/drafts/{Draft.objects.get().pk}").json()["data"]

    assert (len(told), again["quota_warnings"]) == (1, [])
