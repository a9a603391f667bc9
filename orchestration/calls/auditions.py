"""One question put to chosen providers by a person who wants to see their answers: calls that count and cost
as any other, and are marked in the usage log."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from accounts.models import User
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import Beginning, GenerationResult, Question, begin
from orchestration.routing.names import Wanted
from providers.adapters.base import GenerationRequest, Image
from providers.model_names import plain_name
from providers.tasks import task_type
from usage.models import AIProviderUsageLog

# Stands as the prompt's version on the usage rows: the prompt was typed by hand.
TRY_IT = "try-it"
MOST_AT_ONCE = 3


class NotTryable(DomainError):
    code = "provider_not_tryable"
    status = 409
    message = (
        "Only a model of an active provider can be tried. Activate the provider, or choose another model."
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """One of a provider's two models."""

    config_id: int
    model_name: str


@dataclass(frozen=True, slots=True)
class Audition:
    """What came of one question: a result, or why there is none. `attempts` are its usage rows in order."""

    subject: Subject
    result: GenerationResult | None
    error: DomainError | None
    attempts: tuple[AIProviderUsageLog, ...]


async def audition(
    *,
    user: User,
    task: str,
    subjects: Sequence[Subject],
    prompt: str,
    images: Sequence[Image] = (),
    form: type[BaseModel] | None = None,
) -> list[Audition]:
    """Ask each of `subjects`, at most MOST_AT_ONCE, at the same time and no other in its place, as `user` and
    within their plan. Nothing is voted on, taken from the cache or counted in an experiment. A refusal or a
    failure is what came of that one; NotTryable when a subject is no model of an active provider."""
    begun = replace(await in_database_thread(begin, user, task), arm=None)
    request = GenerationRequest(
        prompt=prompt,
        images=tuple(images),
        response_model=form,
        max_output_tokens=task_type(task).max_output_tokens,
    )
    chosen = subjects[:MOST_AT_ONCE]
    if not all(_is_served(subject, begun) for subject in chosen):
        raise NotTryable
    questions = [_question(user, task, request, begun, subject) for subject in chosen]
    answers = await asyncio.gather(*(_ask(question, begun) for question in questions))
    rows = await in_database_thread(_rows, [question.request_id for question in questions])
    return [
        Audition(
            subject=subject,
            result=answer if isinstance(answer, GenerationResult) else None,
            error=answer if isinstance(answer, DomainError) else None,
            attempts=tuple(row for row in rows if row.request_id == question.request_id),
        )
        for subject, question, answer in zip(chosen, questions, answers, strict=True)
    ]


async def _ask(question: Question, begun: Beginning) -> GenerationResult | DomainError:
    try:
        return await AIOrchestrator().ask(question, begun)
    except DomainError as error:
        return error


def _question(
    user: User, task: str, request: GenerationRequest, begun: Beginning, subject: Subject
) -> Question:
    return Question(
        user_id=user.pk,
        task=task,
        **begun.account,
        request=request,
        # Of its own: those of one page would otherwise be attempts of one call.
        request_id=uuid.uuid4().hex,
        prompt_version=TRY_IT,
        wanted=Wanted(task, plain_name(subject.model_name), config_id=subject.config_id),
    )


def _is_served(subject: Subject, begun: Beginning) -> bool:
    return any(
        provider.config_id == subject.config_id
        and subject.model_name in (provider.fast_model, provider.quality_model)
        for provider in begun.snapshot.providers
    )


def _rows(request_ids: Sequence[str]) -> list[AIProviderUsageLog]:
    return list(AIProviderUsageLog.objects.filter(request_id__in=request_ids).order_by("attempt", "pk"))
