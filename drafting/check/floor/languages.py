"""Languages a person speaks, and how well: both are the profile's."""

from __future__ import annotations

from functools import cache

from babel import Locale

from drafting.check.evidence import Evidence, Said
from drafting.check.grammar import codes, grammar_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token, read

_NEAR = 4


def wrong_language_claim(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a language that the profile does not list, or lists with another level."""
    spoken = _spoken(evidence)
    mentions = [
        (token, code) for token in text.tokens if (code := language_code(token.folded, text.language))
    ]
    if said.place == "bridge":
        mentions = [mention for mention in mentions if not evidence.ground.posting_names(mention[0])]
    for token, code in mentions:
        if code not in spoken:
            if evidence.near_has(token):
                continue
            return Refusal(Reason.LANGUAGE, (token.text,))
        level = _level_near(token, text)
        if level and spoken[code] and level[1] != spoken[code]:
            return Refusal(Reason.LEVEL, (token.text, level[0].text))
    if not mentions and (claimed := _bare_level(text)) and not evidence.has(claimed):
        return Refusal(Reason.LEVEL, (claimed.text,))
    return None


def _bare_level(text: Text) -> Token | None:
    """A word such as "bilingual" that claims a language without naming it."""
    telling = frozenset(
        ["bilingual", "trilingual", "bilingue", "trilingue", "bilingüe", "zweisprachig", "muttersprachler"]
    )
    return next((token for token in text.tokens if token.folded in telling), None)


def _spoken(evidence: Evidence) -> dict[str, int]:
    """Level (0 when unknown) by code of each language of the profile."""
    found: dict[str, int] = {}
    for entry in evidence.ground.facts.of("languages"):
        named = read(str(entry.data.get("language") or ""), evidence.ground.language)
        level = read(str(entry.data.get("fluency") or ""), evidence.ground.language)
        codes_named = [code for token in named.tokens if (code := language_code(token.folded))]
        levels = [rank for token in level.tokens if (rank := _rank(token.folded))]
        found |= dict.fromkeys(codes_named, max(levels, default=0))
    return found


def _level_near(mention: Token, text: Text) -> tuple[Token, int] | None:
    """The level word that stands nearest to the language, within its clause if one does."""
    candidates = [
        (abs(token.index - mention.index) + (_NEAR if token.clause != mention.clause else 0), token, rank)
        for token in text.tokens
        if (rank := _rank(token.folded))
        and abs(token.index - mention.index) <= _NEAR
        and not _another_between(token, mention, text)
    ]
    if not candidates:
        return None
    _, token, rank = min(candidates, key=lambda one: one[0])
    return token, rank


def _another_between(level: Token, mention: Token, text: Text) -> bool:
    """Whether the level belongs to another language: "fluent in French, and German"; but "French and English,
    both advanced" is said of both."""
    first, last = sorted((level.index, mention.index))
    between = text.tokens[first + 1 : last]
    is_shared = all(
        (token.is_neutral and not token.mark_before) or language_code(token.folded, text.language)
        for token in between
    )
    return not is_shared and any(language_code(token.folded, text.language) for token in between)


def _rank(word: str) -> int:
    return _ranks().get(word, 0)


@cache
def _ranks() -> dict[str, int]:
    """How well, from 1 to 5, in the words of all languages: profiles mix them."""
    return {
        word: rank
        for code in codes()
        for rank, words in enumerate(grammar_of(code).levels, start=1)
        for word in words
    }


def language_code(word: str, language: str | None = None) -> str | None:
    """The code of the language that this word names, in `language` or in any."""
    if language:
        return _names(language).get(word)
    return next((code for one in codes() if (code := _names(one).get(word))), None)


@cache
def _names(language: str) -> dict[str, str]:
    """Language codes by their names of one word; German adds its inflected forms."""
    names: dict[str, str] = {}
    for code, name in Locale(language).languages.items():
        folded = name.casefold()
        if "_" in code or " " in folded or len(code) > 3:
            continue
        names.setdefault(folded, code)
        if language == "de" and folded.endswith("isch"):
            names.setdefault(folded + "en", code)
        if language == "sw" and folded.startswith("ki"):
            names.setdefault(folded, code)
    return {name: code for name, code in names.items() if len(name) > 2}
