"""The proof a text carries: its quotes must stand in the lines it names, and cover its numbers and names."""

from __future__ import annotations

from drafting.check.evidence import Claim, Evidence, Said
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, read


def false_quote(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a rewritten line or an evidence sentence whose quotes are missing or not in its
    sources."""
    if said.place not in ("line", "evidence"):
        return None
    if not said.claims:
        return Refusal(Reason.QUOTE)
    standing = [_plain(one.raw) for one in evidence.all]
    for claim in said.claims:
        if not _plain(claim.quote) or not any(_plain(claim.quote) in source for source in standing):
            return Refusal(Reason.QUOTE, (claim.quote[:60],))
    uncovered = _uncovered_numbers(text, said.claims)
    return Refusal(Reason.QUOTE, uncovered) if uncovered else None


def _uncovered_numbers(text: Text, claims: tuple[Claim, ...]) -> tuple[str, ...]:
    claimed = [
        quantity.said for claim in claims for quantity in quantities_of(read(claim.words, text.language))
    ]
    return tuple(quantity.said for quantity in quantities_of(text) if quantity.said not in claimed)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .\"'\u201c\u201d\u2026")
