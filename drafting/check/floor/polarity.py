"""What turns a fact round: negation, the other direction, help told as the deed, a plan told as its
result."""

from __future__ import annotations

import re

from drafting.check.evidence import Evidence, Said
from drafting.check.meanings import classes
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token

_NOT_ONLY = re.compile(
    r"\bnot (?:only|just)\b|\bnicht nur\b|\b(?:non|pas) seulement\b|\bno s[oó]lo\b|\bnão só\b|\bsi tu\b",
    re.IGNORECASE,
)
# Where in a line a word of helping makes the whole line help: its verb.
_OPENING = 2
# Words that a clause of a summary must share with a line to be about it.
_TELLING = 3


def turned_round(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a text that says of a line that it names the opposite, or more than its share in it."""
    if said.place == "bridge":
        return None
    return (
        _wrong_direction(text, evidence)
        or _negation(text, evidence, said)
        or (_dropped_hedge(text, evidence) if said.place != "summary" else _summary_hedge(text, evidence))
    )


def _wrong_direction(text: Text, evidence: Evidence) -> Refusal | None:
    known = evidence.classes & {"up", "down"} | _changes(evidence)
    for token in text.content:
        if token.is_only("up", "down") and not (token.keys & evidence.keys):
            said = {classes()[row] for row in token.rows}
            if not said & known:
                return Refusal(Reason.DIRECTION, (token.text,))
    return None


def _changes(evidence: Evidence) -> set[str]:
    """Which way the numbers of a line went: from 6 hours to 35 minutes says both, for only the values
    count."""
    found: set[str] = set()
    for line in evidence.lines:
        starts = [one for one in quantities_of(line) if one.role == "from"]
        ends = [one for one in quantities_of(line) if one.role == "to"]
        for start in starts:
            for end in ends:
                if start.unit and end.unit and start.unit != end.unit:
                    found |= {"up", "down"}
                elif start.value != end.value:
                    found.add("down" if end.value < start.value else "up")
    return found


def _negation(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    ours = negations(text)
    lines = evidence.touched(text.content)
    theirs = [token for line in lines for token in negations(line)]
    # "Stopped before launch" may be told as "never launched".
    is_undone = bool({"plan", "fail"} & evidence.classes)
    if ours and not theirs and not is_undone and not any(negations(header) for header in evidence.headers):
        return Refusal(Reason.POLARITY, (ours[0].text,))
    if (
        theirs
        and not ours
        and said.place != "summary"
        and all(_denies_what_is_told(line, text) for line in lines)
    ):
        return Refusal(Reason.POLARITY, (theirs[0].text,))
    return None


def _denies_what_is_told(line: Text, text: Text) -> bool:
    """Whether the clause of the line that has a negation is the one the text tells, by more than half."""
    for token in negations(line):
        words = [one for one in line.clause(token.clause) if one.is_content and one.index != token.index]
        told = sum(any(one.is_same_as(other) for other in text.content) for one in words)
        if told * 2 > len(words) or not words:
            return True
    return False


def negations(text: Text) -> tuple[Token, ...]:
    """The words that negate, and those that say something failed."""
    only = {match.group().split()[0].casefold() for match in _NOT_ONLY.finditer(text.raw)}
    swahili = text.language == "sw"
    return tuple(
        token
        for token in text.tokens
        if (set(token.folded.split()) & text.grammar.negations and token.folded not in only)
        or token.has_class("fail")
        or (swahili and re.fullmatch(r"(?:si|ha(?:tu|wa|i|zi|ku|m|u)?)(?:ku|ta|ja)\w{3,}", token.folded))
    )


def _dropped_hedge(text: Text, evidence: Evidence) -> Refusal | None:
    ours = {classes()[row] for token in text.tokens for row in token.rows}
    for line in evidence.touched(text.content):
        if is_help(line) and "help" not in ours:
            return Refusal(Reason.PART, (line.content[0].text,))
        if is_plan(line) and not ours & {"plan", "fail"} and not negations(text):
            return Refusal(Reason.PLAN)
    return None


def _summary_hedge(text: Text, evidence: Evidence) -> Refusal | None:
    """In a summary each clause is held to the lines that it shares most with."""
    ours = {classes()[row] for token in text.tokens for row in token.rows}
    for number in {token.clause for token in text.tokens}:
        words = [token for token in text.clause(number) if token.is_content]
        shared = [
            (sum(any(one.is_same_as(w) for one in line.content) for w in words), line)
            for line in evidence.lines
        ]
        most = max((count for count, _ in shared), default=0)
        if most < _TELLING:
            continue
        best = [line for count, line in shared if count == most]
        if all(is_help(line) for line in best) and "help" not in ours:
            return Refusal(Reason.PART)
        if all(is_plan(line) for line in best) and not ours & {"plan", "fail"} and not negations(text):
            return Refusal(Reason.PLAN)
    return None


def is_help(line: Text) -> bool:
    """Whether the line says that somebody helped or took part."""
    return any(token.is_only("help") for token in line.content[:_OPENING])


def is_plan(line: Text) -> bool:
    """Whether the line tells of a plan, a target, or something that stopped."""
    return any(
        token.has_class("plan") for token in line.content if not token.has_class("thing", "deed", "field")
    )
