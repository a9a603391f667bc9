"""What a file is told by its content, and refused before anything is spent."""

import csv
import io
import zipfile

import pytest

from bench.imports import BAD_FILES
from bench.imports_corpus import docx_files
from drafting.imports.archives import MAX_MEMBERS
from drafting.imports.documents import MAX_CHARACTERS, read_document, read_pasted
from drafting.imports.errors import (
    DocumentTooLarge,
    EncryptedDocument,
    UnreadableDocument,
    UnsupportedDocument,
)

CV = (
    "Jane Otieno\nData Engineer\n"
    + "Built the pipelines for the smart meters of Nairobi and wrote about it. " * 3
)


@pytest.mark.slow
@pytest.mark.parametrize("name", BAD_FILES)
async def test_a_file_that_cannot_be_read_is_refused_by_its_own_code(name):
    make, code = BAD_FILES[name]

    with pytest.raises(Exception) as refused:  # noqa: PT011 - which one is what is asked
        await read_document(make())

    assert refused.value.code == code
    assert refused.value.message.endswith(".")


def archive(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return buffer.getvalue()


async def test_an_archive_of_too_many_files_or_of_another_kind_is_refused():
    many = archive({f"{number}.txt": "" for number in range(MAX_MEMBERS + 1)})

    with pytest.raises(DocumentTooLarge):
        await read_document(many)
    with pytest.raises(UnsupportedDocument):
        await read_document(archive({"a.txt": "a"}))


async def test_an_archive_with_a_password_is_refused():
    content = bytearray(docx_files.packed("<w:p/>"))
    # The bit that says so, in the directory at the end.
    content[content.index(b"PK\x01\x02") + 8] |= 1

    with pytest.raises(EncryptedDocument):
        await read_document(bytes(content))


async def test_no_entity_of_a_docx_is_resolved():
    document = (
        '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname"><!ENTITY b "boom">]>'
        f"<w:document {docx_files._SPACES}><w:body><w:p><w:r><w:t>{CV} &a;&b;</w:t></w:r></w:p></w:body>"
        "</w:document>"
    )
    content = archive({"[Content_Types].xml": "<Types/>", "word/document.xml": document})

    read = await read_document(content)

    assert "boom" not in read.text
    assert read.text.startswith("Jane Otieno")


async def test_a_text_is_read_in_its_character_set_and_without_markdown():
    text = (
        "# Anna Müller\n\n**Krankenschwester** in München, mit [Seite](https://anna.example)\n\n"
        + "Für Käse. " * 12
    )

    latin = await read_document(text.encode("cp1252"))
    wide = await read_document(text.encode("utf-16"))

    assert latin.text == wide.text
    assert latin.text.startswith("Anna Müller\n\nKrankenschwester in München, mit Seite https://anna.example")


def test_a_text_of_more_characters_than_are_read_is_refused():
    with pytest.raises(DocumentTooLarge):
        read_pasted("word " * MAX_CHARACTERS)


async def test_cells_stand_beside_each_other_and_columns_one_after_another():
    def cell(*lines):
        paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)
        return f"<w:tc>{paragraphs}</w:tc>"

    rows = (
        "<w:tbl>"
        f"<w:tr>{cell('2019 to 2021')}{cell('Data Engineer', 'Savanna Grid', 'Built pipelines')}</w:tr>"
        f"<w:tr>{cell('Skills', 'Python')}{cell('Languages', 'Swahili, spoken at home')}"
        "</w:tr></w:tbl>"
    )
    filler = docx_files._paragraph("Wrote the monthly report on the meters of the city and of the lake.")

    read = await read_document(docx_files.packed(rows + filler))

    assert read.text.split("\n")[:3] == [
        "2019 to 2021 | Data Engineer",
        "Savanna Grid",
        "Built pipelines",
    ]
    assert read.text.index("Python") < read.text.index("Languages")


PROFILE = ["First Name,Last Name,Headline", "Jane,Otieno,Data Engineer"]
SKILLS = ["Name", "Python", "Django"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
async def test_an_export_s_tables_are_read_by_any_system_s_line_ends(line_end):
    read = await read_document(
        archive({"Profile.csv": line_end.join(PROFILE), "Skills.csv": line_end.join(SKILLS)})
    )

    assert [skill["name"] for skill in read.review.resume["skills"]] == ["Python", "Django"]


async def test_an_export_with_a_table_that_csv_does_not_read_is_damaged():
    endless = "x" * (csv.field_size_limit() + 1)

    with pytest.raises(UnreadableDocument):
        await read_document(archive({"Profile.csv": "\n".join([*PROFILE, endless])}))
