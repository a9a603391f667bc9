"""A CV that is pictures of pages: a model writes down what stands there, and its transcript is then read and
checked as the text of any CV is.

Nothing can be masked in a picture, so it takes the person's word that the pages may be shown as they are.
Nobody but the model has seen the picture: what it misread, code cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from drafting.imports.documents import MAX_CHARACTERS, checked_text
from drafting.imports.errors import NotACv, ScannedDocument
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult, begin
from orchestration.errors import NoCapableProvider
from providers.adapters.base import Image

TASK = "profile_transcription"
_PROMPT = "Copy what is written on these pages."


def _cut(value: Any) -> Any:
    return value[:MAX_CHARACTERS] if isinstance(value, str) else value


class Transcript(BaseModel):
    """What is written in the pictures."""

    model_config = ConfigDict(extra="ignore")

    text: Annotated[str | None, BeforeValidator(_cut)] = None
    is_readable: bool | None = None


async def transcribe(*, user: User, pictures: Sequence[Image]) -> tuple[str, GenerationResult]:
    """The text of the pages, and the call that read it.

    Raises ScannedDocument where no model can see, before anything is spent; NotACv where too little of a CV
    was read; what the orchestrator raises.
    """
    begun = await in_database_thread(begin, user, TASK)
    try:
        result = await AIOrchestrator().generate(
            user=user,
            task=TASK,
            prompt=_PROMPT,
            system_prompt=begun.prompt.text("system"),
            begun=begun,
            images=pictures,
            response_model=Transcript,
        )
    except NoCapableProvider as error:
        if "vision" not in error.details.get("missing", []):
            raise
        raise ScannedDocument(
            "The file holds pictures of pages, and none of the configured models can see. Send one with "
            "text in it, or paste the CV's text.",
            details={"reason": "no_vision"},
        ) from error
    read = result.parsed if isinstance(result.parsed, Transcript) else Transcript()
    if read.is_readable is False:
        raise NotACv(details={"reason": "unreadable"})
    return await in_parsing_thread(checked_text, read.text or ""), result
