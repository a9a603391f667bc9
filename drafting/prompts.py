"""What the models are asked, and how much they are shown.

A model with a large window sees the whole posting and the whole profile. For a small one a profile is shown
by its most relevant lines; the rest needs no model, because a CV keeps whatever the model was not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from drafting.facts import PROFILE_SUMMARY, Entry, FactSheet, Relevance, readable_language
from drafting.language import language_of
from drafting.masks import Mask
from drafting.options import LETTER_PARAGRAPHS, LETTER_WORDS, DraftOptions, Length, Tone
from drafting.replies import cv_form, interview_form, letter_form, repair_form
from extraction.prompts import without_instructions
from extraction.schema import JobData
from providers.tasks import PromptVersion

_CITED_IN_LETTERS = (
    "work-", "project-", "volunteer-", "education-", "certificate-", "award-", "publication-",
)  # fmt: skip
# Where posting and facts begin and end is for us to say.
_MARKS = re.compile(r"</?\s*(?:posting|facts|text|sentence)\b[^>]*>", re.IGNORECASE)
_WORDS_A_SENTENCE = 18


@dataclass(frozen=True, slots=True)
class Budget:
    """Characters of facts, of posting and of one line in a prompt; four or so make a token in English."""

    facts: int
    posting: int
    line: int = 300


# The whole of nearly every profile and posting; then for models that say it is too long for them.
WHOLE = Budget(facts=120_000, posting=60_000, line=4_000)
FULL = Budget(facts=4000, posting=1400)
COMPACT = Budget(facts=1500, posting=600)
BUDGETS = (WHOLE, FULL, COMPACT)

_TONES = {
    Tone.FORMAL: "formal and precise",
    Tone.FRIENDLY: "warm and friendly",
    Tone.CONFIDENT: "confident and direct",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question: system prompt, text, and the form to fill in. With so many letters as `stable` the
    questions about other postings begin, too."""

    system: str
    text: str
    form: type[BaseModel]
    stable: int = 0

    @classmethod
    def of(cls, system: str, form: type[BaseModel], *parts: str) -> Prompt:
        """What is said of the person, which comes first, is the same for each posting."""
        return cls(system, "\n\n".join(parts), form, stable=len(parts[0]))


@dataclass(frozen=True, slots=True)
class Part:
    """What of a draft is written anew: what is `asked`, in words, the facts it may tell, how the model's
    texts there read now, and for a paragraph of a letter about how many words it has."""

    asked: str
    ids: frozenset[str]
    texts: tuple[str, ...] = ()
    words: int = 0

    def told(self, prompt: PromptVersion, mask: Mask) -> str:
        rows = [f'- "{mask.hide(_clipped(text, 400))}"' for text in self.texts]
        return "\n".join([prompt.text("part", asked=self.asked), *rows])


def cv_prompt(
    facts: FactSheet,
    job: JobData,
    *,
    options: DraftOptions,
    language: str,
    lines: int,
    budget: Budget,
    mask: Mask,
    wording: PromptVersion,
    part: Part | None = None,
) -> Prompt:
    """The question for a CV or a part of it, in one `wording` of it. A profile of any length fits the
    budget."""
    shown = _most_relevant(facts, job, budget, mask)
    line_ids = tuple(
        fact_id for fact_id in shown if fact_id in facts.line_by_id and (not part or fact_id in part.ids)
    )
    optional = ("projects", "volunteer", "awards", "publications", "interests")
    keep_ids = tuple(
        fact_id
        for fact_id in ({} if part else shown)
        if (fact_id in facts.line_by_id and facts.line_by_id[fact_id].position >= 0)
        or (fact_id in facts.entry_by_id and _may_go(facts.entry_by_id[fact_id], optional, options))
    )
    task = wording.text("task", language=language_of(language).name, tone=_TONES[options.tone], lines=lines)
    form = cv_form(line_ids=line_ids, keep_ids=keep_ids, lines=min(lines, len(line_ids)))
    asked = [task, part.told(wording, mask)] if part else [task]
    return Prompt.of(wording.text("system"), form, _facts(shown), _posting(job, budget), *asked)


def letter_prompt(
    facts: FactSheet,
    job: JobData,
    *,
    options: DraftOptions,
    language: str,
    budget: Budget,
    mask: Mask,
    wording: PromptVersion,
    part: Part | None = None,
) -> Prompt:
    """The question for a letter's body or a paragraph of it, in one `wording` of it."""
    shown = _most_relevant(facts, job, budget, mask)
    paragraphs = 1 if part else LETTER_PARAGRAPHS[options.length]
    # The opening and closing sentences that code writes take some 30 words.
    words = part.words if part else LETTER_WORDS[options.length] - 30
    sentences = max(round(words / _WORDS_A_SENTENCE), 1)
    task = wording.text(
        "task",
        language=language_of(language).name,
        tone=_TONES[options.tone],
        paragraphs=paragraphs,
        words=words,
        sentences=sentences,
        length=_WORDS_A_SENTENCE,
    )
    # Skills, languages and the summary are open to every sentence and need not be cited.
    ids = tuple(
        fact_id
        for fact_id in shown
        if fact_id.startswith(_CITED_IN_LETTERS) and (not part or fact_id in part.ids)
    )
    form = letter_form(source_ids=ids, sentences=sentences + 4)
    asked = [task, part.told(wording, mask)] if part else [task]
    return Prompt.of(wording.text("system"), form, _facts(shown), _posting(job, budget), *asked)


