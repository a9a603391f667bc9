"""The keys of a word: two words are the same word in other forms when they share one.

Lemmas come from simplemma, stems from Snowball, which knows derived words too ("management", "managing").
Neither takes Swahili verbs apart, so their prefixes are stripped here.
"""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer
from simplemma import Lemmatizer
from simplemma import is_known as _is_known
from simplemma.strategies import DefaultStrategy

_STEMMERS = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "pt": "portuguese"}
# Compact dictionaries: the fast ones take 600 MB for Swahili alone.
_LEMMATIZER = Lemmatizer(lemmatization_strategy=DefaultStrategy(low_memory=True))
_SWAHILI_VERB = re.compile(
    r"(?:ha)?(?:ni|u|a|tu|m|wa|i|zi|li|ya|ki|vi|ku|si)(?:li(?:po|cho|vyo|yo|o|ye)?|na(?:po|yo|o|ye)?|ta|me"
    r"|ki|nge|ngali|ku)(?:(?:ni|tu|wa|m|i|zi|ya|vi|ku)(?=[bcdfghjklmnprstvwyz]\w{3}))?(?P<root>[a-z']{3,})"
)
_SWAHILI_INFINITIVE = re.compile(r"ku(?P<root>[a-z']{4,})|kw(?P<vowel>[aeiou]\w{3,})")
_SHORTEST = 2


@lru_cache(maxsize=100_000)
def keys(word: str, language: str) -> frozenset[str]:
    """The keys of a word; stems are marked with `~`, so that they are compared with stems only."""
    folded = word.casefold()
    if len(folded) < _SHORTEST or not folded[0].isalpha():
        return frozenset({folded})
    lemmas = {lemma(word, language), lemma(folded, language)}
    if language == "de" and folded == word:
        lemmas.add(lemma(word.capitalize(), language))
    found = {folded} | lemmas
    if language == "sw":
        found |= {f"~{root}" for form in (folded, *lemmas) if (root := _swahili_root(form))}
    elif language in _STEMMERS:
        stem = _stemmer(language).stemWord
        found |= {f"~{stem(form)}" for form in found if len(form) > 3}
    return frozenset(found)


@lru_cache(maxsize=100_000)
def lemma(word: str, language: str) -> str:
    """The dictionary form, folded; the word itself where no dictionary knows it."""
    return str(_LEMMATIZER.lemmatize(word, lang=language)).casefold()


@lru_cache(maxsize=100_000)
def is_known(word: str, language: str) -> bool:
    """Whether the dictionary of the language has the word, capitalised or not."""
    return any(
        _is_known(form, lang=language, low_memory=True) for form in (word.casefold(), word.capitalize())
    )


def _stemmer(language: str) -> snowballstemmer.stemmer:
    # One for each word: it keeps the word it works on, and drafts are read in several threads.
    return snowballstemmer.stemmer(_STEMMERS[language])


def _swahili_root(word: str) -> str:
    """The verb without its prefixes and last vowel: `jeng` of nilijenga, kujenga, jenga."""
    match = _SWAHILI_VERB.fullmatch(word)
    root = match["root"] if match else ""
    if not root and (match := _SWAHILI_INFINITIVE.fullmatch(word)):
        root = match["root"] or match["vowel"]
    root = root or word
    for ending in ("wa", "a", "e", "i"):
        if len(root) > len(ending) + 2 and root.endswith(ending):
            return root[: -len(ending)]
    return root
