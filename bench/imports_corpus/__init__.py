"""Made-up CVs of eleven people, in layouts that differ, as PDF, DOCX, text and LinkedIn export.

`people.json` says what is true of each; the files are made anew at every run and say exactly that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from bench.imports_corpus.blocks import LAYOUTS, blocks_of
from bench.imports_corpus.docx_files import docx, docx_of_text
from bench.imports_corpus.linkedin_files import linkedin
from bench.imports_corpus.pdf_files import pdf, pdf_of_text

# Scripts that the PDF compiler's own fonts lack are read from the other formats.
_NOT_IN_PDF = frozenset({"ar", "ja", "hi"})


@dataclass(frozen=True, slots=True)
class Cv:
    """One file and what is true of it, in JSON Resume; `answer` is what a model that makes no mistake would
    copy from it (None where none is asked)."""

    name: str
    content: bytes
    resume: dict[str, Any]
    answer: dict[str, Any] | None


@cache
def people() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(__file__).parent / "people.json").read_text("utf-8"))
    return found


def load(*, languages: frozenset[str] | None = None) -> Iterator[Cv]:
    """Every CV, or those in some languages."""
    for person in people():
        language = person["language"]
        if languages is not None and language not in languages:
            continue
        answer = printed_answer(person)
        for layout in LAYOUTS:
            blocks = blocks_of(person, answer, layout)
            if language not in _NOT_IN_PDF:
                yield Cv(f"{language}-{layout}.pdf", pdf(blocks, layout), person["resume"], answer)
            if layout != "sidebar" or language not in ("sw", "el"):
                yield Cv(f"{language}-{layout}.docx", docx(blocks, layout), person["resume"], answer)
        text = blocks_of(person, answer, "stacked").text()
        yield Cv(f"{language}.md", text.encode(), person["resume"], answer)
    if languages is None or "en" in languages:
        yield Cv("en-linkedin.zip", linkedin(people()[0]["resume"]), _of_export(people()[0]["resume"]), None)


def _of_export(resume: dict[str, Any]) -> dict[str, Any]:
    """LinkedIn knows no websites as profiles, and prints days of education as years."""
    basics = {name: value for name, value in resume["basics"].items() if name != "profiles"}
    education = [
        entry | {name: entry[name][:4] for name in ("startDate", "endDate") if name in entry}
        for entry in resume["education"]
    ]
    return resume | {"basics": basics, "education": education}


def printed_answer(person: dict[str, Any]) -> dict[str, Any]:
    """The resume in the words of the CV: dates as they are printed."""
    resume = person["resume"]
    answer: dict[str, Any] = {
        "label": resume["basics"].get("label"),
        "city": resume["basics"].get("location", {}).get("city"),
        "summary": resume["basics"].get("summary"),
    }
    for section, entries in resume.items():
        if section == "basics":
            continue
        answer[section] = [
            {name: _printed(name, value, person) for name, value in entry.items()}
            | ({"endDate": person["now"]} if section == "work" and "endDate" not in entry else {})
            for entry in entries
        ]
    return answer


def _printed(name: str, value: Any, person: dict[str, Any]) -> Any:
    if not (name.endswith("Date") or name == "date"):
        return value
    year, _, month = value.partition("-")
    months = Locale.parse(person["language"]).months[
        "format" if person["language"] == "sw" else "stand-alone"
    ]
    forms = {
        "Month": months["wide"][int(month)],
        "Mon": Locale.parse("en").months["format"]["abbreviated"][int(month)],
        "MM": month,
        "年M月": f"年{int(month)}月",
        "YYYY": year,
    }
    written = person["style"]
    for form, words in forms.items():
        if form in written:
            written = written.replace(form, words, 1)
            if form in ("Month", "Mon"):
                return written.replace("YYYY", year)
    return written


def second() -> Iterator[Cv]:
    """CVs written after the check, in layouts that it was not made for."""
    rows = json.loads((Path(__file__).parent / "second.json").read_text("utf-8"))
    for row in rows:
        resume, printed = row["resume"], row["printed"]
        basics = resume["basics"]
        answer = {name: basics.get(name) for name in ("label", "summary")} | {
            "city": basics.get("location", {}).get("city"),
            "interests": [one["name"] for one in resume.get("interests", [])],
        }
        for section, entries in resume.items():
            if section not in ("basics", "interests"):
                answer[section] = [
                    {m: printed.get(v, v) if isinstance(v, str) else v for m, v in one.items()}
                    for one in entries
                ]
        make = {"pdf": pdf_of_text, "docx": docx_of_text, "txt": str.encode}[row["format"]]
        yield Cv(f"{row['name']}.{row['format']}", make(row["text"]), resume, answer)
