"""From checked sentences to a letter: code writes what must be exact, and fills what is missing.

Sender, date, recipient, subject, salutation, first and last sentence, and signature are code's, with title
and employer exactly as extracted. Of the model's sentences those stand that have a proof. Where they do not
fill the length asked for, code writes sentences from the profile's own lines, each fact once; a line that
cannot be put into a sentence follows in a list, as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from drafting.check.reasons import Reason, Refusal, note
from drafting.checking import Checked
from drafting.facts import FactSheet, MatchReport
from drafting.language import language_of
from drafting.letter_body import Block, Body, Sentence, word_count
from drafting.letter_frame import LetterFrame, letter_text, one_line
from drafting.options import LETTER_WORDS, DraftOptions
from drafting.replies import LetterReply
from extraction.schema import JobData


@dataclass(slots=True)
class Letter:
    """`content` is what is stored and exported; `text` in it is the whole letter as plain text."""

    content: dict[str, Any]
    changes: list[dict[str, Any]]
    grounding: list[dict[str, Any]]
    proofs: list[dict[str, Any]]


def compose_letter(
    facts: FactSheet,
    reply: LetterReply,
    checked: Checked,
    *,
    job: JobData,
    report: MatchReport,
    options: DraftOptions,
    language: str,
    today: date,
) -> Letter:
    """The letter: never above 110 % of the words asked for, and above 90 % unless the profile says too
    little, which is then noted. `checked` has a verdict for each sentence of the reply, named `sentence-1`
    and so on."""
    frame = LetterFrame.of(facts, job, options, language_of(language))
    body = Body(
        facts, job, report, language_of(language), around=word_count(f"{frame.opening} {frame.closing}")
    )
    body.target(LETTER_WORDS[options.length])
    if options.note.strip():
        body.blocks.append(Block([Sentence(one_line(options.note), "user", kind="note")]))
    body.take(reply, checked)
    body.fill()
    notes = [*checked.notes, *body.notes]
    if body.total < body.lowest:
        notes.append(note("length", Refusal(Reason.LENGTH)))
    content = frame.content(facts, job, today) | {
        "body": [
            {"text": block.text, "points": block.points, "sources": block.sources} for block in body.blocks
        ],
        "word_count": body.total,
        "word_target": LETTER_WORDS[options.length],
    }
    content["text"] = letter_text(content)
    used = dict.fromkeys(source for block in body.blocks for source in block.sources)
    changes = [{"kind": "used", "field": source, "before": None, "after": None} for source in used]
    return Letter(content=content, changes=changes, grounding=notes, proofs=list(body.proofs()))
