"""From a model's selection and checked wording to a CV: code copies the facts, and proven prose replaces
prose."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drafting.check.judge import Verdict
from drafting.check.reasons import Reason, Refusal, note
from drafting.checking import Checked
from drafting.facts import PROFILE_SUMMARY, Entry, FactSheet, Line, Relevance, readable_language
from drafting.letter_body import proof_row
from drafting.options import CV_LIMITS, CvLimits, DraftOptions
from drafting.replies import CvReply
from drafting.resume import Resume
from extraction.schema import JobData

Ranked = TypeVar("Ranked", Entry, Line)

# A reader expects these in time order, and a degree or certificate left out is a qualification lost.
_IN_PROFILE_ORDER = frozenset({"work", "education"})
_RECENT_JOBS_KEPT = 3


@dataclass(slots=True)
class Composition:
    """A finished CV. `changes` says what differs from the profile, `grounding` what was refused, `proofs`
    what vouches for each text that is not the profile's."""

    content: Resume
    changes: list[dict[str, Any]] = field(default_factory=list)
    grounding: list[dict[str, Any]] = field(default_factory=list)
    proofs: list[dict[str, Any]] = field(default_factory=list)

    def note_change(self, kind: str, at: str, *, before: Any, after: Any) -> None:
        self.changes.append({"kind": kind, "field": at, "before": before, "after": after})


def compose_cv(
    facts: FactSheet, reply: CvReply, checked: Checked, *, job: JobData, options: DraftOptions
) -> Composition:
    """The CV as JSON Resume: every entry's facts are the profile's own; lines are the model's where they have
    a proof, else the profile's. Whatever is left out, reordered or rewritten is in `changes`. `checked` has a
    verdict for the summary and for each line, by the id of its fact."""
    relevance = Relevance.to(job, readable_language(facts.text))
    return _CvComposer(facts, reply, checked, relevance, options).compose()


class _CvComposer:
    def __init__(
        self,
        facts: FactSheet,
        reply: CvReply,
        checked: Checked,
        relevance: Relevance,
        options: DraftOptions,
    ) -> None:
        self._facts = facts
        self._reply = reply
        self._checked = checked
        self._relevance = relevance
        self._options = options
        self._limits: CvLimits = CV_LIMITS[options.length]
        self._result = Composition(content=deepcopy(facts.resume), grounding=list(checked.notes))
        self._ranks: dict[str, int] = {}
        self._texts: dict[str, str] = {}

    def compose(self) -> Composition:
        self._read_selection()
        self._read_lines()
        self._write_summary()
        self._write_label()
        sections = dict.fromkeys(entry.section.key for entry in self._facts.entries)
        for key in sections:
            entries = tuple(entry for entry in self._facts.of(key) if not self._is_hidden(entry.id))
            for entry in _missing(self._facts.of(key), entries):
                self._result.note_change("left_out", entry.id, before=entry.text, after=None)
            kept = self._arranged_skills(entries) if key == "skills" else self._arranged(key, entries)
            self._result.content[key] = [self._written(entry) for entry in kept]
        return self._result

    def _is_hidden(self, fact_id: str) -> bool:
        return fact_id in self._options.hidden

    def _read_selection(self) -> None:
        known = self._facts.entry_by_id.keys() | self._facts.line_by_id.keys() | {PROFILE_SUMMARY}
        for fact_id in dict.fromkeys([*self._options.pinned, *self._reply.keep]):
            if fact_id in known:
                self._ranks[fact_id] = len(self._ranks)
            else:
                self._refuse("keep", Refusal(Reason.UNKNOWN_SOURCE, (fact_id[:40],)))

    def _read_lines(self) -> None:
        for line in self._reply.lines:
            if line.source not in self._facts.line_by_id:
                self._refuse("lines", Refusal(Reason.UNKNOWN_SOURCE, (line.source[:40],)))
                continue
            verdict = self._checked.proven(line.source)
            if verdict is None or line.source in self._texts:
                continue
            original = self._facts.line_by_id[line.source].text
            if is_too_short(verdict.said.text, original):
                self._refuse(line.source, Refusal(Reason.TOO_SHORT))
                continue
            self._texts[line.source] = verdict.said.text
            self._note_rewritten(line.source, original, verdict)

    def _note_rewritten(self, at: str, before: str, verdict: Verdict) -> None:
        text = verdict.said.text
        self._result.note_change("rewritten", at, before=before, after=text)
        sources = verdict.said.sources or (at,)
        self._result.proofs.append(proof_row(at, text, str(verdict.proof), sources))

    def _write_summary(self) -> None:
        if verdict := self._checked.proven(PROFILE_SUMMARY):
            self._result.content.setdefault("basics", {})["summary"] = verdict.said.text
            self._note_rewritten(PROFILE_SUMMARY, self._facts.summary, verdict)

    def _write_label(self) -> None:
        """Under the name stands what the person has called themselves or has been, whichever the posting's
        title asks for most; the label stays where nothing else fits better."""
        held = [
            self._facts.label,
            *(str(entry.data.get("position") or "") for entry in self._facts.of("work")),
        ]
        titles = [" ".join(title.split()) for title in held if title.strip()]
        best = max(titles, key=self._relevance.score, default="")
        if (
            best
            and best != self._facts.label
            and self._relevance.score(best) > self._relevance.score(self._facts.label)
        ):
            self._result.content.setdefault("basics", {})["label"] = best
            self._result.note_change("rewritten", "basics.label", before=self._facts.label, after=best)

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
        if entry.section.prose and self._is_hidden(f"{entry.id}.s"):
            data.pop(entry.section.prose, None)
        if entry.section.key == "skills" and len(data.get("keywords") or []) > 1:
            data["keywords"] = sorted(data["keywords"], key=lambda word: -self._relevance.score(word))
            if data["keywords"] != entry.data["keywords"]:
                self._result.note_change(
                    "reordered", entry.id, before=entry.data["keywords"], after=data["keywords"]
                )
        return data

    def _highlights(self, entry: Entry) -> list[Line]:
        shown = [line for line in entry.highlights if not self._is_hidden(line.id)]
        kept = self._shortened(shown)
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


def is_too_short(text: str, original: str) -> bool:
    """Whether a rewritten line leaves out most of what it rewrites."""
    return len(text.split()) * 3 < len(original.split())


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
