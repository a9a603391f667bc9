import io
import json
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient
from PIL import Image, ImageDraw
from rest_framework_simplejwt.tokens import AccessToken

from accounts.concurrency import in_database_thread
from extraction.models import JobPosting
from extraction.schema import JobData
from tests.extraction.pages import POSTINGS
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

EXTRACT = "/api/v1/job-extractor/extract"
VALIDATE = "/api/v1/job-extractor/validate-image"


@pytest.fixture
def config(sandbox):
    return make_config(
        provider_type="openai", model_name="sandbox-mini", base_url=sandbox.openai, is_default=True
    )


@pytest.fixture
def text_only_config(sandbox):
    return make_config(provider_type="openai", model_name="sandbox-text", base_url=sandbox.openai)


@pytest.fixture
def token(user):
    return {"authorization": f"Bearer {AccessToken.for_user(user)}"}


def picture():
    image = Image.new("RGB", (600, 300), "white")
    ImageDraw.Draw(image).text((20, 20), "Pastry Chef at Hotel Sacher\nVienna", fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return SimpleUploadedFile("posting.png", buffer.getvalue(), "image/png")


async def post(path, token, data, **options):
    """Through the real ASGI handler, middleware and JWT, as a client would."""
    if options.get("multipart"):
        return await AsyncClient().post(path, data, headers=token)
    return await AsyncClient().post(path, json.dumps(data), content_type="application/json", headers=token)


def assert_every_value_has_a_source(body):
    stated = {field for field, value in body["extracted_data"].items() if value not in (None, [])}
    assert set(body["sources"]) == stated
    assert set(body["extracted_data"]) == set(JobData.model_fields)


async def test_a_page_with_json_ld_needs_no_model(token, config, sandbox, site):
    response = await post(EXTRACT, token, {"url": f"{site.root}/postings/jsonld.html"})

    body = response.json()["data"]
    assert response.status_code == 201
    assert body["extracted_data"]["title"] == "Senior Data Engineer"
    assert body["extracted_data"]["valid_through"] == "2099-12-31"
    assert set(body["sources"].values()) == {"json-ld"}
    assert_every_value_has_a_source(body)
    assert (body["provider_used"], body["model_used"], body["attempts"], body["cost_usd"]) == (
        None,
        None,
        0,
        "0",
    )
    assert body["usage"] == {
        "input": 0,
        "cached": 0,
        "output": 0,
        "reasoning": 0,
        "total": 0,
        "saved_usd": "0",
        "source": "none",
    }
    assert sandbox.hits()["total"] == 0
    assert await AIProviderUsageLog.objects.acount() == 0


async def test_a_page_with_microdata_needs_no_model_and_says_that_it_has_expired(token, sandbox, site):
    response = await post(EXTRACT, token, {"url": f"{site.root}/postings/microdata.html"})

    body = response.json()["data"]
    assert body["sources"]["title"] == "microdata"
    assert body["sources"]["url"] == "request"
    assert body["extracted_data"]["url"] == f"{site.root}/postings/microdata.html"
    assert body["warnings"] == [{"field": "valid_through", "reason": "expired"}]
    assert body["extracted_data"]["skills"] == []
    assert body["extracted_data"]["industry"] is None
    assert_every_value_has_a_source(body)


async def test_a_page_without_structured_data_goes_through_the_model(token, config, sandbox, site):
    response = await post(EXTRACT, token, {"url": f"{site.root}/postings/prose.html"})

    body = response.json()["data"]
    text = body["extracted_data"]["description"]
    assert response.status_code == 201
    assert body["extracted_data"]["title"] == "Backend Developer"
    assert body["extracted_data"]["base_salary"] == {
        "currency": "KES",
        "min_value": "180000",
        "max_value": "240000",
        "unit_text": "MONTH",
    }
    assert body["sources"]["description"] == "text"
    assert "own the payments service" in text
    assert_every_value_has_a_source(body)
    assert (body["provider_used"], body["model_used"]) == ("openai", "sandbox-mini")
    assert body["attempts"] == sandbox.hits()["total"] == 1
    row = await AIProviderUsageLog.objects.aget()
    assert body["usage"]["total"] == row.total_tokens > 0
    assert (row.status, row.task_type, row.request_id) == ("success", "extraction", body["request_id"])


async def test_what_was_extracted_is_what_was_saved(token, config, site, user):
    response = await post(EXTRACT, token, {"url": f"{site.root}/postings/prose.html"})

    body = response.json()["data"]
    posting = await JobPosting.objects.aget(id=body["job_id"])
    assert posting.user_id == user.id
    assert (posting.source_kind, posting.source_url) == ("url", f"{site.root}/postings/prose.html")
    assert posting.data == body["extracted_data"]
    assert posting.sources == body["sources"]
    assert posting.warnings == body["warnings"]
    assert posting.title == "Backend Developer"
    assert posting.request_id == body["request_id"]
    assert (posting.provider_type, posting.model_name) == ("openai", "sandbox-mini")
    assert JobData.model_validate(posting.data).valid_through == date(2099, 12, 15)


async def test_different_texts_give_different_records(token, config):
    text = (POSTINGS / "plain.txt").read_text()
    other = text.replace("Coastline Logistics", "Savanna Freight").replace("Dar es Salaam", "Arusha")

    first = (await post(EXTRACT, token, {"text": text})).json()["data"]
    second = (await post(EXTRACT, token, {"text": other})).json()["data"]

    assert first["extracted_data"]["hiring_organization"] == "Coastline Logistics"
    assert second["extracted_data"]["hiring_organization"] == "Savanna Freight"
    assert second["extracted_data"]["job_location"] == "Arusha, Tanzania"
    assert first["sources"]["skills"] == "text"
    assert_every_value_has_a_source(first)
    postings = [posting async for posting in JobPosting.objects.all()]
    assert len({posting.content_hash for posting in postings}) == 2


async def test_nothing_that_a_model_says_enters_the_record_unless_the_posting_says_it(token, config):
    text = (POSTINGS / "long.txt").read_text()

    body = (await post(EXTRACT, token, {"text": text})).json()["data"]

    for field, source in body["sources"].items():
        value = body["extracted_data"][field]
        if source == "model" and field not in {
            "base_salary",
            "date_posted",
            "valid_through",
            "employment_type",
        }:
            for span in value if isinstance(value, list) else [value]:
                assert " ".join(span.split()) in " ".join(text.split())


async def test_a_picture_is_read_by_the_model_and_marked_as_unverified(token, config, sandbox):
    response = await post(EXTRACT, token, {"image": picture()}, multipart=True)

    body = response.json()["data"]
    assert response.status_code == 201
    assert set(body["sources"].values()) == {"model"}
    assert {"field": None, "reason": "unverified_image"} in body["warnings"]
    assert_every_value_has_a_source(body)
    assert sandbox.hits()["total"] == 1
    assert (await JobPosting.objects.aget()).source_kind == "image"


async def test_a_picture_never_goes_to_a_model_that_cannot_see(token, text_only_config, sandbox):
    response = await post(EXTRACT, token, {"image": picture()}, multipart=True)

    assert response.status_code == 503
    assert response.json()["error"]["code"] == "no_capable_provider"
    assert sandbox.hits()["total"] == 0
    assert await JobPosting.objects.acount() == 0


async def test_a_form_that_was_asked_for_by_prompt_is_told_in_the_reply(token, sandbox):
    await in_database_thread(make_config, model_name="sandbox-plain", base_url=sandbox.openai)
    text = {"text": (POSTINGS / "plain.txt").read_text()}

    by_prompt = (await post(EXTRACT, token, text)).json()["data"]
    picture_by_prompt = (await post(EXTRACT, token, {"image": picture()}, multipart=True)).json()["data"]

    assert by_prompt["extracted_data"]["title"] == "Warehouse Supervisor"
    assert by_prompt["degraded"] == picture_by_prompt["degraded"] == ["structured_output"]


async def test_a_form_that_the_model_fills_itself_is_not_called_degraded(token, config, site):
    by_model = await post(EXTRACT, token, {"text": (POSTINGS / "plain.txt").read_text()})
    by_nobody = await post(EXTRACT, token, {"url": f"{site.root}/postings/jsonld.html"})

    assert by_model.json()["data"]["degraded"] == by_nobody.json()["data"]["degraded"] == []


async def test_url_and_text_are_taken_from_forms_too(token, config, site):
    by_url = await post(EXTRACT, token, {"url": f"{site.root}/postings/jsonld.html"}, multipart=True)
    by_text = await post(EXTRACT, token, {"text": (POSTINGS / "plain.txt").read_text()}, multipart=True)

    assert by_url.json()["data"]["extracted_data"]["title"] == "Senior Data Engineer"
    assert by_text.json()["data"]["extracted_data"]["title"] == "Warehouse Supervisor"


async def test_a_posting_in_a_frame_is_read_there(token, config, site):
    site.html = b"<h1>Our jobs</h1><iframe id=job_frame src='/inner'></iframe>"
    site.inner = (POSTINGS / "jsonld.html").read_bytes()

    body = (await post(EXTRACT, token, {"url": f"{site.root}/html"})).json()["data"]

    assert body["extracted_data"]["title"] == "Senior Data Engineer"
    assert body["attempts"] == 0


async def test_a_frame_at_a_private_address_is_never_asked_for(token, config, sandbox, site):
    site.html = b"<h1>Our jobs</h1><iframe id=job_frame src='http://127.0.0.1:1/job'></iframe>"

    response = await post(EXTRACT, token, {"url": f"{site.root}/html"})

    assert (response.status_code, response.json()["error"]["code"]) == (400, "url_not_allowed")
    await assert_nothing_happened(sandbox)


async def test_every_value_comes_with_the_words_it_was_read_from(token, config, site):
    body = (await post(EXTRACT, token, {"url": f"{site.root}/postings/prose.html"})).json()["data"]

    assert set(body["evidence"]) == set(body["sources"])
    assert body["evidence"]["base_salary"].startswith("This is a full-time position. We pay KES 180,000")
    assert body["evidence"]["job_locations"] == "Location: Mombasa, Kenya"


async def test_instructions_in_a_posting_change_nothing(token, config, sandbox, site):
    response = await post(EXTRACT, token, {"url": f"{site.root}/postings/injection.html"})

    body = response.json()["data"]
    facts = {field: value for field, value in body["extracted_data"].items() if field != "description"}
    assert facts["title"] == "Accountant"
    assert facts["hiring_organization"] == "Acacia Traders"
    assert facts["base_salary"] is None
    assert "EvilCorp" not in json.dumps(facts)
    assert "Chief Executive" not in json.dumps(facts)
    assert {"field": None, "reason": "instructions_in_posting", "removed": 2} in body["warnings"]
    # What a reader of the page sees stays in the description.
    assert "Ignore all previous instructions" in body["extracted_data"]["description"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"text": "Cook", "txet": "Cook"}, "txet"),
        ({"text": ""}, "text"),
        ({"text": "   \n\t "}, "text"),
        ({"text": "x" * 100_001}, "text"),
        ({"url": ""}, "url"),
        ({"url": None}, "url"),
        ({"url": "https://a.example/" + "a" * 2000}, "url"),
        ({}, "non_field_errors"),
        ({"url": "https://a.example/", "text": "Cook"}, "non_field_errors"),
        ({"image": "aGVsbG8="}, "image"),
        ({"text": {"a": 1}}, "text"),
        (["text"], "non_field_errors"),
    ],
)
async def test_bad_input_is_named_and_costs_nothing(token, config, sandbox, data, field):
    response = await post(EXTRACT, token, data)

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (400, "invalid_input")
    assert list(error["details"]["fields"]) == [field]
    await assert_nothing_happened(sandbox)


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("http://127.0.0.1/", 400, "url_not_allowed"),
        ("http://169.254.169.254/latest/meta-data/", 400, "url_not_allowed"),
        ("http://2130706433/", 400, "url_not_allowed"),
        ("file:///etc/passwd", 400, "url_not_allowed"),
        ("not an address", 400, "url_not_allowed"),
        ("{site}/redirect?to=http://127.0.0.1/", 400, "url_not_allowed"),
        ("{site}/huge", 413, "page_too_large"),
        ("{site}/bomb", 413, "page_too_large"),
        ("{site}/pdf", 415, "not_a_pdf"),
        ("{site}/octets", 415, "unsupported_content"),
        ("{site}/status?code=404", 422, "page_unavailable"),
        ("{site}/status?code=200", 422, "not_a_posting"),
        ("{site}/postings/login.html", 422, "not_a_posting"),
    ],
)
async def test_a_page_that_cannot_be_read_is_refused_and_costs_nothing(
    token, config, sandbox, site, url, status, code
):
    response = await post(EXTRACT, token, {"url": url.format(site=site.root)})

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    await assert_nothing_happened(sandbox)


