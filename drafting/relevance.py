"""Which facts matter most for a posting, judged by the words they share. No model is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drafting.facts import texts_of
from drafting.language import codes, language_of
from drafting.words import folded_words
from extraction.schema import JobData

_SKILL_WEIGHT = 3


def posting_text(job: JobData) -> str:
    """Every word of the posting."""
    return "\n".join(texts_of(job.model_dump(mode="json", exclude={"url", "base_salary"})))


@dataclass(frozen=True, slots=True)
class Relevance:
    """Scores texts against one posting; a word of its skills or title counts three times."""

    weights: dict[str, int]

    @classmethod
    def to(cls, job: JobData) -> Relevance:
        common = frozenset[str]().union(*(language_of(code).common for code in codes()))
        wanted = folded_words("\n".join([job.title or "", *job.skills, *job.qualifications]))
        weights = dict.fromkeys(folded_words(posting_text(job)), 1) | dict.fromkeys(wanted, _SKILL_WEIGHT)
        return cls({word: weight for word, weight in weights.items() if word not in common and len(word) > 1})

    def score(self, value: Any) -> int:
        """The sum of the weights of the distinct posting words in a text or JSON value."""
        words = set(folded_words("\n".join(texts_of(value))))
        return sum(self.weights.get(word, 0) for word in words)
