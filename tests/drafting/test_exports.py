"""The files: all of the draft's text is in them, as text, and none of it is taken for markup."""

import io
import json
import re
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from drafting.errors import UnprintableScript
from drafting.exports.markdown import markdown_of
from drafting.exports.pdf import pdf_of
from drafting.facts import texts_of
from drafting.models import Draft, Kind
from tests.drafting.conftest import load_profile

NOT_SHOWN = {"image", "meta", "$schema", "x-internal"}


def cv(resume, language="en"):
    return Draft(
        kind=Kind.CV,
        version=1,
        title="Engineer",
        content=resume,
        parameters={"language": language},
        created_at=datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC),
    )


def letter(**parts):
    content = {
        "language": "en",
        "sender": {"name": "Zoë", "lines": ["zoe@example.com"]},
        "date_text": "21 November 2026",
        "recipient": ["Savanna Grid", "Nairobi"],
        "subject": "Application",
        "salutation": "Dear team,",
        "opening": "I am applying.",
        "body": [{"text": "I trained analysts.", "points": ["Moved 14 databases"], "sources": []}],
        "closing": "I look forward to it.",
        "sign_off": "Kind regards,",
        "signature": "Zoë",
    } | parts
    return Draft(
        kind=Kind.COVER_LETTER,
        version=1,
        title="Engineer",
        content=content,
        parameters={"language": "en"},
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def text_of(pdf):
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def squeezed(text):
    return re.sub(r"\s+", "", text)


def shown_fields(value):
    if isinstance(value, dict):
        return [text for key, part in value.items() if key not in NOT_SHOWN for text in shown_fields(part)]
    if isinstance(value, list):
        return [text for part in value for text in shown_fields(part)]
    return [line for text in texts_of(value) for line in text.splitlines()]


@pytest.mark.parametrize("name", ["complete", "swahili", "german"])
def test_every_field_of_a_profile_can_be_read_out_of_its_pdf(name):
    resume = load_profile(name)

    found = squeezed(text_of(pdf_of(cv(resume))))

    fields = shown_fields(resume)
    assert len(fields) > 12
    assert [field for field in fields if squeezed(field) not in found] == []


def test_every_field_of_a_profile_is_in_its_markdown(resume):
    found = re.sub(r"\\(.)", r"\1", markdown_of(cv(resume)))

    assert [field for field in shown_fields(resume) if field not in found] == []


def test_a_long_cv_loses_nothing_over_its_pages(resume):
    resume["work"][0]["highlights"] += [f"Kept station number {n} within its limits" for n in range(150)]

    pdf = pdf_of(cv(resume))

    found = squeezed(text_of(pdf))
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 2
    assert [field for field in shown_fields(resume) if squeezed(field) not in found] == []


MARKUP = [
    '#import "@preview/evil:1.0.0": *',
    '#read("/etc/passwd")',
    "$ x^2 $ and *bold* and _under_",
    "= Heading",
    "`raw` \\ #panic(1) <label> @ref",
    '"); #eval("1+1")',
    "</script> & <b>",
]


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_a_profile_is_only_text(markup):
    resume = load_profile("german")
    resume["basics"] |= {"name": f"Jörg {markup}", "label": markup, "summary": markup}
    resume["work"][0]["name"] = markup
    resume["work"][0]["highlights"] = [markup]
    resume["skills"] = [{"name": markup, "keywords": [markup]}]

    found = squeezed(text_of(pdf_of(cv(resume))))

    assert found.count(squeezed(markup)) == 7
    assert "root:" not in found


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_a_letter_is_only_text(markup):
    draft = letter(subject=markup, opening=markup, body=[{"text": markup, "points": [markup], "sources": []}])

    assert squeezed(text_of(pdf_of(draft))).count(squeezed(markup)) == 4


@pytest.mark.parametrize(
    "text", ["# Not a heading", "- not a list", "1. not a list", "*a* _b_ `c` [d](e) <f> &amp; | \\"]
)
def test_markdown_in_a_profile_is_only_text(text):
    resume = load_profile("german") | {"skills": [{"name": text}]}
    resume["basics"]["summary"] = text

    lines = markdown_of(cv(resume)).splitlines()

    shown = [line for line in lines if re.sub(r"\\(.)", r"\1", line) in {text, f"- {text}"}]
    assert len(shown) == 2
    assert all(line.removeprefix("- ") != text for line in shown)


def test_headings_are_headings_and_the_document_is_tagged():
    reader = PdfReader(io.BytesIO(pdf_of(cv(load_profile("complete")))))

    headings = [item["/Title"] for item in reader.outline if not isinstance(item, list)]
    assert headings == ["Zoë Wanjikũ-Ångström"]
    assert reader.metadata.title == "CV Engineer v1"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_only_web_and_mail_addresses_become_links():
    resume = load_profile("german")
    resume["basics"]["url"] = "javascript:alert(1)"
    resume["work"][0]["url"] = "https://ok.example.com"

    reader = PdfReader(io.BytesIO(pdf_of(cv(resume))))

    targets = {
        note.get_object()["/A"]["/URI"]
        for page in reader.pages
        for note in page.get("/Annots", [])
        if "/A" in note.get_object()
    }
    assert targets == {"mailto:joerg@example.de", "https://ok.example.com"}


def test_the_same_draft_gives_the_same_pdf(resume):
    assert pdf_of(cv(resume)) == pdf_of(cv(resume))


@pytest.mark.parametrize("name", ["Дмитро Ґалаґан", "Ελένη Παπαδάκη", "Nguyễn Thị Ánh", "გიორგი", "Արամ"])
def test_it_prints_the_scripts_its_fonts_have(name):
    resume = load_profile("german")
    resume["basics"]["name"] = name

    assert squeezed(name) in squeezed(text_of(pdf_of(cv(resume))))


@pytest.mark.parametrize("name", ["山田太郎", "محمد علي", "สมชาย", "राहुल", "አበበ"])
def test_it_refuses_scripts_its_fonts_lack_rather_than_print_boxes(name):
    resume = load_profile("german")
    resume["basics"]["name"] = name

    with pytest.raises(UnprintableScript) as refusal:
        pdf_of(cv(resume))

    assert set(refusal.value.details["characters"]) <= set(name)
    assert name in markdown_of(cv(resume))


def test_emoji_are_left_out_of_the_pdf():
    resume = load_profile("german")
    resume["basics"]["summary"] = "Entwickler 🚀 mit Herz ❤️"

    assert "EntwicklermitHerz" in squeezed(text_of(pdf_of(cv(resume))))


def test_the_schema_file_is_the_published_one():
    from drafting.resume import SCHEMA_PATH

    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    assert schema["title"] == "Resume Schema"
    assert len(schema["properties"]) == 14
