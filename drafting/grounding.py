"""The check that keeps invented facts out of a draft: code, not a prompt, decides what the model may say.

A text of the model passes only if all in it that looks like a fact occurs in the profile entry it names:

1. no placeholder (`[Company]`), no fact's id, no link, no endless repetition;
2. every number, with its sign, is a number of the source;
3. every name is a word of the source: an acronym, a word with a digit, a word with a capital inside a
   sentence, and a first word that is not known to open sentences. Where a language capitalises nouns, the
   list of those that state nothing (`languages/*.json`, `common`) and inflected words of the source pass;
4. every word that claims a credential, a rank or a quantity ("certified", "master", "twelve") is a word of
   the source;
5. a word of the posting that the whole profile lacks is refused, so that neither keywords nor instructions
   planted in a posting come through;
6. a word of the profile's skills that the source lacks is refused: a tool is not moved to another job;
7. at least half of the remaining words that carry meaning are the source's own, by a comparison that
   tolerates inflection (80 % in scripts without capitals, where rule 3 cannot see names).

Rule 7 cannot apply where the draft is in another language than the profile, nor the capitals of rule 3 where
that language capitalises nouns; such drafts carry a note saying that they were translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drafting.facts import FactSheet
from drafting.language import DEFAULT, Language, language_of
from drafting.words import (
    Word,
    folded_words,
    is_known,
    numbers_allowed_by,
    numbers_of,
    without_case,
    words_of,
)

_PLACEHOLDER = re.compile(
    r"\[[^\[\]]{1,80}\]|\{[^{}]{1,80}\}|<[^<>\s][^<>]{0,79}>|_{3,}|\bX{3,}\b|\blorem ipsum\b"
    r"|\bbasics\.summary\b|\b(?:work|volunteer|education|project|certificate|skill|award|publication)-\d+\b"
    r"|\b(?:your|company|employer|candidate|job)[ _](?:name|title)\b|\bj(?:ohn|ane) doe\b|…{2,}",
    re.IGNORECASE,
)
_LINK = re.compile(r"\w+://|\bwww\.|\S+@\S+\.\S")
_REGULAR_OPENER = re.compile(r"\w{3,}ed|\w{5,}ing|\w{4,}ly")
_MEANINGFUL_LENGTH = 4
_SHARE_KNOWN = 0.5
_SHARE_KNOWN_WITHOUT_CASE = 0.8
_WORDS_SHOWN = 5


class Reason(StrEnum):
    EMPTY = "empty"
    PLACEHOLDER = "placeholder"
    LINK = "link"
    REPETITION = "repetition"
    HEADING = "not_a_sentence"
    NUMBER = "number_not_in_source"
    NAME = "name_not_in_source"
    CLAIM = "claim_not_in_source"
    POSTING = "only_in_posting"
    OTHER_ENTRY = "from_another_entry"
    TOO_DIFFERENT = "too_far_from_source"
    UNKNOWN_SOURCE = "unknown_source"
    TRANSLATED = "translated"
    LENGTH = "length_not_reached"


MESSAGES = {
    Reason.EMPTY: "The model wrote nothing here.",
    Reason.PLACEHOLDER: "The model left a placeholder to fill in.",
    Reason.LINK: "The model added a link or an address.",
    Reason.REPETITION: "The model repeated itself.",
    Reason.HEADING: "The model copied the heading of an entry instead of writing a sentence.",
    Reason.NUMBER: "A number is not in the profile entry it was said to come from.",
    Reason.NAME: "A name is not in the profile entry it was said to come from.",
    Reason.CLAIM: "A credential, rank or quantity is not in the profile entry it was said to come from.",
    Reason.POSTING: "A word comes from the posting; the profile does not have it.",
    Reason.OTHER_ENTRY: "A skill was moved to an entry that does not mention it.",
    Reason.TOO_DIFFERENT: "The text has too little in common with the profile entry it names.",
    Reason.UNKNOWN_SOURCE: "The model named an entry that the profile does not have.",
    Reason.TRANSLATED: "The draft is in another language than the profile; compare it with yours.",
    Reason.LENGTH: "What could be said from the profile is shorter than the length asked for.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text did not pass; `words` are the words or numbers at fault, never the text itself."""

    reason: Reason
    words: tuple[str, ...] = ()


def note(field: str, refusal: Refusal) -> dict[str, Any]:
    """One row of a draft's `grounding`: the field whose text the model wrote, and why it was not used."""
    return {
        "field": field,
        "reason": refusal.reason.value,
        "message": MESSAGES[refusal.reason],
        "words": list(refusal.words),
    }


@dataclass(frozen=True, slots=True)
class Scope:
    """What a text may say, from the facts it names. `text` is folded, with a blank around every word."""

    numbers: frozenset[str]
    words: frozenset[str]
    text: str


