"""A text says no more than its source: no clause of its own, no fact of another entry, no words beyond; no
rank, credential, award, responsibility, effect or field of work that the source does not name. Nor does it
turn a fact round: by negation, the other direction, help told as the deed, a plan told as its result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from drafting.check.evidence import Evidence, Said
from drafting.check.floor.numbers import explained
from drafting.check.meanings import PROTECTED, classes
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token

# Words that a faithful rewording may have beyond those of its lines.
_SLACK = 1
_SLACK_IN_TRANSLATION = 2
_OF_ANOTHER = 2
# Here another word of the same class will do: "headed" for "led".
_ANY_OF_CLASS = frozenset({"lead"})


def more_than_said(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a text that holds more than its lines do, as far as that can be counted."""
    if said.place == "bridge":
        return None
    # Numbers that follow from others have passed their own rule.
    counted = {index for quantity in quantities_of(text) for index in quantity.tokens}
    ours = explained(text, evidence) | counted
    # Skills and languages hold for the person, but tell nothing of what was done in one job.
    stands = evidence.has if said.place == "summary" else evidence.near_has
    rest = [token for token in text.content if token.index not in ours and not stands(token)]
    if moved := _from_elsewhere(rest, evidence, said):
        return Refusal(Reason.OTHER_ENTRY, moved)
    if planted := _only_in_posting(rest, text, evidence):
        return Refusal(Reason.POSTING, planted)
    if added := _clause_of_its_own(text, rest, ours, evidence):
        return Refusal(Reason.EXTRA, added)
    return _beyond(text, rest, evidence, said)


def _from_elsewhere(rest: Sequence[Token], evidence: Evidence, said: Said) -> tuple[str, ...]:
    """Words of an entry that the text does not name: an employer or tool, or two words of one line."""
    if said.place == "summary":
        return ()
    ground = evidence.ground
    if tools := [token for token in rest if not token.rows and token.keys & ground.skill_keys]:
        return tuple(token.text for token in tools)
    named = {entry.id for entry in evidence.entries}
    for entry in ground.facts.entries:
        if entry.id in named:
            continue
        header = ground.header(entry)
        if names := [token for token in rest if _is_proper(token) and _in(token, header)]:
            return tuple(token.text for token in names)
    others = [
        line for entry in ground.facts.entries for line in ground.lines(entry) if line not in evidence.lines
    ]
    for line in others:
        shared = [token for token in rest if _in(token, line)]
        if len(shared) >= _OF_ANOTHER or any(token.keys & ground.skill_keys for token in shared):
            return tuple(token.text for token in shared)
    return ()


def _is_proper(token: Token) -> bool:
    return not token.rows and (token.text[0].isupper() or any(char.isdigit() for char in token.text))


def _in(token: Token, source: Text) -> bool:
    return any(one.keys & token.keys for one in source.content)


def _only_in_posting(rest: Sequence[Token], text: Text, evidence: Evidence) -> tuple[str, ...]:
    """Words of the posting that the whole profile lacks: keywords, and instructions planted there."""
    posting = {key for token in evidence.ground.posting.content for key in token.keys if key[0] != "~"}
    whole = {key for token in evidence.ground.whole.tokens for key in token.keys}
    return tuple(
        token.text
        for token in rest
        if token.keys & posting
        and not token.keys & whole
        and not token.is_only("deed", "thing", "up", "down", "help")
    )


def _clause_of_its_own(
    text: Text, rest: Sequence[Token], ours: frozenset[int], evidence: Evidence
) -> tuple[str, ...]:
    """The words of a clause in which nothing is the source's. In a translation only the words that are known
    in both languages can tell."""
    strange = {token.index for token in rest}
    for number in dict.fromkeys(token.clause for token in text.tokens):
        clause = text.clause(number)
        words = [token for token in clause if token.is_content]
        if any(token.index in ours or (token.is_content and token.index not in strange) for token in clause):
            continue
        telling = words if text.language == evidence.ground.language else [t for t in words if t.rows]
        if len(telling) >= 2:
            return tuple(token.text for token in telling)
    return ()


def _beyond(text: Text, rest: Sequence[Token], evidence: Evidence, said: Said) -> Refusal | None:
    """More words that the source lacks than the source has words left to say."""
    if said.place == "summary":
        return None
    if not rest:
        return None
    is_translation = text.language != evidence.ground.language
    unsaid = sum(
        not any(token.is_same_as(one) for token in text.tokens)
        for line in evidence.touched(text.content)
        for one in line.content
    )
    slack = _SLACK_IN_TRANSLATION if is_translation else _SLACK
    added = [token for token in rest if _is_joined(token, text)]
    lines = evidence.touched(text.content)
    more_joins = _joins(text) > sum(_joins(line) for line in lines) + len(lines) - 1
    if len(rest) > unsaid + slack or len(added) > unsaid or (added and more_joins):
        return Refusal(Reason.EXTRA, tuple(token.text for token in added or rest))
    return None


def _joins(text: Text) -> int:
    return sum(token.folded in text.grammar.joins for token in text.tokens)


def _is_joined(token: Token, text: Text) -> bool:
    """Whether the word is the first of what "and" adds."""
    for before in reversed(text.tokens[max(token.index - 3, 0) : token.index]):
        if before.folded in text.grammar.joins:
            return True
        if not before.is_neutral:
            return False
    return False


def unnamed_claim(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of such a word that the sources have neither as it stands nor in another word for it."""
    if said.place == "bridge":
        return None
    ours = explained(text, evidence)
    for token in text.tokens:
        if (
            token.is_content
            and token.index not in ours
            and token.is_only(*PROTECTED)
            and not _is_named(token, evidence)
        ):
            reason = PROTECTED[next(classes()[row] for row in sorted(token.rows))]
            return Refusal(reason, (token.text,))
    return None


def _is_named(token: Token, evidence: Evidence) -> bool:
    if evidence.has(token):
        return True
    named = {classes()[row] for row in token.rows} & _ANY_OF_CLASS
    return bool(named & evidence.classes)


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
