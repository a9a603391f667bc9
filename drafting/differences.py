"""What a draft says otherwise than another one, or than the profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drafting.comparing import Compared, Difference, compare
from drafting.editing import parts_of
from drafting.errors import NotComparable, SourceNotFound
from drafting.facts import FactSheet, read_facts
from drafting.models import Draft, Kind
from drafting.own_texts import body_rows
from drafting.resume import normalised_resume


def differences(draft: Draft, other: Draft) -> list[Compared]:
    """From the other draft to this one. Raises NotComparable for a CV and a letter."""
    if draft.kind != other.kind:
        raise NotComparable
    if draft.kind == Kind.CV:
        return _different(compare(other.content, draft.content))
    return _different(compare(parts_of(other.content), parts_of(draft.content)))


def differences_from_profile(draft: Draft) -> list[Compared]:
    """From the profile to this draft. A letter's sentences each stand beside the lines of the profile they
    rest on; what a letter leaves out is no difference. Raises SourceNotFound when the profile is not kept."""
    if draft.profile is None:
        raise SourceNotFound(details={"field": "against"})
    resume = normalised_resume(draft.profile.resume).resume
    if draft.kind == Kind.CV:
        return _different(compare(resume, draft.content))
    return list(_from_facts(draft, read_facts(resume)))


def _different(compared: list[Compared]) -> list[Compared]:
    return [one for one in compared if one.kind is not Difference.SAME]


def _from_facts(draft: Draft, facts: FactSheet) -> Iterator[Compared]:
    for row in body_rows(draft.proofs):
        told = [(path, text) for path, text in (_told(facts, one) for one in row["sources"]) if text]
        if not told:
            yield Compared(Difference.ADDED, row["field"], None, after=row["text"])
        for path, text in told:
            yield Compared(Difference.CHANGED, row["field"], path, text, row["text"])


def _told(facts: FactSheet, fact_id: str) -> tuple[str, Any]:
    """Path and text of a fact in the profile."""
    line = facts.line_by_id.get(fact_id)
    entry = facts.entry_by_id.get(line.entry_id if line else fact_id)
    if entry is None:
        return "", ""
    at = f"{entry.section.key}/{entry.index}"
    if line is None:
        return at, entry.title
    return (
        f"{at}/highlights/{line.position}" if line.position >= 0 else f"{at}/{entry.section.prose}",
        line.text,
    )
