"""The files: all of the draft's text is in them, as text, and none of it is taken for markup."""

import base64
import io
import json
import re
import zipfile
from datetime import UTC, datetime

import pypdfium2
import pytest
from docx import Document
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from PIL import Image
from pypdf import PdfReader

from bench.exports_corpus import cv, letter, profile, scripts
from bench.read_back import docx_text, pdf_readers, pypdf_text, read_back, reading_orders
from drafting.exports import FileFormat, Look, Paper, Template, cv_pages, file_of
from drafting.exports.file_names import content_disposition
from drafting.exports.glyph_text import with_exact_text
from drafting.exports.layout import lay_out, layout_of, texts_in, written_date
from drafting.exports.markdown import markdown_of
from drafting.exports.plain_text import plain_text_of
from drafting.facts import texts_of
from drafting.models import Draft, Kind
from tests.drafting.conftest import load_profile

NOT_SHOWN = {"image", "meta", "$schema", "x-internal"}
DATES = {"startDate", "endDate", "date", "releaseDate"}


def files(draft, file_format="pdf", template="one-column", paper="a4", *, photo=False):
    return file_of(draft, FileFormat(file_format), Look(Template(template), Paper(paper)), photo=photo)


def pdf_of(draft, **choices):
    return files(draft, **choices).data


def reader_of(draft, **choices):
    return PdfReader(io.BytesIO(pdf_of(draft, **choices)))


def squeezed(text):
    return re.sub(r"\s+", "", text)


def shown_fields(value, key=""):
    if isinstance(value, dict):
        return [
            text for name, part in value.items() if name not in NOT_SHOWN for text in shown_fields(part, name)
        ]
    if isinstance(value, list):
        return [text for part in value for text in shown_fields(part, key)]
    if key in DATES:
        return [written_date(value, "en")]
    return [line for text in texts_of(value) for line in text.splitlines()]


def words(text):
    """The words of a file, without the marks that each format sets around them."""
    plain = re.sub(r"\\(.)", r"\1", text)
    return sorted(re.findall(r"\w+", plain))


@pytest.mark.parametrize("name", ["complete", "swahili", "german"])
def test_every_field_of_a_profile_can_be_read_out_of_its_pdf(name):
    resume = load_profile(name)

    found = squeezed(pypdf_text(pdf_of(cv(resume))))

    fields = shown_fields(resume)
    assert len(fields) > 12
    assert [field for field in fields if squeezed(field) not in found] == []


@pytest.mark.slow
@pytest.mark.parametrize("script", scripts())
def test_every_script_is_read_back_in_order_by_whatever_reads_pdfs(script):
    template = list(Template)[scripts().index(script) % 3]
    draft = cv(profile(script))
    orders = reading_orders(layout_of(draft, template), template)

    exported = files(draft, template=template)

    assert exported.warnings == []
    for text_of in pdf_readers().values():
        assert read_back(text_of(exported.data), orders).missed == []


def drawn(pdf):
    return [page.render(scale=2).to_pil().tobytes() for page in pypdfium2.PdfDocument(pdf)]


@pytest.mark.slow
@pytest.mark.parametrize("script", ["arabic", "devanagari", "mixed", "yoruba"])
def test_putting_the_text_of_glyphs_right_does_not_change_what_is_drawn(script, monkeypatch):
    exact = pdf_of(cv(profile(script)), template="academic")
    # The compiler's own file, to be compared with.
    monkeypatch.setattr("drafting.exports.pdf.with_exact_text", lambda pdf, *_, **__: pdf)
    plain = pdf_of(cv(profile(script)), template="academic")

    orders = reading_orders(layout_of(cv(profile(script)), "academic"), Template.ACADEMIC)
    assert drawn(exact) == drawn(plain)
    assert read_back(pypdf_text(exact), orders).share > read_back(pypdf_text(plain), orders).share


def test_when_a_character_does_not_come_out_the_file_stays_as_the_compiler_made_it():
    pdf = pdf_of(cv(profile("yoruba")))

    assert with_exact_text(pdf, "Ж", is_right_to_left=False) == pdf


def test_what_stands_in_another_order_is_not_read_back():
    assert read_back("second first", [["first", "second"]]).missed == ["second"]
    assert read_back("first second", [["first", "second"]]).share == 1


@pytest.mark.parametrize("template", Template)
@pytest.mark.parametrize("script", ["latin", "hebrew"])
def test_letters_are_read_back_in_the_look_of_each_template(template, script):
    draft = letter(profile(script))
    orders = reading_orders(layout_of(draft), template)

    pdf = pdf_of(draft, template=template, paper="letter")

    for text_of in pdf_readers().values():
        assert read_back(text_of(pdf), orders).missed == []
    assert [round(float(side)) for side in PdfReader(io.BytesIO(pdf)).pages[0].mediabox[2:]] == [612, 792]