class Grounding:
    """Checks texts for one draft: one profile, one posting, one language."""

    def __init__(self, facts: FactSheet, *, posting: str, language: str, is_translation: bool) -> None:
        self._facts = facts
        self._language: Language = language_of(language)
        self._is_translation = is_translation
        english = language_of(DEFAULT)
        # Models fall back to English whatever they were asked for, so its lists always apply.
        self._common = self._language.common | english.common
        self._openers = self._language.openers | english.openers
        self._protected = self._language.protected | english.protected
        profile_text = _scope(words=facts.text, numbers="").text
        self._posting_only = frozenset(
            word for word in folded_words(posting) if not is_known(word, profile_text)
        )
        skills = "\n".join(entry.text for entry in facts.of("skills"))
        self._skill_words = frozenset(folded_words(skills)) - self._common

    def line_scope(self, line_id: str) -> Scope:
        """For rewriting one line: the words of its entry, but numbers of that line and of the header only,
        so that one achievement's figure is not moved to another."""
        line = self._facts.line_by_id[line_id]
        entry = self._facts.entry_by_id[line.entry_id]
        return _scope(words=entry.text, numbers=f"{line.text}\n{entry.header}")

    def profile_scope(self) -> Scope:
        """For a summary: the whole profile."""
        return _scope(words=self._facts.text, numbers=self._facts.text)

    def prose_scope(self, source_ids: Iterable[str]) -> Scope:
        """For a letter's paragraph: the entries it names, and what is true of the person throughout: skills,
        languages, own summary and label."""
        texts = []
        for source_id in source_ids:
            line = self._facts.line_by_id.get(source_id)
            entry = self._facts.entry_by_id.get(line.entry_id if line else source_id)
            if entry:
                texts.append(entry.text)
        texts += [self._facts.name, self._facts.summary, self._facts.label]
        texts += [entry.text for key in ("skills", "languages") for entry in self._facts.of(key)]
        joined = "\n".join(texts)
        return _scope(words=joined, numbers=joined)

    def check(self, text: str, scope: Scope, *, quoting: Iterable[str] = ()) -> Refusal | None:
        """None when the text may be used. `quoting` are phrases that code vouches for (title, employer)."""
        if not text.strip():
            return Refusal(Reason.EMPTY)
        for phrase in filter(None, quoting):
            text = re.sub(re.escape(phrase), " ", text, flags=re.IGNORECASE)
        if _PLACEHOLDER.search(text):
            return Refusal(Reason.PLACEHOLDER)
        if _LINK.search(text):
            return Refusal(Reason.LINK)
        words = list(words_of(text))
        if len(words) >= 8 and len({word.folded for word in words}) * 2 < len(words):
            return Refusal(Reason.REPETITION)
        if strange := sorted(numbers_of(text) - scope.numbers):
            return Refusal(Reason.NUMBER, tuple(strange[:_WORDS_SHOWN]))
        return self._check_words(words, scope) or self._check_share(text, words, scope)

    def _check_words(self, words: list[Word], scope: Scope) -> Refusal | None:
        faults: dict[Reason, list[str]] = {}
        for word in words:
            if word.folded not in scope.words and (reason := self._fault(word, scope)):
                faults.setdefault(reason, []).append(word.text)
        for reason in (Reason.NAME, Reason.CLAIM, Reason.POSTING, Reason.OTHER_ENTRY):
            if reason in faults:
                return Refusal(reason, tuple(dict.fromkeys(faults[reason]))[:_WORDS_SHOWN])
        return None

    def _fault(self, word: Word, scope: Scope) -> Reason | None:
        """What is wrong with a word that the source does not have as it stands."""
        if word.folded in self._protected:
            return Reason.CLAIM
        if self._is_name(word, scope):
            return Reason.NAME
        if word.folded in self._posting_only and word.folded not in self._common:
            return Reason.POSTING
        if word.folded in self._skill_words and not is_known(word.folded, scope.text):
            return Reason.OTHER_ENTRY
        return None

    def _is_name(self, word: Word, scope: Scope) -> bool:
        text = word.text
        if any(char.isdigit() for char in text) or sum(char.isupper() for char in text) >= 2:
            return True
        if not text[0].isupper() or word.folded in self._common:
            return False
        if word.is_initial:
            return not (word.folded in self._openers or _REGULAR_OPENER.fullmatch(word.folded))
        if self._language.capitalises_nouns:
            return not self._is_translation and not is_known(word.folded, scope.text)
        return True

    def _check_share(self, text: str, words: list[Word], scope: Scope) -> Refusal | None:
        if self._is_translation:
            return None
        neutral = self._common | self._openers
        telling = [
            word.folded
            for word in words
            if word.folded not in neutral
            and (len(word.folded) >= _MEANINGFUL_LENGTH or not word.folded.isascii())
        ]
        known = sum(is_known(word, scope.text) for word in telling)
        share = _SHARE_KNOWN_WITHOUT_CASE if without_case(text) else _SHARE_KNOWN
        return Refusal(Reason.TOO_DIFFERENT) if known < share * len(telling) else None


def _scope(*, words: str, numbers: str) -> Scope:
    folded = folded_words(words)
    return Scope(numbers_allowed_by(numbers), frozenset(folded), f" {' '.join(folded)} ")
