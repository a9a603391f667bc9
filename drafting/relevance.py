"""Which facts matter most for a posting, judged by the words they share. No model is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drafting.check.grammar import codes
from drafting.check.tokens import Token, read
from drafting.facts import texts_of
from drafting.language import DEFAULT, detect
from extraction.schema import JobData

_SKILL_WEIGHT = 3


def posting_text(job: JobData) -> str:
    """Every word of the posting."""
    return "\n".join(texts_of(job.model_dump(mode="json", exclude={"url", "base_salary"})))


def readable_language(text: str, otherwise: str = DEFAULT) -> str:
    """The language of the text if its words can be compared, else another that can."""
    found = detect(text)
    return found if found in codes() else otherwise if otherwise in codes() else DEFAULT


@dataclass(frozen=True)
class Relevance:
    """Scores texts against one posting; a word of its skills or title counts three times. Words are compared
    by lemma and meaning: "leading a team" asks for "Lead a team of engineers", in another language too."""

    weights: dict[str | int, int]
    language: str

    @classmethod
    def to(cls, job: JobData, language: str = DEFAULT) -> Relevance:
        """Relevance for texts in `language`, one of `check.grammar.codes()`."""
        own = readable_language(posting_text(job), language)
        weights: dict[str | int, int] = {}
        for text, weight in ((posting_text(job), 1), (_wanted(job), _SKILL_WEIGHT)):
            for token in read(text, own).content:
                for mark in _marks(token):
                    weights[mark] = max(weights.get(mark, 0), weight)
        return cls(weights, language)

    def score(self, value: Any) -> int:
        """The sum of the weights of the distinct posting words in a text or JSON value."""
        found: dict[str, int] = {}
        for token in read("\n".join(texts_of(value)), self.language).content:
            if not _marks(token):
                continue
            weight = max((self.weights.get(mark, 0) for mark in _marks(token)), default=0)
            name = min(_marks(token), key=str)
            found[str(name)] = max(weight, found.get(str(name), 0))
        return sum(found.values())


def _wanted(job: JobData) -> str:
    return "\n".join([job.title or "", *job.skills, *job.qualifications])


def _marks(token: Token) -> set[str | int]:
    return {*token.keys, *token.rows} if len(token.folded) > 1 else set()
