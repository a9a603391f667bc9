"""What a posting asks for, and what the profile has to show for it. No model is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drafting.check.tokens import Text, Token, read
from drafting.facts import FactSheet
from drafting.relevance import readable_language
from extraction.schema import JobData

# Share of the words of a requirement that one line must have for the line to support it.
_SHARE = 0.5
_MOST_LINES = 3


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
