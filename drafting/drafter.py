"""From a posting and a profile to a stored draft: read, ask, check, compose, keep."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from drafting.check.evidence import Claim, Said
from drafting.check.reasons import Reason, Refusal, note
from drafting.cv import compose_cv
from drafting.errors import JobTooThin, SourceNotFound
from drafting.facts import PROFILE_SUMMARY, FactSheet, match, posting_text, read_facts, require_substance
from drafting.language import DEFAULT, codes, detect
from drafting.letter import compose_letter
from drafting.models import Draft, Kind, MasterProfile
from drafting.options import DraftOptions
from drafting.pages import fit_pages
from drafting.replies import BRIDGE, CvReply, LetterReply, QuotedClaim, tidy
from drafting.resume import dates_out_of_order, normalised_resume
from drafting.versions import account_for, save_next_version, series_of
from drafting.writing import Writer
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.calls.heard import Hear
from orchestration.calls.question import GenerationResult, begin


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
    facts = read_facts(normalised_resume(master_profile).resume)
    require_substance(facts)
    return Source(job=job_data, job_id=job_id, facts=facts, profile_id=profile_id)


async def draft_cv(*, user: User, source: Source, options: DraftOptions, hear: Hear | None = None) -> Draft:
    """Draft a CV and store it as the next version of its series; raises what the orchestrator raises. `hear`
    is told the texts as the writer writes them, unchecked."""
    facts = source.facts
    profile_language = await in_parsing_thread(detect, facts.text)
    language = options.language or (profile_language if profile_language in codes() else None) or DEFAULT
    writer = Writer(
        user,
        facts,
        source.job,
        options,
        language=language,
        profile_language=profile_language,
        hear=hear,
    )
    wording = (await in_database_thread(begin, user, "cv_draft")).prompt
    reply = await writer.cv(wording)
    checked = await writer.checked(cv_texts(facts, reply))
    cv = await in_parsing_thread(compose_cv, facts, reply, checked, job=source.job, options=options)
    report = await in_parsing_thread(match, facts, source.job)
    pages = await fit_pages(cv, facts, job=source.job, language=language, options=options)
    warnings = dates_out_of_order(facts.resume)
    draft = Draft(
        content=cv.content,
        changes=cv.changes,
        grounding=_language_notes(language, profile_language) + cv.grounding,
        proofs=cv.proofs,
        report={"match": report.as_dict(), "pages": pages, "warnings": warnings},
        **_described(user, Kind.CV, source, options, language=language, version=wording.version),
    )
    return await in_database_thread(save_next_version, accounted(draft, writer.calls))


async def write_letter(
    *, user: User, source: Source, options: DraftOptions, hear: Hear | None = None
) -> Draft:
    """Write a cover letter and store it as the next version of its series; raises what the orchestrator
    raises. `hear` is told the texts as the writer writes them, unchecked."""
    facts, job = source.facts, source.job
    profile_language = await in_parsing_thread(detect, facts.text)
    asked = await in_parsing_thread(detect, posting_text(job))
    language = options.language or next((one for one in (asked, profile_language) if one in codes()), DEFAULT)
    writer = Writer(
        user, facts, job, options, language=language, profile_language=profile_language, hear=hear
    )
    wording = (await in_database_thread(begin, user, "cover_letter")).prompt
    reply = await writer.letter(wording)
    checked = await writer.checked(letter_texts(reply))
    report = await in_parsing_thread(match, facts, job)
    letter = await in_parsing_thread(
        compose_letter,
        facts,
        reply,
        checked,
        job=job,
        report=report,
        options=options,
        language=language,
        today=user.today,
    )
    draft = Draft(
        content=letter.content,
        changes=letter.changes,
        grounding=_language_notes(language, profile_language) + letter.grounding,
        proofs=letter.proofs,
        report={"match": report.as_dict()},
        **_described(user, Kind.COVER_LETTER, source, options, language=language, version=wording.version),
    )
    return await in_database_thread(save_next_version, accounted(draft, writer.calls))


def cv_texts(facts: FactSheet, reply: CvReply) -> list[Said]:
    """The texts of a CV that are worth checking: those that differ from the profile's, one for each line."""
    texts: dict[str, Said] = {}
    summary = tidy(reply.summary)
    if summary and summary != facts.summary:
        texts[PROFILE_SUMMARY] = Said(PROFILE_SUMMARY, "summary", summary)
    for line in reply.lines:
        text, original = tidy(line.text), facts.line_by_id.get(line.source)
        if original and line.source not in texts and text != " ".join(original.text.split()):
            texts[line.source] = Said(line.source, "line", text, (line.source,), _claims(line.claims))
    return list(texts.values())


def letter_texts(reply: LetterReply) -> list[Said]:
    texts = []
    for number, one in enumerate(reply.sentences, start=1):
        is_bridge = one.kind == BRIDGE
        sources = () if is_bridge else tuple(dict.fromkeys(one.sources))
        place = "bridge" if is_bridge else "evidence"
        texts.append(Said(f"sentence-{number}", place, tidy(one.text), sources, _claims(one.claims)))  # type: ignore[arg-type]
    return texts


def _claims(claims: list[QuotedClaim]) -> tuple[Claim, ...]:
    return tuple(Claim(claim.words, claim.quote) for claim in claims)


def _language_notes(language: str, profile_language: str | None) -> list[dict[str, Any]]:
    """What is to be said where the draft is in another language than the profile."""
    if profile_language is None or profile_language == language:
        return []
    is_readable = profile_language in codes()
    return [note("language", Refusal(Reason.TRANSLATED if is_readable else Reason.UNTRANSLATED))]


def accounted(draft: Draft, calls: list[GenerationResult]) -> Draft:
    """The unsaved draft with the account of all calls that made it: the writer's own, then what was added to
    it."""
    draft.calls = [_call(result) for result in calls]
    costs = [result.cost_usd for result in calls]
    known = [cost for cost in costs if cost is not None]
    cost = sum(known, Decimal(0)) if len(known) == len(costs) else None
    account_for(draft, result=calls[0], cost_usd=cost)
    return draft


def _call(result: GenerationResult) -> dict[str, Any]:
    return {
        "task": result.task,
        "provider": result.provider_type,
        "provider_name": result.provider_name,
        "model": result.model_name,
        "request_id": result.request_id,
        "total_tokens": result.usage.total_tokens,
        "cost_usd": None if result.cost_usd is None else format(result.cost_usd, "f"),
        "cached": result.cached,
    }


def _described(
    user: User, kind: Kind, source: Source, options: DraftOptions, *, language: str, version: str
) -> dict[str, Any]:
    """The columns that say who asked for what."""
    series = series_of(
        kind=kind.value,
        job=source.job_id or source.job.model_dump(mode="json"),
        profile=source.profile_id or source.facts.resume,
        variant=options.variant,
    )
    return {
        "user": user,
        "kind": kind,
        "series": series,
        "job_id": source.job_id,
        "profile_id": source.profile_id,
        "title": (source.job.title or "")[:300],
        "hiring_organization": (source.job.hiring_organization or "")[:300],
        "prompt_version": version,
        "parameters": {"language": language, "tone": options.tone.value, "length": options.length.value}
        | options.chosen,
    }
