"""What a model read in a picture, held against the text that it says stands there."""

from __future__ import annotations

from extraction.errors import NoPostingInImage
from extraction.findings import Findings
from extraction.kind import refusal
from extraction.prompts import FactsAnswer, ImageAnswer
from extraction.prose import put_stated
from extraction.support import SourceText
from extraction.verification import put_verified
from extraction.visible.page import read_text


def put_from_picture(findings: Findings, answer: ImageAnswer) -> None:
    """Put what the answer says as far as its own transcript supports it; without a transcript, what it says.
    Nobody else has seen the picture, and the record says so. Raises NoPostingInImage for a picture that
    cannot be read, or shows no posting."""
    page = read_text(answer.text or "")
    if answer.is_job_posting is False or (page.text and refusal(page, is_pasted=True) is not None):
        raise NoPostingInImage(
            "This picture shows no job posting. Send one of a job posting, or paste the posting's text.",
            details={"reason": "not_a_posting"},
        )
    spoken = _spoken(answer)
    if answer.is_readable is False and not (page.text or spoken):
        raise NoPostingInImage(details={"reason": "unreadable"})
    put_verified(findings, answer, SourceText(page.text or spoken, page.locale))
    if page.text:
        put_stated(findings, page)
        findings.put("description", page.text, "model")
        findings.sources = dict.fromkeys(findings.sources, "model")
    if not findings.sources:
        raise NoPostingInImage(details={"reason": "unreadable"})
    if answer.is_cropped:
        findings.warn(None, "cropped_image")
    findings.warn(None, "unverified_image")


def _spoken(answer: FactsAnswer) -> str:
    """All that was answered, a line each."""
    spans: list[str] = []
    for value in answer.model_dump(exclude={"text"}).values():
        spans += [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return "\n".join(spans)
