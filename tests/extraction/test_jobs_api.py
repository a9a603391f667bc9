import pytest

from extraction.models import JobPosting
from extraction.schema import JobData

pytestmark = pytest.mark.django_db


def make_posting(user, **overrides):
    fields = {
        "source_kind": "text",
        "content_hash": "0" * 64,
        "title": "Cook",
        "hiring_organization": "Hotel Sacher",
        "data": {"title": "Cook"},
        "sources": {"title": "text"},
    }
    return JobPosting.objects.create(user=user, **fields | overrides)


def test_a_user_lists_their_own_postings_newest_first(api, user, outsider):
    first, second = make_posting(user), make_posting(user, title="Waiter")
    make_posting(outsider, title="Spy")

    body = api.get("/api/v1/jobs").json()["data"]

    assert body["count"] == 2
    assert [row["job_id"] for row in body["results"]] == [second.id, first.id]
    assert set(body["results"][0]) == {
        "job_id",
        "title",
        "hiring_organization",
        "source_kind",
        "source_url",
        "created_at",
    }


def test_ten_more_postings_add_no_query(api, user, django_assert_num_queries):
    for _ in range(12):
        make_posting(user)

    with django_assert_num_queries(2):
        api.get("/api/v1/jobs")


def test_a_user_reads_one_of_their_postings(api, user):
    posting = make_posting(user, provider_type="openai", model_name="gpt-5-mini", request_id="r-1")

    body = api.get(f"/api/v1/jobs/{posting.id}").json()["data"]

    assert body["extracted_data"]["title"] == "Cook"
    assert body["extracted_data"] == JobData(title="Cook").model_dump(mode="json")
    assert body["sources"] == {"title": "text"}
    assert (body["provider_used"], body["model_used"], body["request_id"]) == ("openai", "gpt-5-mini", "r-1")


def test_another_users_posting_does_not_exist(api, outsider):
    posting = make_posting(outsider)

    response = api.get(f"/api/v1/jobs/{posting.id}")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_a_posting_made_without_a_model_names_none(api, user):
    body = api.get(f"/api/v1/jobs/{make_posting(user).id}").json()["data"]

    assert (body["provider_used"], body["model_used"]) == (None, None)


def test_postings_are_not_edited_over_the_api(api, user):
    posting = make_posting(user)

    assert api.put(f"/api/v1/jobs/{posting.id}", {}).status_code == 405
    assert api.patch(f"/api/v1/jobs/{posting.id}", {}).status_code == 405


def test_postings_in_the_console_are_read_only(client, super_admin, user):
    posting = make_posting(user)
    client.force_login(super_admin)

    assert b"Hotel Sacher" in client.get("/admin/extraction/jobposting/").content
    assert client.get(f"/admin/extraction/jobposting/{posting.id}/change/").status_code == 200
    assert client.get("/admin/extraction/jobposting/add/").status_code == 403
