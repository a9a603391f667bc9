"""What a model is asked about a text, and what becomes of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from extraction.answer import FactsAnswer, ModelAnswer
from extraction.findings import Findings
from extraction.headings import fallback_title, is_cut_of
from extraction.instructions import without_instructions
from extraction.prompts import extraction_prompt, shortened, shown
from extraction.prose import put_requirements, put_schedule
from extraction.reading import Reading
from extraction.support import SourceText
from extraction.telling import told
from extraction.verification import put_verified

_LISTS = ("responsibilities", "qualifications", "job_benefits")


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is all that may be answered from; `prompt` as much of it as the model is shown."""

    text: str = field(repr=False)
    prompt: str = field(repr=False)
    form: type[FactsAnswer]


def question_about(reading: Reading, findings: Findings, most_characters: int) -> Question:
    """What is still to be asked of the reading, with at most so many characters of it."""
    text, _ = without_instructions(shown(reading.page))
    cut, was_cut = shortened(text, most_characters)
    if was_cut:
        findings.warn(None, "shortened_for_model")
    has_lists = all(findings.has(name) for name in _LISTS)
    return Question(text, extraction_prompt(cut), FactsAnswer if has_lists else ModelAnswer)


def put_answer(findings: Findings, answer: FactsAnswer, reading: Reading, question: Question) -> None:
    """Put what a model answered, as far as the text supports it. A title that is the beginning of the page's
    heading is the better of the two."""
    source = SourceText(question.text, reading.page.locale)
    heading = findings.get("title")
    title = " ".join((answer.title or "").split())
    if (
        findings.sources.get("title") == "text"
        and heading in reading.page.headings
        and title != heading
        and source.contains(title)
        and is_cut_of(title, heading)
    ):
        findings.replace("title", title, "model", title)
    put_verified(findings, answer, source)


def put_rest(findings: Findings, reading: Reading) -> None:
    """What is taken for want of better: a title by its position, the whole text, the address."""
    findings.put("title", fallback_title(reading.page), "text")
    text = findings.get("description") or told(reading.page, findings.get("title") or "")
    put_requirements(findings, text)
    put_schedule(findings, text)
    findings.put("description", text, "text")
    if reading.url:
        findings.put("url", reading.url, "request")
