"""What of a profile a posting asks for, judged by the words they share: which facts matter most, and which
requirements they meet. No model is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drafting.check.grammar import codes
from drafting.check.tokens import Text, Token, read
from drafting.facts import FactSheet, texts_of
from drafting.language import DEFAULT, detect
from extraction.schema import JobData

_SKILL_WEIGHT = 3
# Share of the words of a requirement that one line must have for the line to support it.
_SHARE = 0.5
_MOST_LINES = 3


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


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing asked for; `lines` are ids of the facts that support it, the best first; `is_skill` when it
    stands among the profile's skills."""

    text: str
    lines: tuple[str, ...]
    is_skill: bool

    @property
    def is_met(self) -> bool:
        return self.is_skill or bool(self.lines)


@dataclass(frozen=True)
class MatchReport:
    requirements: tuple[Requirement, ...] = field(default=())

    def as_dict(self) -> list[dict[str, Any]]:
        """Rows as the API shows them."""
        return [
            {
                "asked": one.text,
                "is_supported": one.is_met,
                "is_skill": one.is_skill,
                "facts": list(one.lines),
            }
            for one in self.requirements
        ]


def match(facts: FactSheet, job: JobData) -> MatchReport:
    """The posting's skills, qualifications and responsibilities against the lines and skills of the
    profile."""
    language = readable_language(facts.text)
    asked = dict.fromkeys(
        " ".join(text.split()) for text in (*job.skills, *job.qualifications, *job.responsibilities)
    )
    posting_language = readable_language("\n".join(asked), language)
    shown = [entry for entry in facts.entries if entry.section.key != "references"]
    sources = {line.id: read(line.text, language) for entry in shown for line in entry.lines}
    sources |= {entry.id: read(entry.header, language) for entry in shown if entry.section.key != "skills"}
    skills = [read(entry.text, language) for entry in facts.of("skills")]
    return MatchReport(
        tuple(
            _requirement(text, read(text, posting_language), sources, skills)
            for text in asked
            if text and read(text, posting_language).content
        )
    )


def _requirement(text: str, asked: Text, sources: dict[str, Text], skills: list[Text]) -> Requirement:
    is_skill = all(any(_has(skill, token) for skill in skills) for token in asked.content)
    shares = {
        source_id: sum(_has(source, token) for token in asked.content) / len(asked.content)
        for source_id, source in sources.items()
    }
    best = sorted((one for one in shares if shares[one] >= _SHARE), key=lambda one: -shares[one])
    return Requirement(text, tuple(best[:_MOST_LINES]), is_skill)


def _has(source: Text, token: Token) -> bool:
    return any(one.is_same_as(token) for one in source.content)