def test_marks_of_yoruba_stand_once_and_composed():
    resume = load_profile("german")
    # The same name in letters and marks apart, as some keyboards write it.
    resume["basics"]["name"] = "O\u0323la\u0301bi\u0301si\u0301 E\u0323\u0301gba\u0301"

    text = pypdf_text(pdf_of(cv(resume)))

    assert text.startswith("Ọlábísí Ẹ́gbá\n")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [cv, letter])
@pytest.mark.parametrize("script", ["latin", "arabic"])
def test_every_format_has_the_same_words(kind, script):
    draft = kind(profile(script))
    wanted = words("\n".join(texts_in(layout_of(draft))))

    assert words(plain_text_of(layout_of(draft))) == wanted
    assert words(markdown_of(layout_of(draft))) == wanted
    assert words(docx_text(pdf_of(draft, file_format="docx"))) == wanted
    for template in Template if script == "latin" else ():
        pages = re.sub(r"^\d / \d$", "", pypdf_text(pdf_of(draft, template=template)), flags=re.M)
        assert words(pages.replace("-\n", "-").replace("/\n", "/")) == wanted


def test_every_field_of_a_profile_is_in_its_markdown(resume):
    found = re.sub(r"\\(.)", r"\1", markdown_of(layout_of(cv(resume))))

    assert [field for field in shown_fields(resume) if field not in found] == []


@pytest.mark.slow
@pytest.mark.parametrize("template", Template)
def test_a_long_cv_loses_nothing_over_its_pages(resume, template):
    resume["work"][0]["highlights"] += [f"Kept station number {n} within its limits" for n in range(110)]

    pdf = pdf_of(cv(resume), template=template)

    found = squeezed(pypdf_text(pdf))
    assert len(PdfReader(io.BytesIO(pdf)).pages) > 2
    assert [field for field in shown_fields(resume) if squeezed(field) not in found] == []


def test_the_pages_that_a_budget_counts_are_those_of_the_first_template(resume):
    resume["work"][0]["highlights"] += [f"Kept station number {n} within its limits" for n in range(40)]

    assert cv_pages(resume, "en", ()) == len(reader_of(cv(resume)).pages)


MARKUP = [
    '#import "@preview/evil:1.0.0": *',
    '#read("/etc/passwd")',
    "$ x^2 $ and *bold* and _under_",
    "= Heading",
    "`raw` \\ #panic(1) <label> @ref",
    '"); #eval("1+1")',
    "</script> & <b>",
]


def test_markup_in_a_profile_is_only_text():
    markup = " | ".join(MARKUP)
    resume = load_profile("german")
    resume["basics"] |= {"name": f"Jörg {markup}", "label": markup, "summary": markup}
    resume["work"][0]["name"] = markup
    resume["work"][0]["highlights"] = [markup]
    resume["skills"] = [{"name": markup, "keywords": [markup]}]

    for template in Template:
        found = squeezed(pypdf_text(pdf_of(cv(resume), template=template)))
        assert found.count(squeezed(markup)) == 7
        assert "root:" not in found


def test_markup_in_a_letter_is_only_text():
    markup = " | ".join(MARKUP)
    draft = letter(profile("latin"))
    draft.content |= {"subject": markup, "opening": markup}
    draft.content["body"] = [{"text": markup, "points": [markup], "sources": []}]

    assert squeezed(pypdf_text(pdf_of(draft))).count(squeezed(markup)) == 4


@pytest.mark.parametrize(
    "text",
    [
        "# Not a heading",
        "- not a list",
        "1. Dezember 2026",
        "2) not a list",
        "2021.",
        "---",
        "- - -",
        "= =",
        "> no quote",
        "*a* _b_ `c` [d](e) ![f](g) <f> &amp; | \\",
    ],
)
def test_markdown_in_a_profile_is_only_text(text):
    """As a reader of Markdown shows it: a paragraph, a line of a list and a heading that say the text."""
    resume = load_profile("german") | {"skills": [{"name": text}]}
    resume["basics"]["summary"] = text
    resume["work"][0]["position"] = text

    page = lxml_html.fromstring(MarkdownIt().render(markdown_of(layout_of(cv(resume)))))

    for element in ("p", "li", "h3"):
        assert text in [shown.text_content() for shown in page.iter(element)], element


