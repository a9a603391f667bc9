"""What code proves without a call: every word of a text is accounted for, and nothing that changes its
meaning was left out or turned round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

from drafting.check.evidence import Evidence, Said
from drafting.check.floor.extent import negations
from drafting.check.floor.names import abbreviates
from drafting.check.floor.numbers import durations_of, explained
from drafting.check.grammar import grammar_of
from drafting.check.lemmas import keys
from drafting.check.quantities import Quantity, quantities_of
from drafting.check.tokens import Text, Token, read
from drafting.check.years import years_of

_OF = frozenset(["of", "der", "des", "von", "de", "du", "d", "da", "do", "dos", "das", "ya", "za", "wa"])
_OBJECTS = frozenset(["me", "us", "mich", "mir", "uns", "myself"])


def is_proven(text: Text, evidence: Evidence, said: Said) -> bool:
    """Whether code vouches for a text that the floor let pass."""
    if said.place == "bridge":
        return _is_plain_wish(text, evidence)
    if said.place == "summary":
        return _summary_is_proven(text, evidence)
    if len(evidence.lines) > 1 and not _each_clause_has_its_line(text, evidence):
        return False
    return _clauses_rest_on(text, text.tokens, evidence.lines, evidence.headers, evidence)


def _each_clause_has_its_line(text: Text, evidence: Evidence) -> bool:
    """Of two facts in one sentence none borrows from the other: 6 buildings here, 85 flats there."""
    return all(
        any(_accounted(text, clause, (line, *evidence.headers), evidence) for line in evidence.lines)
        and any(_has_numbers_of(clause, line, text) for line in evidence.lines)
        for number in dict.fromkeys(token.clause for token in text.tokens)
        if (clause := text.clause(number))
    )


def _has_numbers_of(clause: Sequence[Token], line: Text, text: Text) -> bool:
    """Whether the line has all words and numbers of the clause."""
    indices = {token.index for token in clause}
    said = [one for one in quantities_of(text) if one.tokens & indices]
    values = {one.value for one in quantities_of(line)}
    words = [
        token for token in clause if token.is_content and not any(token.index in one.tokens for one in said)
    ]
    return all(one.value in values for one in said) and (
        not words or any(one.is_same_as(token) for token in words for one in line.content)
    )


def _is_plain_wish(text: Text, evidence: Evidence) -> bool:
    """Made of words of motive, of the posting's and of what the person is and can."""
    grammar = text.grammar
    return all(
        set(token.folded.split()) <= grammar.wish
        or token.keys & _wish_keys(text.language)
        or evidence.ground.posting_names(token)
        or any(one.is_same_as(token) for source in evidence.ground.standing for one in source.tokens)
        for token in text.content
    )


@lru_cache(maxsize=8)
def _wish_keys(language: str) -> frozenset[str]:
    return frozenset[str]().union(*(keys(word, language) for word in grammar_of(language).wish))


def _summary_is_proven(text: Text, evidence: Evidence) -> bool:
    """Each clause rests on one entry, or on what holds for the person throughout."""
    ground = evidence.ground
    for number in dict.fromkeys(token.clause for token in text.tokens):
        clause = text.clause(number)
        if _accounted(text, clause, ground.standing, evidence) and _is_plain_duration(text, clause, evidence):
            continue
        if not any(
            _clauses_rest_on(text, clause, ground.lines(entry), (ground.header(entry),), evidence)
            for entry in evidence.entries
        ):
            return False
    return True


def _is_plain_duration(text: Text, clause: Sequence[Token], evidence: Evidence) -> bool:
    """Whether a number of years is said of the occupation as such, not of one field among several."""
    indices = {token.index for token in clause}
    if not any(one.tokens & indices for one in durations_of(text, evidence)):
        return True
    ground = evidence.ground
    held = [read(str(entry.data.get("position") or ""), ground.language) for entry in evidence.entries]
    titles = [*held, read(ground.facts.label, ground.language)]
    taken = explained(text, evidence)
    return all(
        any(one.is_same_as(token) for title in titles for one in title.tokens)
        for token in clause
        if token.is_content and token.index not in taken
    )


def _clauses_rest_on(
    text: Text, tokens: Sequence[Token], lines: Sequence[Text], headers: Sequence[Text], evidence: Evidence
) -> bool:
    if not _accounted(text, tokens, (*lines, *headers), evidence):
        return False
    if _turns_round(text, tokens, (*lines, *headers), evidence):
        return False
    used = [line for line in lines if any(one.is_same_as(token) for token in tokens for one in line.content)]
    said = {token.index for token in tokens}
    if not _limits_are_the_same(text, said, (*lines, *headers)):
        return False
    if _shares_of_something(text, said) - _shares_of_something_in(lines):
        return False
    if sum(len(negations(line)) for line in used) != sum(one.index in said for one in negations(text)):
        return False
    of_headers = [
        token for token in tokens if not any(token.is_same_as(one) for s in lines for one in s.content)
    ]
    return all(_says_all_before(source, tokens, text) for source in lines) and all(
        _says_whole_title(source, of_headers) for source in headers
    )


