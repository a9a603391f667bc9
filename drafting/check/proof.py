"""What code proves without a call: every word of a text is accounted for, and nothing that changes its
meaning was left out or turned round."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from drafting.check.evidence import Evidence, Said
from drafting.check.explained import explained
from drafting.check.floor.names import abbreviates
from drafting.check.floor.polarity import negations
from drafting.check.grammar import grammar_of
from drafting.check.lemmas import keys
from drafting.check.quantities import years_of
from drafting.check.tokens import Text, Token

_OBJECTS = frozenset(["me", "us", "mich", "mir", "uns", "myself"])


def is_proven(text: Text, evidence: Evidence, said: Said) -> bool:
    """Whether code vouches for a text that the floor let pass."""
    if said.place == "bridge":
        return _is_plain_wish(text, evidence)
    if said.place == "summary":
        return _summary_is_proven(text, evidence)
    return _clauses_rest_on(text, text.tokens, evidence.lines, evidence.headers, evidence)


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
        if _accounted(text, clause, ground.standing, evidence):
            continue
        if not any(
            _clauses_rest_on(text, clause, ground.lines(entry), (ground.header(entry),), evidence)
            for entry in evidence.entries
        ):
            return False
    return True


def _clauses_rest_on(
    text: Text, tokens: Sequence[Token], lines: Sequence[Text], headers: Sequence[Text], evidence: Evidence
) -> bool:
    if not _accounted(text, tokens, (*lines, *headers), evidence):
        return False
    if _turns_round(text, tokens, (*lines, *headers), evidence):
        return False
    used = [line for line in lines if any(one.is_same_as(token) for token in tokens for one in line.content)]
    said = {token.index for token in tokens}
    if sum(len(negations(line)) for line in used) != sum(one.index in said for one in negations(text)):
        return False
    of_headers = [
        token for token in tokens if not any(token.is_same_as(one) for s in lines for one in s.content)
    ]
    return all(_says_all_before(source, tokens) for source in lines) and all(
        _says_whole_title(source, of_headers) for source in headers
    )


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
    known_keys = frozenset[str]().union(*(t.keys for s in sources for t in s.tokens))
    known_rows = frozenset[int]().union(*(t.rows for s in sources for t in s.tokens))
    taken = explained(text, evidence)
    same_language = text.language == evidence.ground.language
    for token in tokens:
        if not token.is_content or token.index in taken:
            continue
        exact = (
            {key for key in token.keys if key[0] != "~"} if token.rows and not same_language else token.keys
        )
        if not (exact & known_keys or token.rows & known_rows or abbreviates(token, evidence)):
            return False
    return True


def _says_whole_title(header: Text, tokens: Sequence[Token]) -> bool:
    """Employer, place and dates may be left out; a part of the title may not: "junior developer" does not
    prove "developer"."""
    title = [one for one in header.content if one.clause == 0]
    used = [any(one.is_same_as(token) for token in tokens) for one in title]
    return all(used) or not any(used)


def _says_all_before(source: Text, tokens: Sequence[Token]) -> bool:
    """Whether the text leaves out no word of the source before the last one it uses: "reported to the head of
    finance" does not prove "head of finance"."""
    content = source.content
    used = [number for number, one in enumerate(content) if any(one.is_same_as(token) for token in tokens)]
    if not used:
        return True
    first = next((n for n, one in enumerate(content) if one.clause == content[used[0]].clause), 0)
    start = 0 if content[used[0]].clause == content[0].clause else first
    return len({number for number in used if number >= start}) == used[-1] - start + 1
