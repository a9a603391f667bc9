"""A CV that is pictures: shown to nobody unasked, written down by one call, and then held to its transcript
as any CV is held to its text. The vendor is scripted, because the sandbox has no eyes."""

import io
import json
from contextlib import contextmanager

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from bench.imports_corpus import pdf_files
from drafting.imports.scans import TASK
from providers.models import ModelCapability
from sandbox.imports import import_text
from tests.factories import make_config
from tests.scripted import chat_reply, scripted
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

URL = "/api/v1/profiles/import"
WRITTEN = (
    "Jane Otieno\njane.otieno@example.com\n\nWork experience\nDeveloper, Lakeside Bank\n2019 - 2023\n"
    "- Built interfaces in Python for the payments team.\n\nEducation\nBSc, University of Nairobi, 2018"
)


def pages(count, kind="PDF"):
    sheets = [Image.new("RGB", (800, 1000), "white") for _ in range(count)]
    buffer = io.BytesIO()
    further = {"save_all": True, "append_images": sheets[1:]} if kind == "PDF" else {}
    sheets[0].save(buffer, kind, **further)
    return buffer.getvalue()


@contextmanager
def vendor(transcript, *, lies=False, sees=True):
    """Writes down what it is told to, and reads a CV's text as the sandbox does."""

    def answer(asked, _number):
        told = json.dumps(asked["messages"])
        if "image_url" in told:
            return 200, chat_reply(json.dumps(transcript))
        schema = asked["response_format"]["json_schema"]["schema"]
        return 200, chat_reply(import_text(schema, asked["messages"][-1]["content"], lies=lies))

    with scripted(answer) as server:
        make_config(provider_type="local", model_name="eyes", base_url=server.url)
        ModelCapability.objects.create(
            provider_type="local", model_name="eyes", vision=sees, structured_output=True
        )
        yield server


def sent(api, content, *, name="cv.pdf", **given):
    return api.post(URL, {"file": SimpleUploadedFile(name, content), **given}, format="multipart")


@pytest.mark.parametrize("content", [pages(2), pages(1, "PNG"), pages(1, "JPEG")])
def test_what_is_read_from_pictures_is_held_to_the_transcript_and_marked(api, content):
    with vendor({"text": WRITTEN, "is_readable": True}) as server:
        response = sent(api, content, as_pictures="true")

    data = response.json()["data"]
    assert response.status_code == 200, response.content
    assert (data["kind"], data["transcription"]["text"]) == ("pictures", WRITTEN)
    assert data["resume"]["work"][0]["name"] == "Lakeside Bank"
    assert {row["from_picture"] for row in data["found"]} == {True}
    assert all(row["quote"] in WRITTEN for row in data["found"])
    tasks = AIProviderUsageLog.objects.order_by("pk").values_list("task_type", flat=True)
    assert list(tasks) == [TASK, "profile_import"]
    assert len(server.asked) == 2
    assert "Otieno" not in json.dumps(server.asked[1])


def test_what_a_liar_adds_to_the_transcript_is_dropped(api):
    with vendor({"text": WRITTEN}, lies=True):
        data = sent(api, pages(1), as_pictures="true").json()["data"]

    assert "Google" not in json.dumps(data["resume"])
    assert any("Google" in row["value"] for row in data["dropped"])


def test_nobody_is_shown_pictures_unasked(api):
    with vendor({"text": WRITTEN}) as server:
        response = sent(api, pdf_files.scanned())

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "scanned_document")
    assert error["details"] == {"reason": "not_allowed"}
    assert "as_pictures" in error["message"]
    assert (server.asked, AIProviderUsageLog.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (pages(5), 413, "document_too_large"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, 422, "unreadable_document"),
    ],
)
def test_pictures_that_are_too_many_or_none_are_refused_before_anybody_is_asked(api, content, status, code):
    with vendor({"text": WRITTEN}) as server:
        response = sent(api, content, as_pictures="true")

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert server.asked == []


@pytest.mark.parametrize("transcript", [{"is_readable": False}, {"text": ""}, {"text": "Jane Otieno"}])
def test_what_no_cv_can_be_read_in_invents_nobody(api, transcript):
    with vendor(transcript) as server:
        response = sent(api, pages(1), as_pictures="true")

    assert (response.status_code, response.json()["error"]["code"]) == (422, "not_a_cv")
    assert len(server.asked) == 1


def test_without_a_model_that_sees_it_is_refused_as_a_scan(api):
    with vendor({"text": WRITTEN}, sees=False) as server:
        response = sent(api, pages(1), as_pictures="true")

    assert (response.status_code, response.json()["error"]["details"]) == (422, {"reason": "no_vision"})
    assert server.asked == []
