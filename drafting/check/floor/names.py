"""Names of employers, schools, people and tools: each must be in the source, whichever case it is written
in; and the employer applied to is nowhere one has been. Languages a person speaks, and how well: both are
the profile's.
"""

from __future__ import annotations

import re
from functools import cache

from babel import Locale

from drafting.check.evidence import Evidence, Said
from drafting.check.grammar import codes, grammar_of
from drafting.check.lemmas import is_known, lemma
from drafting.check.quantities import quantities_of
from drafting.check.reasons import Reason, Refusal
from drafting.check.tokens import Text, Token, read
from drafting.check.years import years_of

_SHORTEST = 3
# Spanish and Portuguese hang pronouns on verbs: aplicarlo, mostrando-lhe.
_CLITIC = re.compile(r"(?:ar|er|ir|ando|endo|iendo)(?:me|te|se|nos|l[oae]s?|lhes?|vos)$")
# Languages whose dictionary knows next to all that is written in them; the French one lacks common words.
_COMPLETE = frozenset({"en", "es", "pt", "de"})
_WORKED_AT = {
    "en": frozenset({"at", "for"}),
    "de": frozenset({"bei"}),
    "fr": frozenset({"chez"}),
}


def unknown_name(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of a word that is a name by its form, or no word of the language, and not in the
    sources."""
    counted = {index for quantity in quantities_of(text) for index in quantity.tokens}
    counted |= {year.named.index for year in years_of(text) if year.named}
    strange = tuple(
        token.text
        for token in text.tokens
        if token.is_content
        and token.index not in counted
        and not _may_stand(token, evidence, said)
        and _is_name(token, text, evidence, said)
    )
    return Refusal(Reason.NAME, strange) if strange else None


def _may_stand(token: Token, evidence: Evidence, said: Said) -> bool:
    if evidence.has(token) or language_code(token.folded):
        return True
    if said.place == "bridge" and evidence.ground.posting_names(token):
        return True
    return abbreviates(token, evidence)


def _is_name(token: Token, text: Text, evidence: Evidence, said: Said) -> bool:
    word = token.text
    if token.rows:
        # A word whose meaning is known is no name; whether it may be said is for the other rules.
        return False
    if any(char.isdigit() for char in word) or sum(char.isupper() for char in word) >= 2:
        return True
    if word[0].isupper() and not token.is_initial and text.language != "de":
        return True
    if len(word) < _SHORTEST or text.language not in _COMPLETE or not word.isalpha():
        return False
    if not is_known(word, text.language):
        return not (_is_compound(word) if text.language == "de" else bool(_CLITIC.search(word.casefold())))
    return said.place != "bridge" and _is_worked_at(token, text)


def _is_worked_at(token: Token, text: Text) -> bool:
    """A bare word that ends what follows "at" or "for": google, uber; a plural or an inflected form is
    none."""
    words = _WORKED_AT.get(text.language, frozenset())
    following = text.tokens[token.index + 1 : token.index + 2]
    return (
        token.index > 0
        and text.tokens[token.index - 1].folded in words
        and _is_bare(token, text)
        and not token.folded.endswith("ing")
        and (not following or bool(following[0].mark_before) or following[0].is_neutral)
    )


def _is_bare(token: Token, text: Text) -> bool:
    """In German any word in small letters where a noun should stand; elsewhere a word in its dictionary
    form."""
    if text.language == "de":
        return token.text[0].islower()
    return token.folded == lemma(token.folded, text.language)


def _is_compound(word: str) -> bool:
    """Whether a German word is two that are known."""
    folded = word.casefold()
    return any(
        is_known(folded[cut:], "de") and any(is_known(head, "de") for head in _heads(folded[:cut]))
        for cut in range(3, len(folded) - 3)
    )


def _heads(part: str) -> list[str]:
    return [part, *(part.removesuffix(joint) for joint in ("s", "es", "n", "en") if part.endswith(joint))]


def abbreviates(token: Token, evidence: Evidence) -> bool:
    """Whether an acronym is made of the initials of words that stand together in the sources."""
    letters = token.text.casefold().rstrip("s")
    if not token.text[:2].isupper() or not letters.isalpha():
        return False
    for source in evidence.all:
        initials = "".join(one.folded[0] for one in source.tokens)
        if letters in initials:
            return True
    return False


def employer_applied_to(text: Text, evidence: Evidence, said: Said) -> Refusal | None:
    """The refusal of anything but a bridge that names the employer applied to, unless the profile does."""
    name = evidence.ground.job.hiring_organization
    if said.place == "bridge" or not name:
        return None
    padded = read(name, text.language).padded
    if not padded.strip() or padded in evidence.ground.whole.padded:
        return None
    return Refusal(Reason.EMPLOYER, (name,)) if padded in text.padded else None


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
