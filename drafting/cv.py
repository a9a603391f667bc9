"""From a model's selection and wording to a CV: code copies the facts, and checked prose replaces prose."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drafting.facts import PROFILE_SUMMARY, Entry, FactSheet, Line
from drafting.grounding import Grounding, Reason, Refusal, note
from drafting.options import CV_LIMITS, CvLimits, Length
from drafting.prose import tidy
from drafting.relevance import Relevance
from drafting.replies import CvReply
from drafting.resume import Resume
from extraction.schema import JobData

Ranked = TypeVar("Ranked", Entry, Line)

# A reader expects these in time order, and a degree or certificate left out is a qualification lost.
_IN_PROFILE_ORDER = frozenset({"work", "education"})
_RECENT_JOBS_KEPT = 3


@dataclass(slots=True)
class Composition:
    """A finished CV. `changes` says what differs from the profile, `grounding` what was refused."""

    content: Resume
    changes: list[dict[str, Any]] = field(default_factory=list)
    grounding: list[dict[str, Any]] = field(default_factory=list)

    def note_change(self, kind: str, at: str, *, before: Any, after: Any) -> None:
        self.changes.append({"kind": kind, "field": at, "before": before, "after": after})


def compose_cv(
    facts: FactSheet, reply: CvReply, *, job: JobData, grounding: Grounding, length: Length
) -> Composition:
    """The CV as JSON Resume: every entry's facts are the profile's own; lines are the model's where they
    passed the check, else the profile's. Whatever is left out, reordered or rewritten is in `changes`."""
    return _CvComposer(facts, reply, Relevance.to(job), grounding, CV_LIMITS[length]).compose()


