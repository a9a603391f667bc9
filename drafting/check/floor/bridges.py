"""Sentences of motive, fit or wish: they claim nothing done, and nothing the profile does not have."""

from __future__ import annotations

from collections.abc import Callable

from drafting.check.evidence import Evidence, Said
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token, read
from drafting.check.years import years_of

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
