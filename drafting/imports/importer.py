"""From what a person brought to the review form of a profile. Nothing is saved here."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass, field, replace

from django_guid import get_guid

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from drafting.errors import InvalidProfile
from drafting.imports.contacts import Person
from drafting.imports.documents import Document, read_document, read_pasted
from drafting.imports.errors import NotACv
from drafting.imports.forms import TASK, CvAnswer
from drafting.imports.reading import put_answer, shown
from drafting.imports.review import Review
from drafting.imports.scans import transcribe
from drafting.resume import normalised_resume
from extraction.prompts import without_instructions
from orchestration.calls.heard import Hear, generate_heard
from orchestration.calls.question import GenerationResult, begin

_SECTIONS = (
    "work", "education", "projects", "volunteer", "skills", "certificates", "languages", "awards",
    "publications",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """A finished import. `kind` is pdf, docx, text, linkedin, json or pictures; `transcript` is what a
    model read in those by the call `transcription`; `result` is None when no model was
    asked; `latency_ms` is all but the reading of the file."""

    kind: str
    review: Review
    result: GenerationResult | None
    request_id: str
    latency_ms: int
    transcript: str = field(default="", repr=False)
    transcription: GenerationResult | None = None


async def brought(
    *, content: bytes | None = None, text: str | None = None, as_pictures: bool = False
) -> Document:
    """Exactly one of a file's bytes and a text; `as_pictures` as `read_document`. Raises the errors of
    `drafting.imports.errors`, and InvalidProfile for JSON that is no resume."""
    if (content is None) == (text is None):
        raise ValueError("give exactly one of content and text")
    if content is not None:
        return await read_document(content, as_pictures=as_pictures)
    return await in_parsing_thread(read_pasted, text or "")


async def import_profile(*, user: User, document: Document, hear: Hear | None = None) -> Import:
    """Read what somebody brought into a profile to look over.

    Raises NotACv where nothing in it holds; the orchestrator's errors pass through. `hear` is told what a
    model answers while it does, unchecked.
    """
    started = time.monotonic()
    transcript = None
    if document.pictures:
        text, transcript = await transcribe(user=user, pictures=document.pictures)
        document = replace(document, text=text)
    review, result = document.review, None
    if review is None:
        review, result = await _asked(user, document, hear)
    elif document.kind == "linkedin":
        await in_parsing_thread(_checked, review)
    return Import(
        kind=document.kind,
        review=review,
        result=result,
        transcript=document.text if transcript else "",
        transcription=transcript,
        request_id=result.request_id if result else get_guid() or uuid.uuid4().hex,
        latency_ms=round((time.monotonic() - started) * 1000),
    )


async def _asked(user: User, document: Document, hear: Hear | None) -> tuple[Review, GenerationResult]:
    person = Person(document.text)
    prompt = await in_parsing_thread(cv_prompt, person)
    begun = await in_database_thread(begin, user, TASK)
    result = await generate_heard(
        None if hear is None else lambda partial: hear(shown(partial, person)),
        is_repeatable=False,
        user=user,
        task=TASK,
        prompt=prompt,
        system_prompt=begun.prompt.text("system"),
        begun=begun,
        response_model=CvAnswer,
    )
    answer = result.parsed if isinstance(result.parsed, CvAnswer) else CvAnswer()
    return await in_parsing_thread(reviewed, person, answer), result


def reviewed(person: Person, answer: CvAnswer) -> Review:
    """The review form of a CV and what a model answered about it. Raises NotACv when nothing of it holds."""
    review = Review()
    person.put(review)
    put_answer(review, answer, person)
    return _checked(review)


def cv_prompt(person: Person) -> str:
    """The CV as a model may read it, between markers that it cannot contain: they carry its digest."""
    text, _ = without_instructions(person.readable())
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"[cv {mark}]\n{text}\n[end of cv {mark}]"


def _checked(review: Review) -> Review:
    """A profile of contact details alone is nobody's, and every profile given out can be kept as it is."""
    if not any(review.resume.get(section) for section in _SECTIONS):
        raise NotACv(details={"reason": "nothing_found"})
    try:
        read = normalised_resume(review.resume)
    except InvalidProfile as error:
        _take_out(review, [row["path"] for row in error.details["errors"]])
        read = normalised_resume(review.resume)
    review.resume, review.changes = read.resume, read.changes
    return review


def _take_out(review: Review, paths: list[str]) -> None:
    """Move what no JSON Resume takes (an address that is none, say) to what the person has to look at."""
    for path in paths:
        *steps, last = path.split("/")
        place = review.resume
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        value = str(place.pop(last))
        review.found = [row for row in review.found if row["path"] != path]
        review.doubt(path, value, "not_valid")