class _CvComposer:
    def __init__(
        self,
        facts: FactSheet,
        reply: CvReply,
        relevance: Relevance,
        grounding: Grounding,
        limits: CvLimits,
    ) -> None:
        self._facts = facts
        self._reply = reply
        self._relevance = relevance
        self._grounding = grounding
        self._limits = limits
        self._result = Composition(content=deepcopy(facts.resume))
        self._ranks: dict[str, int] = {}
        self._texts: dict[str, str] = {}

    def compose(self) -> Composition:
        self._read_selection()
        self._read_lines()
        self._write_summary()
        sections = dict.fromkeys(entry.section.key for entry in self._facts.entries)
        for key in sections:
            entries = self._facts.of(key)
            kept = self._arranged_skills(entries) if key == "skills" else self._arranged(key, entries)
            self._result.content[key] = [self._written(entry) for entry in kept]
        return self._result

    def _read_selection(self) -> None:
        known = self._facts.entry_by_id.keys() | self._facts.line_by_id.keys() | {PROFILE_SUMMARY}
        for fact_id in dict.fromkeys(self._reply.keep):
            if fact_id in known:
                self._ranks[fact_id] = len(self._ranks)
            else:
                self._refuse("keep", Refusal(Reason.UNKNOWN_SOURCE, (fact_id[:40],)))

    def _read_lines(self) -> None:
        for line in self._reply.lines:
            source, text = line.source, tidy(line.text)
            if source not in self._facts.line_by_id:
                self._refuse("lines", Refusal(Reason.UNKNOWN_SOURCE, (source[:40],)))
                continue
            original = self._facts.line_by_id[source].text
            if source in self._texts or text == " ".join(original.split()):
                continue
            refusal = self._grounding.check(text, self._grounding.line_scope(source))
            if refusal is None and len(text.split()) * 3 < len(original.split()):
                refusal = Refusal(Reason.TOO_DIFFERENT)
            if refusal:
                self._refuse(source, refusal)
            else:
                self._texts[source] = text
                self._result.note_change("rewritten", source, before=original, after=text)

    def _write_summary(self) -> None:
        text = tidy(self._reply.summary)
        if not text or text == self._facts.summary:
            return
        refusal = self._grounding.check(text, self._grounding.profile_scope())
        if refusal:
            self._refuse(PROFILE_SUMMARY, refusal)
            return
        self._result.content.setdefault("basics", {})["summary"] = text
        self._result.note_change("rewritten", PROFILE_SUMMARY, before=self._facts.summary, after=text)

    def _refuse(self, at: str, refusal: Refusal) -> None:
        row = note(at, refusal)
        if row not in self._result.grounding:
            self._result.grounding.append(row)

    def _arranged(self, key: str, entries: tuple[Entry, ...]) -> list[Entry]:
        """The section's entries that stay, in the order they are shown in."""
        recent = _most_recent(entries) if key == "work" else frozenset[str]()
        if key in self._limits.may_leave_out:
            kept = self._shortened(entries, recent)
            for entry in _missing(entries, kept):
                self._result.note_change("left_out", entry.id, before=entry.text, after=None)
        else:
            kept = list(entries)
        ordered = kept if key in _IN_PROFILE_ORDER else self._by_rank(kept)
        self._note_order(key, kept, ordered)
        return ordered

    def _arranged_skills(self, entries: tuple[Entry, ...]) -> list[Entry]:
        """All skills, those the posting asks for first; the model's order decides between equals."""
        ordered = sorted(
            entries, key=lambda entry: (-self._relevance.score(entry.data), self._rank(entry.id), entry.index)
        )
        self._note_order("skills", entries, ordered)
        return ordered

    def _written(self, entry: Entry) -> dict[str, Any]:
        data = deepcopy(entry.data)
        for line in entry.lines:
            if line.position < 0 and line.id in self._texts:
                data[entry.section.prose] = self._texts[line.id]
        if entry.highlights:
            data["highlights"] = [self._texts.get(line.id, line.text) for line in self._highlights(entry)]
        if entry.section.key == "skills" and len(data.get("keywords") or []) > 1:
            data["keywords"] = sorted(data["keywords"], key=lambda word: -self._relevance.score(word))
            if data["keywords"] != entry.data["keywords"]:
                self._result.note_change(
                    "reordered", entry.id, before=entry.data["keywords"], after=data["keywords"]
                )
        return data

    def _highlights(self, entry: Entry) -> list[Line]:
        kept = self._shortened(entry.highlights)
        for line in _missing(entry.highlights, kept):
            self._result.note_change("left_out", line.id, before=line.text, after=None)
        ordered = self._by_rank(kept)
        self._note_order(entry.id, kept, ordered)
        return ordered

    def _shortened(self, items: Sequence[Ranked], always_kept: frozenset[str] = frozenset()) -> list[Ranked]:
        """The items in their own order, without the least relevant of those the model did not list. If it
        listed none of them, it has not judged them, and all stay."""
        keep = {item.id for item in items if item.id in self._ranks}
        if not keep:
            return list(items)
        keep |= always_kept
        wanted = max(math.ceil(len(items) * self._limits.share_kept), self._limits.minimum_kept)
        rest = [item for item in items if item.id not in keep]
        rest.sort(key=lambda item: -self._relevance.score(item.text))
        keep |= {item.id for item in rest[: max(wanted - len(keep), 0)]}
        return [item for item in items if item.id in keep]

    def _by_rank(self, items: Iterable[Ranked]) -> list[Ranked]:
        return sorted(items, key=lambda item: self._rank(item.id))

    def _rank(self, fact_id: str) -> int:
        return self._ranks.get(fact_id, len(self._ranks))

    def _note_order(self, at: str, before: Sequence[Ranked], after: Sequence[Ranked]) -> None:
        old, new = [item.id for item in before], [item.id for item in after]
        if old != new:
            self._result.note_change("reordered", at, before=old, after=new)


def _missing(items: Sequence[Ranked], kept: Sequence[Ranked]) -> list[Ranked]:
    ids = {item.id for item in kept}
    return [item for item in items if item.id not in ids]


def _most_recent(entries: Sequence[Entry]) -> frozenset[str]:
    """Ids of the jobs that ended last; one without an end date is going on."""
    by_end = sorted(
        entries,
        key=lambda entry: (entry.data.get("endDate") or "9999", entry.data.get("startDate") or ""),
        reverse=True,
    )
    return frozenset(entry.id for entry in by_end[:_RECENT_JOBS_KEPT])
