"""From a posting and a profile to a stored draft: read, ask, compose, keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils import timezone
from pydantic import BaseModel

from accounts.concurrency import in_database_thread
from accounts.models import User
from drafting.cv import compose_cv
from drafting.errors import JobTooThin, SourceNotFound
from drafting.facts import FactSheet, read_facts, require_substance
from drafting.grounding import Grounding, Reason, Refusal, note
from drafting.language import DEFAULT, detect
from drafting.letter import compose_letter
from drafting.models import Draft, Kind, MasterProfile
from drafting.options import CV_LIMITS, DraftOptions
from drafting.prompts import COMPACT, FULL, Budget, Prompt, cv_prompt, letter_prompt
from drafting.relevance import posting_text
from drafting.replies import CvReply, LetterReply
from drafting.resume import check_resume
from drafting.versions import save_next_version, series_of
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.calls.orchestrator import AIOrchestrator, Beginning, begin
from orchestration.calls.results import GenerationResult
from orchestration.errors import InputTooLong

Reply = TypeVar("Reply", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """What a draft is made from. The ids are None for a posting or profile sent along with the request."""

    job: JobData
    job_id: int | None
    facts: FactSheet
    profile_id: int | None


def load_source(
    *,
    user: User,
    job_id: int | None = None,
    job_data: JobData | None = None,
    profile_id: int | None = None,
    master_profile: object = None,
) -> Source:
    """Read what the draft is made from; exactly one of each pair must be given.

    Raises SourceNotFound for rows that are not the user's, InvalidProfile, ProfileTooThin or JobTooThin.
    """
    if job_data is None:
        posting = None if job_id is None else JobPosting.objects.filter(user=user, pk=job_id).first()
        if posting is None:
            raise SourceNotFound(details={"field": "job_id"})
        job_data = JobData.model_validate(posting.data)
    if not (job_data.title or "").strip() and not (job_data.hiring_organization or "").strip():
        raise JobTooThin
    if master_profile is None:
        profile = (
            None if profile_id is None else MasterProfile.objects.filter(user=user, pk=profile_id).first()
        )
        if profile is None:
            raise SourceNotFound(details={"field": "profile_id"})
        master_profile = profile.resume
    facts = read_facts(check_resume(master_profile))
    require_substance(facts)
    return Source(job=job_data, job_id=job_id, facts=facts, profile_id=profile_id)


async def draft_cv(*, user: User, source: Source, options: DraftOptions) -> Draft:
    """Draft a CV and store it as the next version of its series; raises what the orchestrator raises."""
    facts, job = source.facts, source.job
    detected = detect(facts.text)
    language = options.language or detected or DEFAULT
    lines = CV_LIMITS[options.length].rewritten_lines
    begun = await in_database_thread(begin, user, "cv_draft")

    def prompt(budget: Budget) -> Prompt:
        return cv_prompt(
            facts,
            job,
            options=options,
            language=language,
            lines=lines,
            budget=budget,
            version=begun.prompt_version,
        )

    result = await _ask(user, "cv_draft", begun, prompt)
    grounding = _grounding(source, language, detected)
    cv = compose_cv(facts, _parsed(result, CvReply), job=job, grounding=grounding, length=options.length)
    notes = _translation_note(language, detected) + cv.grounding
    draft = Draft(
        content=cv.content,
        changes=cv.changes,
        grounding=notes,
        prompt_version=begun.prompt_version,
        **_described(user, Kind.CV, source, options, language),
    )
    return await in_database_thread(save_next_version, draft, result=result)


async def write_letter(*, user: User, source: Source, options: DraftOptions) -> Draft:
    """Write a cover letter and store it as the next version of its series; raises what the orchestrator
    raises."""
    facts, job = source.facts, source.job
    detected = detect(facts.text)
    language = options.language or detect(posting_text(job)) or detected or DEFAULT
    begun = await in_database_thread(begin, user, "cover_letter")

    def prompt(budget: Budget) -> Prompt:
        return letter_prompt(
            facts, job, options=options, language=language, budget=budget, version=begun.prompt_version
        )

    result = await _ask(user, "cover_letter", begun, prompt)
    letter = compose_letter(
        facts,
        _parsed(result, LetterReply),
        job=job,
        grounding=_grounding(source, language, detected),
        options=options,
        language=language,
        today=timezone.localdate(),
    )
    notes = _translation_note(language, detected) + letter.grounding
    draft = Draft(
        content=letter.content,
        changes=letter.changes,
        grounding=notes,
        prompt_version=begun.prompt_version,
        **_described(user, Kind.COVER_LETTER, source, options, language),
    )
    return await in_database_thread(save_next_version, draft, result=result)


async def _ask(
    user: User, task: str, begun: Beginning, prompt_for: Callable[[Budget], Prompt]
) -> GenerationResult:
    """Ask with the full prompt; once more with the compact one where no model can read the full one."""
    orchestrator = AIOrchestrator()

    def asking(prompt: Prompt) -> Awaitable[GenerationResult]:
        return orchestrator.generate(
            user=user,
            task=task,
            prompt=prompt.text,
            system_prompt=prompt.system,
            response_model=prompt.form,
            begun=begun,
            is_repeatable=True,
        )

    try:
        return await asking(prompt_for(FULL))
    except InputTooLong:
        return await asking(prompt_for(COMPACT))


def _parsed(result: GenerationResult, form: type[Reply]) -> Reply:
    if not isinstance(result.parsed, form):
        raise TypeError(f"the orchestrator returned no {form.__name__}")
    return result.parsed


def _grounding(source: Source, language: str, detected: str | None) -> Grounding:
    return Grounding(
        source.facts,
        posting=posting_text(source.job),
        language=language,
        is_translation=_is_translation(language, detected),
    )


def _is_translation(language: str, detected: str | None) -> bool:
    return detected is not None and detected != language


def _translation_note(language: str, detected: str | None) -> list[dict[str, Any]]:
    return [note("language", Refusal(Reason.TRANSLATED))] if _is_translation(language, detected) else []


def _described(
    user: User, kind: Kind, source: Source, options: DraftOptions, language: str
) -> dict[str, Any]:
    """The columns that say who asked for what."""
    series = series_of(
        kind=kind.value,
        job=source.job_id or source.job.model_dump(mode="json"),
        profile=source.profile_id or source.facts.resume,
    )
    return {
        "user": user,
        "kind": kind,
        "series": series,
        "job_id": source.job_id,
        "profile_id": source.profile_id,
        "title": (source.job.title or "")[:300],
        "hiring_organization": (source.job.hiring_organization or "")[:300],
        "parameters": {"language": language, "tone": options.tone.value, "length": options.length.value},
    }
