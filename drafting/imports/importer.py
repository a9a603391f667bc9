"""From what a person brought to the review form of a profile. Nothing is saved here."""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass

from django_guid import get_guid

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from drafting.errors import InvalidProfile
from drafting.imports.contacts import Person
from drafting.imports.documents import Document, read_document, read_pasted
from drafting.imports.errors import NotACv
from drafting.imports.forms import IMPORT_PROMPTS, TASK, CvAnswer
from drafting.imports.reading import put_answer
from drafting.imports.review import Review
from drafting.resume import normalised_resume
from extraction.prompts import without_instructions
from orchestration.calls.beginnings import begin
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.results import GenerationResult

_SECTIONS = (
    "work", "education", "projects", "volunteer", "skills", "certificates", "languages", "awards",
    "publications",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """A finished import. `kind` is pdf, docx, text, linkedin or json; `result` is None when no model was
    asked; `latency_ms` is the whole of it."""

    kind: str
    review: Review
    result: GenerationResult | None
    request_id: str
    latency_ms: int


async def import_profile(*, user: User, content: bytes | None = None, text: str | None = None) -> Import:
    """Read exactly one of a file's bytes and a text into a profile to look over.

    Bad input raises an error of `drafting.imports.errors` (or InvalidProfile, for JSON that is no resume)
    before anything is spent; the orchestrator's errors pass through.
    """
    if (content is None) == (text is None):
        raise ValueError("give exactly one of content and text")
    started = time.monotonic()
    if content is not None:
        document = await read_document(content)
    else:
        document = await in_parsing_thread(read_pasted, text or "")
    review, result = document.review, None
    if review is None:
        review, result = await _asked(user, document)
    elif document.kind == "linkedin":
        await in_parsing_thread(_checked, review)
    return Import(
        kind=document.kind,
        review=review,
        result=result,
        request_id=result.request_id if result else get_guid() or uuid.uuid4().hex,
        latency_ms=round((time.monotonic() - started) * 1000),
    )


async def _asked(user: User, document: Document) -> tuple[Review, GenerationResult]:
    person = Person(document.text)
    prompt = await in_parsing_thread(cv_prompt, person)
    begun = await in_database_thread(begin, user, TASK)
    result = await AIOrchestrator().generate(
        user=user,
        task=TASK,
        prompt=prompt,
        system_prompt=IMPORT_PROMPTS[begun.prompt_version],
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