@pytest.mark.any_database
@pytest.mark.parametrize("path", [EXTRACT, VALIDATE])
@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"Job posting: cook wanted.", 415, "not_an_image"),
        (b"\x89PNG\r\n\x1a\n broken", 415, "not_an_image"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * (10 * 1024 * 1024), 413, "image_too_large"),
    ],
)
async def test_a_file_that_is_no_picture_is_refused_and_costs_nothing(
    token, config, sandbox, path, content, status, code
):
    file = SimpleUploadedFile("posting.png", content, "image/png")

    response = await post(path, token, {"image": file}, multipart=True)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    await assert_nothing_happened(sandbox)


async def assert_nothing_happened(sandbox):
    assert sandbox.hits()["total"] == 0
    assert await AIProviderUsageLog.objects.acount() == 0
    assert await JobPosting.objects.acount() == 0


async def test_a_failed_call_stores_no_posting(token, config, sandbox):
    sandbox.fault("server", times=10)

    response = await post(EXTRACT, token, {"text": (POSTINGS / "plain.txt").read_text()})

    assert (response.status_code, response.json()["error"]["code"]) == (502, "provider_failed")
    assert await JobPosting.objects.acount() == 0


async def test_it_says_what_it_thinks_of_a_picture(token, config, sandbox):
    response = await post(VALIDATE, token, {"image": picture()}, multipart=True)

    body = response.json()["data"]
    assert response.status_code == 200
    assert body["valid"] is (body["is_readable"] and body["is_job_posting"])
    assert (body["provider_used"], body["model_used"], body["attempts"]) == ("openai", "sandbox-mini", 1)
    row = await AIProviderUsageLog.objects.aget()
    assert (row.task_type, row.status) == ("extraction_validation", "success")
    assert await JobPosting.objects.acount() == 0


@pytest.mark.any_database
@pytest.mark.parametrize("path", [EXTRACT, VALIDATE, "/api/v1/jobs", "/api/v1/jobs/1"])
async def test_it_asks_for_a_login(path):
    send = AsyncClient().get if "/jobs" in path else AsyncClient().post

    response = await send(path)

    assert response.status_code == 401
