"""The form of a text: no placeholders, links, talk to the user or other language, whoever wrote it; and
quotes that stand in the lines it names, and cover its numbers."""

from __future__ import annotations

import re

from drafting.check.evidence import Claim, Evidence, Said
from drafting.check.grammar import grammar_of
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, read
from drafting.language import DEFAULT, detect

_PLACEHOLDER = re.compile(
    r"\[[^\[\]]{1,80}\]|\{[^{}]{1,80}\}|<[^<>\s][^<>]{0,79}>|_{3,}|\bX{3,}\b|\blorem ipsum\b"
    r"|\bbasics\.summary\b|\b(?:work|volunteer|education|project|certificate|skill|award|publication)-\d+\b"
    r"|\b(?:your|company|employer|candidate|job)[ _](?:name|title)\b|\bj(?:ohn|ane) doe\b|…{2,}|\.{4,}"
    r"|\b(?:insert|fill in|add)\b[^.]{0,30}\bhere\b|\bTBD\b|\bN/A\b",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"\w+://|\bwww\.|\S+@\S+\.\S"
    r"|\b[\w-]+\.(?:com|org|net|io|dev|example|info|biz|app|co|me|ai|[a-z]{2})\b(?:/\S*)?",
    re.IGNORECASE,
)
_REPETITIVE_FROM = 8
# With fewer words a detector guesses.
_DETECTED_FROM = 6
_SURE = 0.85


def bad_form(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a text that is empty, a placeholder, an address, addressed to the user, a repetition,
    the heading of an entry, or in another language than `text.language`."""
    reasons = (
        (Reason.EMPTY, not text.tokens),
        (Reason.PLACEHOLDER, bool(_PLACEHOLDER.search(text.raw))),
        (Reason.LINK, _has_link(text.raw, evidence)),
        (Reason.META, _speaks_to_user(text)),
        (Reason.REPETITION, _is_repetitive(text)),
        (Reason.HEADING, said.place != "summary" and _is_heading(text, evidence)),
        (Reason.WRONG_LANGUAGE, _is_in_another_language(text, evidence)),
    )
    return next((Refusal(reason) for reason, holds in reasons if holds), None)


def _has_link(raw: str, evidence: Evidence) -> bool:
    # What looks like an address may be a tool or a name of the profile: Node.js, booking.com.
    known = evidence.ground.facts.text.casefold()
    return any(match.group().casefold() not in known for match in _LINK.finditer(raw))


def _speaks_to_user(text: Text) -> bool:
    # Models speak English to their users whatever they were asked to write in.
    return any(grammar_of(code).meta.search(text.raw) for code in (text.language, DEFAULT))


def _is_repetitive(text: Text) -> bool:
    words = [token.folded for token in text.tokens]
    return len(words) >= _REPETITIVE_FROM and len(set(words)) * 2 < len(words)


def _is_heading(text: Text, evidence: Evidence) -> bool:
    return bool(text.tokens) and any(text.padded == header.padded for header in evidence.headers)


def _is_in_another_language(text: Text, evidence: Evidence) -> bool:
    return detect(_without_names(text, evidence), sure=_SURE) not in (None, text.language)


def _without_names(text: Text, evidence: Evidence) -> str:
    """The words that are no names: "At Kod för alla" makes no sentence Swedish."""
    headers = {token.folded for header in evidence.headers for token in header.tokens}
    words = [token.text for token in text.tokens if token.folded not in headers]
    return " ".join(words) if len(words) >= _DETECTED_FROM else ""


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