def test_a_letter_in_markdown_shows_its_date_as_it_is_written():
    draft = letter(profile("latin"))
    draft.content["date_text"] = "1. Dezember 2026"

    page = lxml_html.fromstring(MarkdownIt().render(markdown_of(layout_of(draft))))

    assert "1. Dezember 2026" in [shown.text_content() for shown in page.iter("p")]


@pytest.mark.parametrize("template", Template)
def test_headings_are_headings_and_the_document_says_whose_it_is(template):
    reader = reader_of(cv(load_profile("complete")), template=template)

    headings = [item["/Title"] for item in reader.outline if not isinstance(item, list)]
    assert headings == ["Zoë Wanjikũ-Ångström"]
    assert reader.metadata.title == "Zoë Wanjikũ-Ångström - CV - Northwind Freight"
    assert reader.metadata.author == "Zoë Wanjikũ-Ångström"
    assert reader.trailer["/Root"]["/Lang"] == "en"
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


@pytest.mark.parametrize("template", Template)
def test_only_web_and_mail_addresses_become_links(template):
    resume = load_profile("german")
    resume["basics"]["url"] = "javascript:alert(1)"
    resume["work"][0]["url"] = "https://ok.example.com"

    reader = reader_of(cv(resume), template=template)
    document = Document(io.BytesIO(pdf_of(cv(resume), file_format="docx")))

    targets = {
        note.get_object()["/A"]["/URI"]
        for page in reader.pages
        for note in page.get("/Annots", [])
        if "/A" in note.get_object()
    }
    assert targets == {"mailto:joerg@example.de", "https://ok.example.com"}
    links = {link.address for paragraph in document.paragraphs for link in paragraph.hyperlinks}
    assert links == targets


def test_the_same_draft_gives_the_same_pdf(resume):
    assert pdf_of(cv(resume)) == pdf_of(cv(resume))


def test_a_letter_that_no_font_draws_is_replaced_and_named_and_signs_are_left_out():
    resume = load_profile("german")
    resume["basics"]["summary"] = "Entwickler 🚀 mit Herz ❤️ und ᏣᎳᎩ"

    exported = files(cv(resume), "pdf")

    assert "EntwicklermitHerz❤und???" in squeezed(pypdf_text(exported.data)).replace("Herzund", "Herz❤und")
    [warning] = exported.warnings
    assert warning.code == "characters_left_out"
    assert set("🚀ᏣᎳᎩ") <= set(warning.characters) <= set("🚀❤\ufe0fᏣᎳᎩ")
    assert "🚀" in docx_text(pdf_of(cv(resume), file_format="docx"))
    assert "ᏣᎳᎩ" in plain_text_of(layout_of(cv(resume)))


def test_what_no_file_may_hold_is_left_out():
    resume = load_profile("german")
    resume["basics"]["summary"] = "Ein\x00 Bruch\x1f und\ud800 ein\uffff Ende"

    for file_format in FileFormat:
        if file_format is not FileFormat.JSON and file_format is not FileFormat.ZIP:
            files(cv(resume), file_format)
    assert "Ein Bruch und ein Ende" in plain_text_of(layout_of(cv(resume)))


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "Mar 2022 – present"), ("de", "März 2022 – heute"), ("fr", "mars 2022 – aujourd’hui"),
     ("pt", "mar. de 2022 – até hoje")],
)  # fmt: skip
def test_dates_are_written_as_in_the_language_of_the_draft(language, written):
    resume = {"basics": {"name": "A"}, "work": [{"name": "B", "startDate": "2022-03"}]}

    layout = lay_out(resume, language)

    assert layout.sections[0].entries[0].dates.replace("'", "’") == written
    assert written_date("2022-13", language) == "2022-13"
    assert written_date("2022", language) == "2022"


def test_publications_come_first_in_the_academic_template_unless_the_person_says_otherwise(resume):
    draft = cv(resume)

    assert layout_of(draft, "academic").sections[0].key == "publications"
    assert layout_of(draft, "one-column").sections[0].key == "work"
    draft.parameters["sections"] = ["skills"]
    assert layout_of(draft, "academic").sections[0].key == "skills"


def test_docx_has_the_styles_and_properties_that_word_knows(resume):
    document = Document(io.BytesIO(pdf_of(cv(resume), file_format="docx", paper="letter")))

    styles = [paragraph.style.name for paragraph in document.paragraphs]
    assert styles[:3] == ["Title", "Subtitle", "Normal"]
    assert {"Heading 1", "Heading 2", "List Bullet"} <= set(styles)
    properties = document.core_properties
    assert (properties.title, properties.author, properties.language) == (
        "Zoë Wanjikũ-Ångström - CV - Northwind Freight", "Zoë Wanjikũ-Ångström", "en"
    )  # fmt: skip
    assert (round(document.sections[0].page_width.inches, 1), properties.comments) == (8.5, "")


