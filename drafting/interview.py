"""Questions that an interviewer may ask, each resting on a line of the posting or of the profile."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from drafting.drafter import Source
from drafting.facts import posting_text
from drafting.language import DEFAULT, codes, detect
from drafting.masks import Mask
from drafting.prompts import BUDGETS, interview_prompt
from drafting.replies import InterviewReply, tidy
from orchestration.calls.heard import generate_heard
from orchestration.calls.question import GenerationResult, begin
from orchestration.errors import InputTooLong

TASK = "interview_prep"
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class InterviewQuestion:
    """`lines` are those it rests on, by id: `posting-3`, `work-1.h2`."""

    text: str
    lines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class InterviewPrep:
    """`dropped` counts the questions that do not rest on lines there are; `latency_ms` is the whole of it."""

    language: str
    questions: list[InterviewQuestion]
    dropped: int
    result: GenerationResult
    latency_ms: int


async def prepare_interview(
    *, user: User, source: Source, count: int, language: str | None = None
) -> InterviewPrep:
    """At most `count` questions in `language`, else in the posting's; raises what the orchestrator raises."""
    started = time.monotonic()
    if language is None:
        found = await in_parsing_thread(detect, posting_text(source.job))
        language = found if found in codes() else DEFAULT
    begun = await in_database_thread(begin, user, TASK)
    mask = Mask(source.facts.resume)
    for number, budget in enumerate(BUDGETS, start=1):
        prompt, lines = await in_parsing_thread(
            interview_prompt, source.facts, source.job,
            count=count, language=language, budget=budget, mask=mask, wording=begun.prompt,
        )  # fmt: skip
        try:
            result = await generate_heard(
                None, user=user, task=TASK, prompt=prompt.text, system_prompt=prompt.system,
                stable=prompt.stable, begun=begun, response_model=prompt.form, is_repeatable=False,
            )  # fmt: skip
            break
        except InputTooLong:
            if number == len(BUDGETS):
                raise
    reply = result.parsed if isinstance(result.parsed, InterviewReply) else InterviewReply(questions=[])
    kept, dropped = supported(reply, {name: mask.show(text) for name, text in lines.items()}, mask)
    return InterviewPrep(
        language=language,
        questions=kept[:count],
        dropped=dropped,
        result=result,
        latency_ms=round((time.monotonic() - started) * 1000),
    )


def supported(
    reply: InterviewReply, lines: Mapping[str, str], mask: Mask
) -> tuple[list[InterviewQuestion], int]:
    """The questions, each once, that name lines there are and say no number that is not in them; and how many
    do not."""
    kept: dict[str, InterviewQuestion] = {}
    failed = 0
    for asked in reply.questions:
        text = mask.show(tidy(asked.text))
        rests_on = {name: lines[name] for name in asked.sources if name in lines}
        known = set(_NUMBER.findall(" ".join(rests_on.values())))
        if text and rests_on and known.issuperset(_NUMBER.findall(text)):
            kept.setdefault(text.casefold(), InterviewQuestion(text, rests_on))
        else:
            failed += 1
    return list(kept.values()), failed
