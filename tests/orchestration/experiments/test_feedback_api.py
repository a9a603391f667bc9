"""What users think of drafts and extractions, over HTTP."""

import pytest
from rest_framework.test import APIClient

from drafting.models import Draft
from extraction.models import JobPosting
from orchestration.models import CallFeedback

pytestmark = pytest.mark.django_db


def make_draft(user, request_id="d" * 32):
    return Draft.objects.create(
        user=user, kind="cv", series="s", version=1, content={}, prompt_version="standard",
        provider_type="openai", model_name="gpt-5-mini", request_id=request_id, latency_ms=1, attempts=1,
        parameters={"language": "en"},
    )  # fmt: skip


def make_posting(user, request_id="d" * 32):
    return JobPosting.objects.create(
        user=user, source_kind="text", content_hash="0" * 64, request_id=request_id
    )


RATED = {"drafts": make_draft, "jobs": make_posting}
each_kind = pytest.mark.parametrize("kind", RATED)


def rate(client, kind, row, **body):
    return client.post(f"/api/v1/{kind}/{row.pk}/feedback", body, format="json")


@each_kind
def test_the_first_rating_is_created_and_the_last_word_counts(api, user, kind):
    row = RATED[kind](user)

    first, second = rate(api, kind, row, rating=2), rate(api, kind, row, rating=5)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["success"] is True
    assert second.json()["data"]["rating"] == 5
    feedback = CallFeedback.objects.get()
    assert (feedback.request_id, feedback.user, feedback.rating) == (row.request_id, user, 5)


@each_kind
def test_nobody_rates_what_is_not_theirs(api, outsider, kind):
    response = rate(api, kind, RATED[kind](outsider), rating=1)

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert not CallFeedback.objects.exists()


@each_kind
@pytest.mark.parametrize(
    "body", [{}, {"rating": 0}, {"rating": 6}, {"rating": "good"}, {"rating": 3, "comment": "nice"}]
)
def test_a_rating_is_one_to_five_and_nothing_else(api, user, kind, body):
    response = rate(api, kind, RATED[kind](user), **body)

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_input")
    assert not CallFeedback.objects.exists()


@each_kind
def test_it_takes_a_login(user, kind):
    assert rate(APIClient(), kind, RATED[kind](user), rating=1).status_code == 401


def test_what_has_no_request_cannot_be_rated(api, user):
    response = rate(api, "jobs", make_posting(user, request_id=""), rating=4)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "nothing_to_rate")


def test_one_users_request_id_does_not_stand_in_anothers_way(api, user, outsider):
    """Clients choose their request ids, so a stranger may send the same."""
    stranger = APIClient()
    stranger.force_authenticate(outsider)
    assert rate(stranger, "drafts", make_draft(outsider), rating=1).status_code == 201

    response = rate(api, "drafts", make_draft(user), rating=5)

    assert response.status_code == 201
    assert set(CallFeedback.objects.values_list("user", "rating")) == {(outsider.pk, 1), (user.pk, 5)}
