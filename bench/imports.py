"""`python -m bench.imports`: made-up CVs read into profiles, and files that are refused.

Every CV is read three times: by a model that copies all of it without a mistake (what is lost is ours), by
the sandbox's rules, and by a liar, who invents employers, titles, dates and skills, puts what is true of one
job into another, and shortens sentences until they say more. `bench/imports_corpus` has the CVs.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from accounts.errors import DomainError
from bench.imports_corpus import Cv, docx_files, load, pdf_files, second
from drafting.imports.contacts import Person
from drafting.imports.documents import read_document
from drafting.imports.errors import NotACv
from drafting.imports.forms import CvAnswer
from drafting.imports.importer import cv_prompt, reviewed
from drafting.imports.review import Review
from sandbox.imports import import_text

Answers = Callable[[Cv, Person], dict[str, Any]]
Field = tuple[str, ...]

BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "scan": (pdf_files.scanned, "scanned_document"),
    "PDF with a password": (pdf_files.locked, "encrypted_document"),
    "PDF of 200 pages": (lambda: pdf_files.long(200), "document_too_large"),
    "damaged PDF": (lambda: b"%PDF-1.7\n" + b"garbage " * 500, "unreadable_document"),
    "PDF without a word": (lambda: pdf_files.long(0), "scanned_document"),
    "DOCX with macros": (docx_files.with_macros, "document_with_macros"),
    "DOCX with a password": (docx_files.encrypted, "encrypted_document"),
    "zip bomb": (docx_files.bomb, "document_too_large"),
    "bomb in the body": (docx_files.large_body, "document_too_large"),
    "damaged DOCX": (lambda: docx_files.with_macros()[:200], "unreadable_document"),
    "empty DOCX": (lambda: docx_files.packed(""), "not_a_cv"),
    "old Word file": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "unsupported_document"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "scanned_document"),
    "empty file": (lambda: b"", "not_a_cv"),
    "two words": (lambda: b"Jane Otieno", "not_a_cv"),
    "broken JSON": (lambda: b'{"basics": ', "unreadable_document"),
    "JSON that is no resume": (lambda: b'{"work": "Acme"}', "invalid_profile"),
}


@dataclass
class Score:
    """Fields of all CVs: `true` were found as they are; `invented` stand in no line of the file, `elsewhere`
    do, but are not true of that entry."""

    true: int = 0
    wanted: int = 0
    given: int = 0
    invented: list[tuple[str, Field]] = field(default_factory=list)
    elsewhere: list[tuple[str, Field]] = field(default_factory=list)
    lost: list[tuple[str, Field]] = field(default_factory=list)

    @property
    def f1(self) -> float:
        return 2 * self.true / max(self.given + self.wanted, 1)

    def add(self, cv: Cv, resume: dict[str, Any], text: str) -> None:
        wanted, given = Counter(fields(cv.resume, cv.resume)), Counter(fields(resume, cv.resume))
        self.true += (wanted & given).total()
        self.wanted += wanted.total()
        self.given += given.total()
        self.lost += [(cv.name, one) for one in wanted - given]
        said = " ".join(text.casefold().split())
        known = {one[-1] for one in wanted}
        for one in given - wanted:
            stands = one[-1] in known or one[-1] in said
            (self.elsewhere if stands else self.invented).append((cv.name, one))


def fields(resume: dict[str, Any], truth: dict[str, Any]) -> Iterator[Field]:
    """Section, entry, member and value of everything that a resume says. Its entries are named by those of
    the truth that they have most of their names in common with."""
    for section, content in resume.items():
        if not isinstance(content, list):
            yield from ((section, *path) for path in _leaves(content))
            continue
        for entry in content:
            true = max(truth.get(section, []), key=lambda one: len(_names(one) & _names(entry)), default={})
            number = truth[section].index(true) + 1 if _names(true) & _names(entry) else 0
            yield from ((section, str(number), *path) for path in _leaves(entry))


def _names(entry: dict[str, Any]) -> set[tuple[str, str]]:
    members = ("position", "institution", "name", "title", "language", "area", "studyType")
    return {(one, str(entry[one]).casefold()) for one in members if entry.get(one)}


def _leaves(value: Any, *path: str) -> Iterator[Field]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, *path, name)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, *path)
    else:
        yield (*path, " ".join(str(value).casefold().split()))


def perfect(cv: Cv, person: Person) -> dict[str, Any]:
    return cv.answer or {}


def by_rules(cv: Cv, person: Person) -> dict[str, Any]:
    return _sandbox(person, lies=False)


def lying_rules(cv: Cv, person: Person) -> dict[str, Any]:
    return _sandbox(person, lies=True)


def _sandbox(person: Person, *, lies: bool) -> dict[str, Any]:
    reply = import_text(CvAnswer.model_json_schema(), cv_prompt(person), lies=lies)
    return json.loads(reply or "{}")


def lying(cv: Cv, person: Person) -> dict[str, Any]:
    """The truth, made false in every way that a form allows."""
    answer = copy.deepcopy(cv.answer or {})
    jobs = answer["work"]
    first, second = jobs[:2]
    first["startDate"], second["startDate"] = second["startDate"], first["startDate"]
    first["endDate"], second["endDate"] = second.get("endDate"), first.get("endDate")
    for prose in ("highlights", "summary"):
        first[prose], second[prose] = second.get(prose), first.get(prose)
    second["name"] = first["name"]
    jobs[-1]["position"] = jobs[-1]["position"].split()[-1]
    jobs.append({"name": "Google", "position": "Director", "startDate": "2003", "endDate": "2009"})
    jobs.append({"name": answer["education"][0]["institution"], "position": "Professor"})
    answer["education"].append({"institution": "Harvard University", "studyType": "PhD"})
    answer["education"][0]["studyType"] = "PhD"
    answer["skills"] = [*answer.get("skills", []), {"name": "COBOL"}, {"name": "Brain surgery"}]
    spoken = answer.get("languages", [])[:2]
    levels = [one.get("fluency") for one in spoken]
    for one, level in zip(spoken, reversed(levels), strict=True):
        one["fluency"] = level
    answer["certificates"] = [{"name": "Nobel Prize", "date": first["startDate"]}]
    return answer | {"label": "Chief Executive", "summary": "A born leader.", "city": "Atlantis"}


MODELS: dict[str, Answers] = {
    "perfect": perfect,
    "sandbox": by_rules,
    "lying sandbox": lying_rules,
    "liar": lying,
}


async def read_all(cvs: Iterable[Cv]) -> tuple[int, dict[str, Score]]:
    """How many they are, and what each model's answers came to."""
    scores = {name: Score() for name in MODELS}
    count = 0
    for cv in cvs:
        count += 1
        document = await read_document(cv.content)
        if document.review is not None:
            scores["perfect"].add(cv, document.review.resume, json.dumps(document.review.resume))
            continue
        person = Person(document.text)
        for name, answers in MODELS.items():
            scores[name].add(cv, _review(person, answers(cv, person)).resume, document.text)
    return count, scores


