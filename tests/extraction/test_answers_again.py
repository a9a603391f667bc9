"""The same posting twice, and one on which several models vote, as a client sees them."""

import pytest

from orchestration.models import TaskPolicy
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACT = "/api/v1/job-extractor/extract"
POSTING = {"text": "Backend Engineer at Jua Logistics. You write Python and Django and know PostgreSQL well."}


@pytest.fixture
def vendors(sandbox):
    keys = {"openai": "sk-test-0123456789abcdef", "claude": "sk-ant-test-0123456789"}
    return [
        make_config(
            provider_type=kind, model_name="sandbox-mini", base_url=sandbox.base_url(kind), api_key=key
        )
        for kind, key in keys.items()
    ]


def test_the_second_time_it_costs_nothing_and_says_so(api, vendors, sandbox):
    first = api.post(EXTRACT, POSTING, format="json").json()["data"]
    second = api.post(EXTRACT, POSTING, format="json").json()["data"]

    assert (first["is_known"], second["is_known"]) == (False, True)
    assert second["job_id"] == first["job_id"]
    assert second["extracted_data"] == first["extracted_data"]
    assert (second["cost_usd"], second["attempts"], second["usage"]["total"]) == ("0", 0, 0)
    assert sandbox.hits()["total"] == AIProviderUsageLog.objects.count() == 1


def test_a_vote_shows_how_far_the_models_agree(api, vendors, sandbox):
    TaskPolicy.objects.create(task="extraction", votes=2)

    body = api.post(EXTRACT, POSTING, format="json").json()["data"]

    assert sandbox.hits()["total"] == body["attempts"] == 2
    assert body["agreement"]
    assert all(0 < share <= 1 for share in body["agreement"].values())


def test_without_a_vote_nothing_is_said_of_agreement(api, vendors):
    assert api.post(EXTRACT, POSTING, format="json").json()["data"]["agreement"] is None
