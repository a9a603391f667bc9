"""Asks a model whether a picture is worth extracting from, before the larger question is paid for."""

from __future__ import annotations

import time
from dataclasses import dataclass

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from extraction import images
from extraction.prompts import ImageVerdict
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult, begin

TASK = "extraction_validation"


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """The model's opinion (a question it left open counts as no) and the call it came from; `latency_ms` is
    the whole of it."""

    is_readable: bool
    is_job_posting: bool
    reason: str | None
    result: GenerationResult
    latency_ms: int


async def check_image(*, user: User, image: bytes) -> ImageCheck:
    """Raises NotAnImage or ImageTooLarge before anything is spent; the orchestrator's errors pass through."""
    started = time.monotonic()
    picture = await in_parsing_thread(images.prepare, image)
    begun = await in_database_thread(begin, user, TASK)
    result = await AIOrchestrator().generate(
        user=user,
        task=TASK,
        prompt=begun.prompt.text("question"),
        system_prompt=begun.prompt.text("system"),
        begun=begun,
        images=[picture],
        response_model=ImageVerdict,
        is_repeatable=True,
    )
    verdict = result.parsed if isinstance(result.parsed, ImageVerdict) else ImageVerdict()
    return ImageCheck(
        is_readable=bool(verdict.is_readable),
        is_job_posting=bool(verdict.is_job_posting),
        reason=verdict.reason,
        result=result,
        latency_ms=round((time.monotonic() - started) * 1000),
    )
