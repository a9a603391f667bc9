import pytest


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["job-extractor/extract", "profiles", "auth/token"])
def test_json_nested_beyond_reason_is_refused_with_a_sentence(api, path):
    reply = api.post(f"/api/v1/{path}", "[" * 100_000, content_type="application/json")

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "parse_error"
