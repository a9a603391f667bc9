"""From a model's paragraphs to a letter: code writes what must be exact, and fills what is missing.

Sender, date, recipient, subject, salutation, first and last sentence, and signature are code's, with title
and employer exactly as extracted. Of the model's paragraphs the sentences stay that pass the grounding check.
When they do not fill the length asked for, the profile's own lines follow, as they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from drafting.facts import FactSheet
from drafting.grounding import Grounding, Reason, Refusal, Scope, note
from drafting.language import language_of
from drafting.letter_frame import LetterFrame, letter_text, one_line
from drafting.options import LETTER_TOLERANCE, LETTER_WORDS, DraftOptions
from drafting.prose import sentences_of, tidy, word_count
from drafting.relevance import Relevance
from drafting.replies import LetterParagraph, LetterReply
from drafting.words import folded_words
from extraction.schema import JobData

_MOST_POINTS = 8
_POINTS_AT_LEAST = 4
_SPARE_TIME = ("project-", "volunteer-")


@dataclass(slots=True)
class Block:
    """One paragraph of the body. `points` are lines of the profile, which `text` introduces."""

    text: str
    sources: list[str]
    points: list[str] = field(default_factory=list)

    @property
    def words(self) -> int:
        return word_count(" ".join([self.text, *self.points]))


@dataclass(slots=True)
class Letter:
    """`content` is what is stored and exported; `text` in it is the whole letter as plain text."""

    content: dict[str, Any]
    changes: list[dict[str, Any]]
    grounding: list[dict[str, Any]]


def compose_letter(
    facts: FactSheet,
    reply: LetterReply,
    *,
    job: JobData,
    grounding: Grounding,
    options: DraftOptions,
    language: str,
    today: date,
) -> Letter:
    """The letter: never above 110 % of the words asked for, and above 90 % unless the sentences that stand
    and eight more facts are too few, which is then noted."""
    frame = LetterFrame.of(facts, job, options, language_of(language))
    check = _ParagraphCheck(facts, grounding, job)
    for number, paragraph in enumerate(reply.paragraphs, start=1):
        check.take(paragraph, at=f"paragraph-{number}")
    body, notes = check.blocks, check.notes
    target = LETTER_WORDS[options.length]
    around = word_count(frame.opening) + word_count(frame.closing)
    lowest = round(target * (1 - LETTER_TOLERANCE))
    highest = round(target * (1 + LETTER_TOLERANCE))
    _cut(body, highest - around)
    block = _list_of_facts(
        frame.facts_lead, _candidates(facts, job), body, lowest=lowest - around, highest=highest - around
    )
    if block.points:
        body.append(block)
    words = around + sum(block.words for block in body)
    if words < lowest:
        notes.append(note("length", Refusal(Reason.LENGTH)))
    content = frame.content(facts, job, today) | {
        "body": [{"text": block.text, "points": block.points, "sources": block.sources} for block in body],
        "word_count": words,
        "word_target": target,
    }
    content["text"] = letter_text(content)
    used = list(dict.fromkeys(source for block in body for source in block.sources))
    changes = [{"kind": "used", "field": source, "before": None, "after": None} for source in used]
    return Letter(content=content, changes=changes, grounding=notes)


class _ParagraphCheck:
    """Takes the model's paragraphs, and keeps the sentences that stand; one without a known source falls."""

    def __init__(self, facts: FactSheet, grounding: Grounding, job: JobData) -> None:
        self.blocks: list[Block] = []
        self.notes: list[dict[str, Any]] = []
        self._grounding = grounding
        self._known = facts.entry_by_id.keys() | facts.line_by_id.keys()
        self._quoting = (one_line(job.title), one_line(job.hiring_organization))
        self._headings = [folded_words(entry.header) for entry in facts.entries]
        self._seen: set[str] = set()

    def take(self, paragraph: LetterParagraph, *, at: str) -> None:
        named = list(dict.fromkeys(paragraph.sources))
        sources = [source for source in named if source in self._known]
        if strange := [source[:40] for source in named if source not in self._known]:
            self.notes.append(note(at, Refusal(Reason.UNKNOWN_SOURCE, tuple(strange[:5]))))
        if not sources:
            return
        scope = self._grounding.prose_scope(sources)
        kept = [
            sentence
            for sentence in sentences_of(tidy(paragraph.text))
            if self._stands(sentence, scope, at=at)
        ]
        if kept:
            self.blocks.append(Block(" ".join(kept), sources))

    def _stands(self, sentence: str, scope: Scope, *, at: str) -> bool:
        refusal = self._grounding.check(sentence, scope, quoting=self._quoting)
        if refusal is None and sentence.casefold() in self._seen:
            refusal = Refusal(Reason.REPETITION)
        if refusal is None and folded_words(sentence) in self._headings:
            refusal = Refusal(Reason.HEADING)
        if refusal:
            row = note(at, refusal)
            if row not in self.notes:
                self.notes.append(row)
            return False
        self._seen.add(sentence.casefold())
        return True


def _cut(body: list[Block], room: int) -> None:
    """Take sentences off the end until the body has at most `room` words."""
    while body and sum(block.words for block in body) > room:
        shorter = sentences_of(body[-1].text)[:-1]
        if shorter:
            body[-1].text = " ".join(shorter)
        else:
            body.pop()


def _list_of_facts(
    lead: str, candidates: Iterable[tuple[str, str, int]], body: list[Block], *, lowest: int, highest: int
) -> Block:
    """Facts that no paragraph rests on, introduced by `lead`: as many as bring the body to `lowest` words
    without passing `highest`; none when it has as many. Spare-time facts that share no word with
    the posting only where there would be next to nothing otherwise."""
    block = Block(lead, [])
    used = {source for written in body for source in written.sources}
    words = sum(written.words for written in body)
    if body and words >= lowest:
        return block
    for source, text, relevance in candidates:
        total = words + block.words
        if (block.points and total >= lowest) or len(block.points) == _MOST_POINTS:
            break
        if not relevance and (body or len(block.points) >= _POINTS_AT_LEAST):
            continue
        if source not in used and total + word_count(text) <= highest:
            block.points.append(text)
            block.sources.append(source)
    return block


def _candidates(facts: FactSheet, job: JobData) -> Iterator[tuple[str, str, int]]:
    """What a letter may list, with its relevance: what the person did, where, and what they earned."""
    relevance = Relevance.to(job)
    lines = [line for key in ("work", "projects", "volunteer") for e in facts.of(key) for line in e.lines]
    done = [(line.id, line.text) for line in lines if line.position >= 0]
    told = [(line.id, line.text) for line in lines if line.position < 0]
    earned = [
        (entry.id, entry.title) for key in ("education", "certificates", "awards") for entry in facts.of(key)
    ]
    for group in (done, told, earned):
        # What somebody was paid for, or has a paper for, never counts for nothing.
        scored = [
            (source, one_line(text), relevance.score(text) + (not source.startswith(_SPARE_TIME)))
            for source, text in group
            if text
        ]
        yield from sorted(scored, key=lambda fact: -fact[2])
