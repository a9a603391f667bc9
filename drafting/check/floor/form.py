"""The form of a text: no placeholders, links, talk to the user or other language, whoever wrote it; quotes
that stand in the lines it names, and cover its numbers; and sentences of motive, fit or wish, which claim
nothing done, and nothing the profile does not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from drafting.check.evidence import Claim, Evidence, Said
from drafting.check.grammar import grammar_of
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token, read
from drafting.check.years import years_of
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


_POSSESSED = ("credential", "award", "super", "role", "lead", "field", "outcome", "big")
_BOASTS = ("award", "super")


def past_or_boast(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a bridge that speaks of the past, counts, names a place of work, or says "my" of what
    only the posting asks for."""
    if said.place != "bridge":
        return None
    plain = text.grammar.wish_past.sub(" ", text.raw)
    if past := text.grammar.past.search(plain):
        return Refusal(Reason.PAST, (past.group().strip(),))
    for reason, finds in _RULES:
        if words := finds(text, evidence):
            return Refusal(reason, words)
    return _unowned(text, evidence)


def _boasts(text: Text, evidence: Evidence) -> tuple[str, ...]:
    return tuple(t.text for t in text.content if _is_boast(t, text) and not _is_known(t, evidence))


def _presented_as(text: Text, evidence: Evidence) -> tuple[str, ...]:
    """An occupation the person is said to have: "as a master I would …"; "as your manager" is a wish."""
    return tuple(
        token.text
        for token in text.content
        if token.is_only("role")
        and not any(one.is_same_as(token) for one in evidence.ground.whole.tokens)
        and any(
            one.folded in text.grammar.presenting
            for one in text.tokens[max(token.index - 2, 0) : token.index]
        )
        and not any(
            text.grammar.yours.search(one.text) for one in text.tokens[max(token.index - 2, 0) : token.index]
        )
    )


def _numbers(text: Text, evidence: Evidence) -> tuple[str, ...]:
    asked = {(one.value, one.unit) for one in quantities_of(evidence.ground.posting)}
    years = tuple(year.token.text for year in years_of(text))
    return years + tuple(one.said for one in quantities_of(text) if (one.value, one.unit) not in asked)


def _own_employer(text: Text, evidence: Evidence) -> tuple[str, ...]:
    ground = evidence.ground
    headers = [
        ground.header(entry) for entry in ground.facts.entries if entry.section.key in ("work", "volunteer")
    ]
    return tuple(
        token.text
        for token in text.content
        if token.text[0].isupper()
        and not token.is_initial
        and not token.rows
        and not ground.posting_names(token)
        and any(token.folded == one.folded for header in headers for one in header.content)
    )


def _is_boast(token: Token, text: Text) -> bool:
    return token.is_only(*_BOASTS) and token.folded not in text.grammar.wish


def _is_known(token: Token, evidence: Evidence) -> bool:
    ground = evidence.ground
    return ground.posting_names(token) or any(one.is_same_as(token) for one in ground.whole.tokens)


def _unowned(text: Text, evidence: Evidence) -> Refusal | None:
    """Skills, ranks and credentials between "my" and "your" that the profile does not have."""
    ours = text.grammar.own.search(text.raw)
    if not ours:
        return None
    theirs = text.grammar.yours.search(text.raw, ours.end())
    owned = text.raw[ours.start() : theirs.start() if theirs else len(text.raw)]
    words = set(owned.casefold().replace(",", " ").replace(".", " ").split())
    job = evidence.ground.job
    theirs_by_name = read(
        " ".join(filter(None, (job.hiring_organization, job.title, job.job_location))), text.language
    )
    strange = [
        token
        for token in text.content
        if not any(one.keys & token.keys for one in theirs_by_name.tokens)
        and (token.folded in words or set(token.folded.split()) <= words)
        and token.folded not in text.grammar.wish
        and not any(one.is_same_as(token) for one in evidence.ground.whole.tokens)
        and (evidence.ground.posting_names(token) or token.is_only(*_POSSESSED))
    ]
    return Refusal(Reason.POSTING, tuple(token.text for token in strange)) if strange else None


_RULES: tuple[tuple[Reason, Callable[[Text, Evidence], tuple[str, ...]]], ...] = (
    (Reason.NUMBER, _numbers),
    (Reason.PAST, _own_employer),
    (Reason.SUPERLATIVE, _boasts),
    (Reason.RANK, _presented_as),
)
