"""What is refused of JSON, at every address that takes some."""

import json

import pytest
from django.test import Client
from rest_framework.test import APIClient

pytestmark = pytest.mark.any_database

PATHS = ["job-extractor/extract", "profiles", "auth/token", "cv-drafter/draft"]
NAN, TWICE = '{"text": NaN}', '{"text": "a", "text": "b"}'


def refusal(response):
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        # Deeper than is read on, not too deep to be read.
        f'{{"text": {"[" * 400}{"]" * 400}}}',
        '{"text": 1e400}',
        '{"text": -1e400}',
        '{"nested": [{"deep": 1E+999}]}',
        NAN,
        '{"text": Infinity}',
        '{"text": -Infinity}',
        TWICE,
        '{"options": {"language": "en", "language": "de"}}',
        '[{"a": 1, "\\u0061": 2}]',
        f'{{"text": {"9" * 5001}}}',
        b'{"text": "\xff\xfe"}',
        '{"\\ud800": 1}',
        '{"text": ["\\udc00\\ud83d"]}',
        "{not json",
        "",
    ],
)
def test_json_that_readers_would_differ_about_is_a_400(api, path, body):
    reply = api.post(f"/api/v1/{path}", body, content_type="application/json")

    assert reply.status_code == 400
    if body:
        assert reply.json()["error"]["code"] == "parse_error"


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_json_over_the_limit_is_a_413(api, path, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = json.dumps({"text": "x" * 1000})

    assert refusal(api.post(f"/api/v1/{path}", body, content_type="application/json")) == (
        413,
        "body_too_large",
    )


@pytest.mark.django_db
def test_so_is_a_form_over_the_limit(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    form = {"text": "x" * 1001}

    assert refusal(api.post("/api/v1/job-extractor/extract", form)) == (413, "body_too_large")
    page = Client().post("/admin/login/", form)
    assert (page.status_code, page["Content-Type"]) == (413, "text/html; charset=utf-8")


@pytest.mark.django_db
def test_just_as_much_as_the_limit_is_read(api, settings):
    body = json.dumps({"email": "a@example.com", "password": "x"})
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = len(body)

    reply = APIClient().post("/api/v1/auth/token", body, content_type="application/json")

    assert reply.status_code == 401


# Python has codecs of these names. Some take minutes for two megabytes, some fail in ways of their own, and
# some make another text of it.
@pytest.mark.django_db
@pytest.mark.parametrize(
    "charset",
    ["punycode", "idna", "undefined", "hex", "rot13", "zlib", "unicode_escape", "raw_unicode_escape", "utf-7",
     "nobody's", ""],
)  # fmt: skip
def test_json_in_no_character_set_is_a_400(charset):
    body = b"-" + b"a" * 100_000

    reply = APIClient().post("/api/v1/auth/token", body, content_type=f"application/json; charset={charset}")

    assert refusal(reply) == (400, "parse_error")


@pytest.mark.django_db
@pytest.mark.parametrize("charset", ["UTF8", "utf-16", "ISO-8859-1"])
def test_json_in_another_character_set_is_read(api, charset):
    body = '{"name": "Gr\u00fc\u00dfe", "resume": 7}'.encode(charset)

    reply = api.post("/api/v1/profiles", body, content_type=f"application/json; charset={charset}")

    assert refusal(reply) == (422, "invalid_profile")