def test_docx_runs_arabic_from_right_to_left():
    document = Document(io.BytesIO(pdf_of(cv(profile("arabic")), file_format="docx")))

    assert document.paragraphs[0].runs[0].font.rtl
    assert "w:bidi" in document.paragraphs[0]._p.xml


def picture_url():
    out = io.BytesIO()
    Image.new("RGB", (900, 1200), "#336699").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


@pytest.mark.slow
@pytest.mark.parametrize("template", Template)
def test_a_photo_is_shown_when_it_is_asked_for_and_in_the_profile(template):
    resume = load_profile("german")
    resume["basics"]["image"] = picture_url()

    with_photo = reader_of(cv(resume), template=template, photo=True)
    without = reader_of(cv(resume), template=template)
    document = Document(io.BytesIO(pdf_of(cv(resume), file_format="docx", photo=True)))

    assert max(with_photo.pages[0].images[0].image.size) == 480
    assert list(without.pages[0].images) == []
    assert len(document.inline_shapes) == 1


@pytest.mark.parametrize(
    "image", ["https://example.com/me.png", "data:image/png;base64,AAAA", "file:///etc/passwd"]
)
def test_a_photo_that_is_not_in_the_profile_is_said_to_be_missing(image):
    resume = load_profile("german")
    resume["basics"]["image"] = image

    assert [warning.code for warning in files(cv(resume), "docx", photo=True).warnings] == ["no_photo"]


def test_the_archive_holds_a_file_of_each_format_and_says_each_warning_once():
    resume = load_profile("german")
    resume["basics"]["summary"] = "🚀"

    exported = files(cv(resume), "zip", photo=True)

    with zipfile.ZipFile(io.BytesIO(exported.data)) as archive:
        endings = [name.rpartition(".")[2] for name in archive.namelist()]
        stems = {name.rpartition(".")[0] for name in archive.namelist()}
        assert json.loads(archive.read(archive.namelist()[endings.index("json")])) == resume
    assert endings == ["pdf", "docx", "txt", "md", "json"]
    assert stems == {exported.file_name.removesuffix(".zip")}
    assert [warning.code for warning in exported.warnings] == ["no_photo", "characters_left_out"]


@pytest.mark.parametrize(
    ("name", "kind", "employer", "title", "wanted"),
    [
        (
            "Amina Otieno",
            Kind.CV,
            "Northwind Freight",
            "Planner",
            "Amina Otieno - CV - Northwind Freight.txt",
        ),
        ("Amina Otieno", Kind.COVER_LETTER, "", "Planner", "Amina Otieno - Anschreiben - Planner.txt"),
        ("../../etc/passwd\r\nX: y", Kind.CV, 'A"; b\u202e*', "", "etc passwd X y - Lebenslauf - A b.txt"),
        ("", Kind.CV, "", "", "Lebenslauf.txt"),
        ("山田太郎", Kind.CV, "x" * 300, "", f"山田太郎 - Lebenslauf - {'x' * 60}.txt"),
    ],
)
def test_file_names_are_fit_for_an_employer(name, kind, employer, title, wanted):
    draft = Draft(
        kind=kind, title=title, hiring_organization=employer, created_at=datetime(2026, 11, 21, tzinfo=UTC),
        parameters={"language": "en" if wanted.startswith("Amina Otieno - CV") else "de"},
        content={"basics": {"name": name}} if kind == Kind.CV else letter(profile("latin")).content | {
            "signature": name
        },
    )  # fmt: skip

    assert files(draft, "txt").file_name == wanted


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Amina - CV.pdf", 'attachment; filename="Amina - CV.pdf"'),
        (
            "Дима.pdf",
            "attachment; filename=\"Dima.pdf\"; filename*=UTF-8''%D0%94%D0%B8%D0%BC%D0%B0.pdf",
        ),
        (
            "Zoë O’Hara.pdf",
            "attachment; filename=\"Zoe O'Hara.pdf\"; filename*=UTF-8''Zo%C3%AB%20O%E2%80%99Hara.pdf",
        ),
    ],
)
def test_the_header_names_the_file_for_old_programs_and_new(name, header):
    assert content_disposition(name) == header


def test_the_schema_file_is_the_published_one():
    from drafting.resume import SCHEMA_PATH

    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    assert schema["title"] == "Resume Schema"
    assert len(schema["properties"]) == 14