def _review(person: Person, answer: dict[str, Any]) -> Review:
    try:
        return reviewed(person, CvAnswer.model_validate(answer))
    except NotACv:
        return Review()


async def refused_files() -> dict[str, str]:
    """What became of the bad files, by name."""
    codes = {}
    for name, (make, _) in BAD_FILES.items():
        try:
            await read_document(make())
            codes[name] = "read"
        except DomainError as error:
            codes[name] = error.code
    return codes


def report(title: str, count: int, scores: dict[str, Score]) -> None:
    print(f"{title}: {count} CVs")
    for name, score in scores.items():
        print(
            f"  {name:14} P {score.true / max(score.given, 1):.4f}  R {score.true / max(score.wanted, 1):.4f}"
            f"  F1 {score.f1:.4f}  invented {len(score.invented)}  of another entry {len(score.elsewhere)}"
        )
        if "--explain" in sys.argv and name in sys.argv:
            for label in ("invented", "elsewhere", "lost"):
                for where, one in getattr(score, label):
                    print(f"    {label:10} {where:22} {' / '.join(one)}")


def main() -> None:
    count, scores = asyncio.run(read_all(load()))
    report("Generated", count, scores)
    further, others = asyncio.run(read_all(second()))
    report("Written after the check", further, others)
    codes = asyncio.run(refused_files())
    for name, code in codes.items():
        print(f"  {name:24} {code}{'' if code == BAD_FILES[name][1] else ' (!)'}")
    refused = sum(codes[name] == code for name, (_, code) in BAD_FILES.items())
    print(json.dumps({
        "cvs": count + further,
        "field_f1": round(scores["perfect"].f1, 4),
        "field_f1_second": round(others["perfect"].f1, 4),
        "field_f1_sandbox": round(scores["sandbox"].f1, 4),
        "invented": sum(len(score.invented) for score in (*scores.values(), *others.values())),
        "of_another_entry_by_liar": len(scores["liar"].elsewhere) + len(others["liar"].elsewhere),
        "bad_files": len(BAD_FILES),
        "bad_files_refused": refused,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
