"""Importing over HTTP: a review form comes back, nothing is saved, and who somebody is stays here."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bench.imports import BAD_FILES
from bench.imports_corpus import load, people
from bench.imports_corpus.linkedin_files import linkedin
from drafting.models import MasterProfile
from tests.drafting.conftest import load_profile
from tests.drafting.test_privacy import Listening, listening
from tests.factories import make_config
from usage.models import AIProviderUsageLog

URL = "/api/v1/profiles/import"
PERSONAL = (
    "Wanjiru",
    "Otieno",
    "jane.otieno",
    "711 987 654",
    "Canary Lane",
    "00100",
    "12.05.1987",
    "Marabou",
    "0722",
)


def sent(api, content, name="cv", **headers):
    return api.post(URL, {"file": SimpleUploadedFile(name, content)}, format="multipart", headers=headers)


def cv_of(name):
    return next(cv for cv in load(languages=frozenset([name[:2]])) if cv.name == name)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["en-stacked.pdf", "de-one_line.docx"])
def test_a_file_becomes_a_profile_to_look_over_and_then_one_to_keep(api, sandbox, sandbox_config, name):
    cv = cv_of(name)

    response = sent(api, cv.content)

    data = response.json()["data"]
    assert response.status_code == 200, response.content
    assert data["kind"] == name.rpartition(".")[2]
    assert data["resume"]["basics"]["name"] == cv.resume["basics"]["name"]
    assert {job["name"] for job in data["resume"]["work"]} <= {job["name"] for job in cv.resume["work"]}
    assert {row["path"] for row in data["found"]} >= {"basics/email", "work/0/name", "work/0/startDate"}
    assert (data["attempts"], data["dropped"], MasterProfile.objects.count()) == (1, [], 0)
    assert AIProviderUsageLog.objects.get().task_type == "profile_import"
    kept = api.post("/api/v1/profiles", {"name": "Main", "resume": data["resume"]}, format="json")
    assert (kept.status_code, kept.json()["data"]["resume"]) == (201, data["resume"])


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_what_a_lying_model_invents_is_dropped_and_told(api, sandbox):
    make_config(model_name="sandbox-mini@lies", base_url=sandbox.openai)

    data = sent(api, cv_of("en-stacked.pdf").content).json()["data"]

    resume = json.dumps(data["resume"])
    dropped = {row["value"] for row in data["dropped"]}
    for lie in ("Google", "Harvard University", "COBOL", "Led forty people", "A born leader"):
        assert lie not in resume
        assert any(lie in value for value in dropped)


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("vendor", ["openai", "claude", "gemini"])
def test_no_vendor_is_told_whose_cv_it_is(api, vendor):
    with listening() as server:
        make_config(provider_type=vendor, model_name="sandbox-mini", base_url=server.base_url(vendor))

        response = sent(api, cv_of("en.md").content)

        heard = json.dumps(Listening.heard, ensure_ascii=False)
    assert response.status_code == 200, response.content
    assert "Lakeside Bank" in heard
    assert not [word for word in PERSONAL if word in heard]
    assert response.json()["data"]["resume"]["basics"]["phone"] == "+254 711 987 654"


@pytest.mark.django_db(transaction=True)
def test_sent_again_with_its_key_it_is_answered_again_without_a_second_call(api, sandbox, sandbox_config):
    content = cv_of("en.md").content

    first = sent(api, content, **{"Idempotency-Key": "one"})
    again = sent(api, content, **{"Idempotency-Key": "one"})
    other = sent(api, content + b"\nmore", **{"Idempotency-Key": "one"})

    assert (first.status_code, again.json()) == (200, first.json())
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert AIProviderUsageLog.objects.count() == 1


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "Jane Otieno"}, 422, "not_a_cv"),
        ({"text": " "}, 400, "invalid_input"),
        ({}, 400, "invalid_input"),
        ({"text": "word " * 20_000}, 400, "invalid_input"),
    ],
)
def test_bad_input_is_refused_before_anything_is_spent(api, sandbox, sandbox_config, body, status, code):
    response = api.post(URL, body, format="json")

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert (sandbox.hits()["total"], AIProviderUsageLog.objects.count()) == (0, 0)


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_before_anything_is_spent(api, sandbox, sandbox_config, name):
    make, code = BAD_FILES[name]

    response = sent(api, make())

    assert response.json()["error"]["code"] == code
    assert response.status_code in (413, 415, 422)
    assert (sandbox.hits()["total"], AIProviderUsageLog.objects.count()) == (0, 0)


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_a_linkedin_export_is_read_without_a_model(api):
    resume = people()[0]["resume"]

    data = sent(api, linkedin(resume), "export.zip").json()["data"]

    assert (data["kind"], data["attempts"], data["provider_used"]) == ("linkedin", 0, None)
    assert data["resume"]["work"] == resume["work"]
    assert data["resume"]["basics"]["email"] == resume["basics"]["email"]
    assert data["resume"]["certificates"] == resume["certificates"]
    assert "1987" not in json.dumps(data)


@pytest.mark.any_database
@pytest.mark.django_db(transaction=True)
def test_a_json_resume_comes_back_as_it_is(api):
    resume = load_profile("complete")

    data = sent(api, json.dumps(resume).encode(), "resume.json").json()["data"]

    assert (data["kind"], data["resume"], data["changes"], data["attempts"]) == ("json", resume, [], 0)