def _limits_are_the_same(text: Text, indices: set[int], sources: Sequence[Text]) -> bool:
    given = {(one.value, one.limit) for source in sources for one in quantities_of(source)}
    values = {value for value, _ in given}
    return all(
        (one.value, one.limit) in given
        for one in quantities_of(text)
        if one.tokens <= indices and one.value in values
    )


def _shares_of_something(text: Text, indices: Iterable[int]) -> set[Fraction]:
    """The percentages that are told as a share of a thing: "40% of the services"."""
    within = set(indices)
    return {
        one.value
        for one in quantities_of(text)
        if one.unit == "percent" and one.tokens <= within and _is_share(one, text)
    }


def _shares_of_something_in(lines: Sequence[Text]) -> set[Fraction]:
    return {share for line in lines for share in _shares_of_something(line, range(len(line.tokens)))}


def _is_share(one: Quantity, text: Text) -> bool:
    following = text.tokens[max(one.tokens) + 1 : max(one.tokens) + 3]
    return any(token.folded in _OF for token in following)


def _turns_round(text: Text, tokens: Sequence[Token], sources: Sequence[Text], evidence: Evidence) -> bool:
    """Whether prepositions may make another fact of the same words: who did it, with or without what."""
    grammar = text.grammar
    is_passive = any(token.folded in grammar.passive for token in text.tokens)
    for token in tokens:
        following = text.tokens[token.index + 1].folded if token.index + 1 < len(text.tokens) else ""
        before = text.tokens[token.index - 1].folded if token.index else ""
        if token.folded in grammar.agents and is_passive:
            if following not in grammar.me:
                return True
        elif token.folded in _OBJECTS and before not in grammar.agents:
            return True
        elif token.folded in grammar.weighty and text.language == evidence.ground.language:
            in_source = any(token.folded == one.folded for source in sources for one in source.tokens)
            if not in_source and not _leads_to_duration(token, text, evidence):
                return True
    return False


def _leads_to_duration(token: Token, text: Text, evidence: Evidence) -> bool:
    following = token.index + 1
    taken = explained(text, evidence) | {year.token.index for year in years_of(text)}
    return following in taken


def _accounted(text: Text, tokens: Iterable[Token], sources: Sequence[Text], evidence: Evidence) -> bool:
    """Whether each word is one of the sources' in another form or another word for it, a number or date
    that was checked, or neutral. Of a header, names count as names only: "the school's" is not "Colegio
    San Martín"."""
    headers = set(evidence.headers)
    own = [one for source in sources if source not in headers for one in source.tokens]
    names = [one for source in sources if source in headers for one in source.tokens]
    taken = explained(text, evidence)
    same_language = text.language == evidence.ground.language
    for token in tokens:
        if not token.is_content or token.index in taken:
            continue
        exact = (
            {key for key in token.keys if key[0] != "~"} if token.rows and not same_language else token.keys
        )
        is_told = any(exact & one.keys or token.rows & one.rows for one in own)
        is_named = any(
            (exact & one.keys or token.rows & one.rows)
            and (token.text[0].isupper() or not one.text[0].isupper() or one.has_class("role"))
            for one in names
        )
        if not (is_told or is_named or abbreviates(token, evidence)):
            return False
    return True


def _says_whole_title(header: Text, tokens: Sequence[Token]) -> bool:
    """Employer, place and dates may be left out; a part of the title may not: "junior developer" does not
    prove "developer"."""
    title = [one for one in header.content if one.clause == 0]
    used = [any(one.is_same_as(token) for token in tokens) for one in title]
    return all(used) or not any(used)


def _says_all_before(source: Text, tokens: Sequence[Token], text: Text) -> bool:
    """Whether the text leaves out no word and no number of the source before the last one it uses ("reported
    to the head of finance" does not prove "head of finance"), nor what narrows the fact after it ("during
    the campaign")."""
    indices = {token.index for token in tokens}
    values = {one.value for one in quantities_of(text) if one.tokens & indices}
    numbers = {index: one.value for one in quantities_of(source) for index in one.tokens}
    told = [one for one in source.tokens if one.is_content or one.index in numbers]
    used = [
        number
        for number, one in enumerate(told)
        if (numbers[one.index] in values if one.index in numbers else any(one.is_same_as(t) for t in tokens))
    ]
    if not any(not told[number].is_number for number in used):
        return True
    clause = told[used[0]].clause
    start = 0 if clause == told[0].clause else next(n for n, one in enumerate(told) if one.clause == clause)
    if len({number for number in used if number >= start}) != used[-1] - start + 1:
        return False
    rest = source.tokens[told[used[-1]].index + 1 :]
    return used[-1] == len(told) - 1 or not any(one.folded in source.grammar.narrowing for one in rest)
