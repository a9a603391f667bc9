"""The corpus of lies and honest texts: what README.md beside this file describes, read and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
HALVES = ("first", "second")
LANGUAGES = ("en", "de", "fr", "es", "pt", "sw")
PLACES = ("line", "summary", "evidence", "bridge")
TODAY = date(2026, 11, 30)
_PREFIXES = {
    "work": "work", "volunteer": "volunteer", "education": "education", "project": "projects",
    "certificate": "certificates", "skill": "skills", "language": "languages", "award": "awards",
    "publication": "publications", "interest": "interests",
}  # fmt: skip
_ID = re.compile(r"(?P<prefix>[a-z]+)-(?P<entry>\d+)(?:\.(?:s|h(?P<highlight>\d+)))?")


@dataclass(frozen=True, slots=True)
class Case:
    """One text and whether it lies; `unsupported` are the words at fault. `half` is its folder."""

    id: str
    half: str
    profile: str
    language: str
    label: str
    kind: str
    place: str
    text: str
    sources: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = field(default=())

    @property
    def is_lie(self) -> bool:
        return self.label == "lie"


@cache
def profile(name: str) -> dict[str, Any]:
    """The JSON Resume of one person."""
    document: dict[str, Any] = json.loads((ROOT / "profiles" / f"{name}.json").read_text(encoding="utf-8"))
    return document


@cache
def posting(name: str) -> dict[str, Any]:
    """The posting that this person applies to, in the fields of an extraction."""
    document: dict[str, Any] = json.loads((ROOT / "postings" / f"{name}.json").read_text(encoding="utf-8"))
    return document


def load(*halves: str) -> list[Case]:
    """The cases of these halves (both, if none is named). Raises ValueError for a case that is not one."""
    cases: list[Case] = []
    ids: set[str] = set()
    for half in halves or HALVES:
        for path in sorted((ROOT / "cases" / half).glob("*.jsonl")):
            for number, row in _rows(path):
                where = f"{path.relative_to(ROOT)}:{number}"
                case = _case(row, half, where)
                if case.id in ids:
                    raise ValueError(f"{where}: the id {case.id} is taken")
                ids.add(case.id)
                cases.append(case)
    return cases


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path.relative_to(ROOT)}:{number}: not JSON: {error}") from None


def _case(row: dict[str, Any], half: str, where: str) -> Case:
    try:
        case = Case(
            half=half,
            sources=tuple(row.pop("sources", ())),
            unsupported=tuple(row.pop("unsupported", ())),
            **row,
        )
    except TypeError as error:
        raise ValueError(f"{where}: {error}") from None
    if fault := _fault(case):
        raise ValueError(f"{where} ({case.id}): {fault}")
    return case


def _fault(case: Case) -> str:
    if not (ROOT / "profiles" / f"{case.profile}.json").exists():
        return f"there is no profile {case.profile}"
    for value, known, name in (
        (case.label, ("lie", "honest"), "label"),
        (case.language, LANGUAGES, "language"),
        (case.place, PLACES, "place"),
    ):
        if value not in known:
            return f"{name} is one of {', '.join(known)}"
    count = len(case.sources)
    if not {"line": count == 1, "evidence": 1 <= count <= 3}.get(case.place, count == 0):
        return f"a {case.place} cannot have {count} sources"
    if strange := [source for source in case.sources if not _exists(source, profile(case.profile))]:
        return f"the profile has no {', '.join(strange)}"
    if case.is_lie != bool(case.unsupported):
        return "a lie names its unsupported words, an honest text names none"
    missing = [words for words in case.unsupported if words not in case.text]
    return f"not in the text: {', '.join(missing)}" if missing else ""


def _exists(source: str, resume: dict[str, Any]) -> bool:
    if source == "basics.summary":
        return bool(resume.get("basics", {}).get("summary"))
    match = _ID.fullmatch(source)
    entries = resume.get(_PREFIXES.get(match["prefix"], ""), []) if match else []
    if not match or not 1 <= int(match["entry"]) <= len(entries):
        return False
    entry = entries[int(match["entry"]) - 1]
    if source.endswith(".s"):
        return bool(entry.get("summary") or entry.get("description"))
    return not match["highlight"] or 1 <= int(match["highlight"]) <= len(entry.get("highlights", []))