def repair_prompt(
    refused: Sequence[tuple[str, str, str, str]],
    facts: FactSheet,
    *,
    language: str,
    mask: Mask,
    wording: PromptVersion,
) -> Prompt:
    """The question for writing some texts again: (id, kind, text, why it was refused) of each. The facts they
    may rest on are listed in full."""
    shown = {
        fact_id: mask.hide(_clipped(text, WHOLE.line))
        for entry in facts.entries
        if entry.section.key != "references"
        for fact_id, text in {entry.id: entry.header, **{line.id: line.text for line in entry.lines}}.items()
        if text
    }
    rows = [
        f'<text id="{text_id}" kind="{kind}">{mask.hide(_clipped(text, 400))}</text>\nRefused: {reason}'
        for text_id, kind, text, reason in refused
    ]
    task = wording.text("repair", language=language_of(language).name)
    ids = tuple(row[0] for row in refused)
    form = repair_form(ids=ids, source_ids=tuple(shown))
    return Prompt.of(wording.text("repair_system"), form, _facts(shown), task, *rows)


def interview_prompt(
    facts: FactSheet,
    job: JobData,
    *,
    count: int,
    language: str,
    budget: Budget,
    mask: Mask,
    wording: PromptVersion,
) -> tuple[Prompt, dict[str, str]]:
    """The question for an interview's questions, and the lines that they may rest on, by id."""
    shown = _most_relevant(facts, job, budget, mask)
    # The client shows them one by one, where a list's mark says nothing.
    rows = [row.removeprefix("- ") for row in _wanted(job, budget)]
    posting = {f"posting-{number}": row for number, row in enumerate(rows, start=1)}
    lines = {**shown, **posting}
    listed = "\n".join(["<posting>", *(f"{name}: {row}" for name, row in posting.items()), "</posting>"])
    task = wording.text("task", count=count, language=language_of(language).name)
    form = interview_form(source_ids=tuple(lines), questions=count)
    return Prompt.of(wording.text("system"), form, _facts(shown), listed, task), lines


def _may_go(entry: Entry, optional: Iterable[str], options: DraftOptions) -> bool:
    return entry.section.key in optional or (entry.section.key == "work" and options.length is Length.SHORT)


def _most_relevant(facts: FactSheet, job: JobData, budget: Budget, mask: Mask) -> dict[str, str]:
    """Fact ids and texts in the profile's order, as many of the most relevant as fit the budget. A line
    brings its entry's header with it. Referees are other people, and stay out."""
    room = budget.facts
    relevance = Relevance.to(job, readable_language(facts.text))
    units: list[tuple[int, int, dict[str, str]]] = []
    if facts.summary:
        units.append((1000, 0, {PROFILE_SUMMARY: facts.summary}))
    shown = [entry for entry in facts.entries if entry.section.key != "references"]
    for order, entry in enumerate(shown, start=1):
        header = {entry.id: entry.header}
        units.append((relevance.score(entry.data), order, header))
        units += [(relevance.score(line.text), order, header | {line.id: line.text}) for line in entry.lines]
    chosen: dict[str, str] = {}
    for _, _, unit in sorted(units, key=lambda unit: (-unit[0], unit[1])):
        fresh = {
            key: mask.hide(_clipped(text, budget.line))
            for key, text in unit.items()
            if key not in chosen and text
        }
        cost = sum(len(key) + len(text) + 3 for key, text in fresh.items())
        if cost <= room:
            room -= cost
            chosen |= fresh
    everything = [PROFILE_SUMMARY, *(key for entry in facts.entries for key in (entry.id, *_line_ids(entry)))]
    return {key: chosen[key] for key in everything if key in chosen}


def _line_ids(entry: Entry) -> list[str]:
    return [line.id for line in entry.lines]


def _clipped(text: str, limit: int) -> str:
    text = _MARKS.sub(" ", " ".join(text.split()))
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0] + " …"


def _facts(shown: dict[str, str]) -> str:
    rows = [f"{fact_id}: {text}" for fact_id, text in shown.items()]
    return "\n".join(["<facts>", *rows, "</facts>"])


def _posting(job: JobData, budget: Budget) -> str:
    return "\n".join(["<posting>", *_wanted(job, budget), "</posting>"])


def _wanted(job: JobData, budget: Budget) -> list[str]:
    """The posting's fields that say what is wanted, most telling first, cut to the budget."""
    room = budget.posting
    lists = [*job.qualifications, *job.responsibilities]
    described = [part for part in (job.description or "").splitlines() if part.strip()]
    wanted, described = (lists, described) if lists else (described, [])
    rows = [
        f"Title: {job.title}" if job.title else "",
        f"Company: {job.hiring_organization}" if job.hiring_organization else "",
        f"Skills: {', '.join(job.skills)}" if job.skills else "",
        f"Experience: {job.experience_requirements}" if job.experience_requirements else "",
        *(f"- {text.removeprefix('- ')}" for text in wanted),
        *described,
    ]
    kept = []
    for row in rows:
        text = without_instructions(_clipped(row, budget.line))[0]
        if text and len(text) <= room:
            kept.append(text)
            room -= len(text)
    return kept
