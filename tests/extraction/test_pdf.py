"""PDFs, by upload and by address."""

import io

import pypdf
import pytest
import typst
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw

from extraction.errors import NotAPdf, PdfTooLarge
from extraction.models import JobPosting
from extraction.pdf.reader import MAX_BYTES, read_pdf
from tests.factories import make_config

EXTRACT = "/api/v1/job-extractor/extract"
POSTING = """= Pastry Chef
Hotel Sacher is looking for a pastry chef in Vienna, Austria.

Company: Hotel Sacher

Location: Vienna, Austria

Salary: EUR 2,800 - 3,200 per month

Apply by 15 December 2099.

== Requirements
- Diploma in patisserie
- Four years of experience
"""


def written(text=POSTING):
    return typst.compile(text.encode())


def scanned(pages=1):
    picture = Image.new("RGB", (800, 1000), "white")
    ImageDraw.Draw(picture).text((40, 40), "Pastry Chef at Hotel Sacher", fill="black")
    buffer = io.BytesIO()
    picture.save(buffer, "PDF", save_all=True, append_images=[picture] * (pages - 1))
    return buffer.getvalue()


def locked():
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


async def test_a_text_layer_is_read_as_text():
    content = await read_pdf(written())

    assert "Salary: EUR 2,800 - 3,200 per month" in content.text
    assert content.pictures == ()


async def test_pages_without_one_become_pictures():
    content = await read_pdf(scanned(pages=6))

    assert content.text == ""
    assert len(content.pictures) == 4
    assert all(Image.open(io.BytesIO(picture.data)).size[1] > 900 for picture in content.pictures)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "damaged"),
        (b"%PDF-1.7", "damaged"),
        (b"%PDF-1.7\n" + b"garbage " * 1000, "damaged"),
        (b"<p>no</p>", "damaged"),
        (locked(), "encrypted"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(content, reason):
    with pytest.raises(NotAPdf) as refused:
        await read_pdf(content)

    assert refused.value.details == {"reason": reason}


async def test_too_much_is_refused():
    with pytest.raises(PdfTooLarge) as by_pages:
        await read_pdf(scanned(pages=21))
    with pytest.raises(PdfTooLarge) as by_bytes:
        await read_pdf(b"%PDF-1.7" + b"\0" * MAX_BYTES)

    assert by_pages.value.details == {"limit_pages": 20}
    assert by_bytes.value.details == {"limit_bytes": MAX_BYTES}


async def test_a_pdf_that_keeps_its_reader_busy_is_given_up(monkeypatch, tmp_path):
    child = tmp_path / "child.py"
    child.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.setattr("extraction.pdf.reader._CHILD", child)
    monkeypatch.setattr("extraction.pdf.reader.SECONDS", 0.2)

    with pytest.raises(NotAPdf) as refused:
        await read_pdf(written())

    assert refused.value.details == {"reason": "slow"}


@pytest.mark.django_db(transaction=True)
def test_an_uploaded_pdf_becomes_a_record(api, sandbox):
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)

    response = api.post(EXTRACT, {"pdf": SimpleUploadedFile("a.pdf", written())}, format="multipart")

    data = response.json()["data"]["extracted_data"]
    assert response.status_code == 201
    assert (data["title"], data["hiring_organization"]) == ("Pastry Chef", "Hotel Sacher")
    assert data["job_locations"][0]["country"] == "AT"
    assert data["base_salary"]["min_value"] == "2800"
    assert data["qualifications"] == ["Diploma in patisserie", "Four years of experience"]
    assert JobPosting.objects.get().source_kind == "pdf"


@pytest.mark.django_db(transaction=True)
def test_a_scanned_pdf_goes_to_a_model_that_sees(api, sandbox):
    make_config(model_name="sandbox-text", base_url=sandbox.openai, is_default=True)

    response = api.post(EXTRACT, {"pdf": SimpleUploadedFile("a.pdf", scanned())}, format="multipart")

    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_capable_provider")
    assert sandbox.hits()["total"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_pdf_at_an_address_is_read(api, sandbox, site):
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    site.pdf = written()

    body = api.post(EXTRACT, {"url": f"{site.root}/pdf"}, format="json").json()["data"]

    assert body["extracted_data"]["title"] == "Pastry Chef"
    assert body["extracted_data"]["url"] == f"{site.root}/pdf"
