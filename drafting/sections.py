"""The parts of a draft that can be written anew, and what becomes of the draft when one is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from drafting.check.judge import Verdict
from drafting.check.reasons import Reason, Refusal, note
from drafting.checking import Checked
from drafting.comparing import leaves
from drafting.cv import is_too_short
from drafting.editing import used, with_text
from drafting.errors import NothingToWrite
from drafting.exports import cv_pages
from drafting.facts import PROFILE_SUMMARY, SECTIONS, FactSheet
from drafting.letter_body import proof_row, word_count
from drafting.letter_frame import one_line
from drafting.models import Draft, Kind, MadeBy
from drafting.options import LETTER_TOLERANCE
from drafting.own_texts import PERSON, Row, is_own
from drafting.prompts import Part
from drafting.versions import copy_of

SUMMARY = "summary"
_SUMMARY_PATH = "basics/summary"
_WITH_PROSE = {section.key: section for section in SECTIONS if section.prose or section.has_highlights}
# A paragraph of a few words of the model's may become a sentence.
_FEWEST_WORDS = 18


def sections_of(draft: Draft) -> list[str]:
    """The names of the sections that can be written anew: of a CV those with prose, else paragraphs."""
    if draft.kind == Kind.CV:
        return [SUMMARY, *(key for key in _WITH_PROSE if draft.content.get(key))]
    return [f"paragraph-{number}" for number in range(1, len(draft.content["body"]) + 1)]


@dataclass(frozen=True, slots=True)
class Spot:
    """A text of a CV, and where it stands."""

    path: str
    text: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class CvSection:
    """One section of a CV. `facts` are the profile's as it is now."""

    name: str
    facts: FactSheet
    replace_own: bool

    def part(self, draft: Draft) -> Part:
        """What to ask for. Raises NothingToWrite."""
        spots = self.spots(draft)
        if not spots:
            raise NothingToWrite
        asked = "The summary is" if self.name == SUMMARY else "Lines are"
        now = tuple(spot.text for spot in spots.values() if spot.text and not spot.is_own)
        return Part(asked, frozenset(spots), now)

    def spots(self, draft: Draft) -> dict[str, Spot]:
        """The texts to be written anew, by the id of the fact each stands for. A text that stands for no fact
        of the profile has nothing to be written from, and stays."""
        own = {row["field"]: row for row in draft.proofs if row["proof"] == PERSON}
        rewritten = {row["text"]: row["field"] for row in draft.proofs if not is_own(row)}
        lines = self._ids_by_text()
        found: dict[str, Spot] = {}
        for path, text in self._texts(draft.content):
            row = own.get(path)
            if row and not self.replace_own:
                continue
            stood = row["replaces"] if row else text
            named = row["sources"] if row else [rewritten[text]] if text in rewritten else []
            ids = [PROFILE_SUMMARY] if self.name == SUMMARY else [*named, *lines[one_line(stood)]]
            fact_id = next((one for one in ids if one not in found and self._is_here(one)), None)
            if fact_id:
                found[fact_id] = Spot(path, text, bool(row))
        return found

    def rewritten(self, newest: Draft, checked: Checked) -> Draft:
        """An unsaved draft after the newest version: what has a proof in the place of what stood there. It
        counts pages, which takes a compilation: not for the event loop, nor for a transaction."""
        draft = copy_of(newest, made_by=MadeBy.REGENERATE)
        draft.content = deepcopy(newest.content)
        spots = self.spots(newest)
        notes, proofs, changes = list(checked.notes), [], []
        for fact_id, spot in spots.items():
            before, verdict = self._fact(fact_id), checked.proven(fact_id)
            if verdict and fact_id != PROFILE_SUMMARY and is_too_short(verdict.said.text, before):
                notes.append(note(fact_id, Refusal(Reason.TOO_SHORT)))
                verdict = None
            text = verdict.said.text if verdict else before if spot.is_own else ""
            if not text:
                proofs += [row for row in newest.proofs if row["field"] in (fact_id, spot.path)]
                changes += [row for row in newest.changes if row["field"] == fact_id]
                continue
            _put(draft.content, spot.path, text)
            if verdict:
                sources = verdict.said.sources or (fact_id,)
                proofs.append(proof_row(fact_id, text, str(verdict.proof), sources))
                changes.append({"kind": "rewritten", "field": fact_id, "before": before, "after": text})
        fields = spots.keys() | {spot.path for spot in spots.values()}
        draft.proofs = [row for row in newest.proofs if row["field"] not in fields] + proofs
        draft.changes = [
            row for row in newest.changes if row["field"] not in fields and row["kind"] != "edited"
        ] + changes
        draft.grounding = [row for row in newest.grounding if row["field"] not in fields] + notes
        pages = cv_pages(draft.content, draft.language, draft.sections)
        draft.report = newest.report | {"pages": pages}
        return draft

    def _texts(self, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if self.name == SUMMARY:
            yield _SUMMARY_PATH, str((content.get("basics") or {}).get("summary") or "")
            return
        section = _WITH_PROSE[self.name]
        for path, text in leaves(content.get(self.name) or [], self.name):
            member = path.split("/")[2:]
            if member == [section.prose] or (section.has_highlights and member[:1] == ["highlights"]):
                yield path, text

    def _ids_by_text(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for line in self.facts.line_by_id.values():
            found[one_line(line.text)].append(line.id)
        return found

    def _is_here(self, fact_id: str) -> bool:
        """Whether it is a line of this section, as the profile is now."""
        if fact_id == PROFILE_SUMMARY:
            return self.name == SUMMARY
        line = self.facts.line_by_id.get(fact_id)
        return line is not None and self.facts.entry_by_id[line.entry_id].section.key == self.name

    def _fact(self, fact_id: str) -> str:
        return self.facts.summary if fact_id == PROFILE_SUMMARY else self.facts.line_by_id[fact_id].text


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph of a letter, "paragraph-2". `facts` are the profile's as it is now."""

    name: str
    facts: FactSheet
    replace_own: bool

    @property
    def _index(self) -> int:
        return int(self.name.rpartition("-")[2]) - 1

    def of(self, draft: Draft) -> Row | None:
        """The paragraph as it stands in the draft; None where there is none."""
        body: list[Row] = draft.content["body"]
        return body[self._index] if self._index < len(body) else None

    def part(self, draft: Draft) -> Part:
        """What to ask for: about as many words, of facts no other paragraph tells. Raises NothingToWrite."""
        going = [row["text"] for row in self._rows(draft) if not self._stays(row)]
        if not going:
            raise NothingToWrite
        written = tuple(row["text"] for row in self._rows(draft) if not is_own(row))
        ids = frozenset({*self.facts.entry_by_id, *self.facts.line_by_id}) - self._told(draft)
        return Part("One paragraph is", ids, written, max(word_count(" ".join(going)), _FEWEST_WORDS))

    def rewritten(self, newest: Draft, checked: Checked) -> Draft:
        """An unsaved draft after the newest version: the sentences that have a proof where the first of those
        stood that go."""
        draft = copy_of(newest, made_by=MadeBy.REGENERATE)
        rows = self._rows(newest)
        new, notes = self._chosen(newest, checked)
        draft.grounding = [row for row in newest.grounding if not row["field"].startswith("sentence-")]
        draft.grounding += [*checked.notes, *notes]
        if not new:
            return draft
        points = len(newest.content["body"][self._index]["points"])
        sentences, listed = rows[: len(rows) - points], rows[len(rows) - points :]
        first = next((n for n, row in enumerate(sentences) if not self._stays(row)), len(sentences))
        told = [*sentences[:first], *new, *(row for row in sentences[first:] if self._stays(row))]
        kept = [row for row in listed if self._stays(row)]
        content = deepcopy(newest.content)
        content["body"][self._index] = {
            "text": " ".join(row["text"] for row in told),
            "points": [row["text"] for row in kept],
            "sources": list(dict.fromkeys(source for row in [*told, *kept] for source in row["sources"])),
        }
        draft.content = with_text(content)
        at = next(n for n, row in enumerate(newest.proofs) if row["field"] == self.name)
        others = [row for row in newest.proofs if row["field"] != self.name]
        draft.proofs = [*others[:at], *told, *kept, *others[at:]]
        draft.changes = used(draft.content)
        return draft

    def _chosen(self, draft: Draft, checked: Checked) -> tuple[list[Row], list[Row]]:
        """Rows of `proofs` for the sentences that are used, as many as there is room for; and notes on those
        that say again what the letter says already."""
        going = word_count(" ".join(row["text"] for row in self._rows(draft) if not self._stays(row)))
        highest = round(draft.content["word_target"] * (1 + LETTER_TOLERANCE))
        room = max(going, highest - draft.content["word_count"] + going)
        told, said = (
            self._told(draft),
            {row["text"].casefold() for row in draft.proofs if row["field"] != self.name},
        )
        rows: list[Row] = []
        notes: list[Row] = []
        for verdict in filter(None, map(checked.proven, checked.verdicts)):
            text, lines = one_line(verdict.said.text), _lines(verdict)
            if text.casefold() in said or (lines and lines <= told):
                notes.append(note(verdict.said.id, Refusal(Reason.REPETITION)))
            elif word_count(text) <= room:
                rows.append(proof_row(self.name, text, str(verdict.proof), verdict.said.sources))
                said.add(text.casefold())
                told = told | lines
                room -= word_count(text)
        return rows, notes

    def _rows(self, draft: Draft) -> list[Row]:
        return [row for row in draft.proofs if row["field"] == self.name]

    def _stays(self, row: Row) -> bool:
        return is_own(row) and not self.replace_own

    def _told(self, draft: Draft) -> frozenset[str]:
        """The facts that the other paragraphs tell."""
        others = (row for row in draft.proofs if row["field"] != self.name)
        return frozenset(source for row in others for source in row["sources"] if "." in source)


def _lines(verdict: Verdict) -> frozenset[str]:
    return frozenset(source for source in verdict.said.sources if "." in source)


def _put(content: dict[str, Any], path: str, text: str) -> None:
    *steps, last = path.split("/")
    at: Any = content
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
    at[int(last) if isinstance(at, list) else last] = text
