"""The one door to the vendors: plan and model, quota, the call, the account of it, and the next candidate."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.utils import timezone
from django_guid import get_guid
from pydantic import BaseModel

from accounts.database import in_database_thread
from accounts.errors import DomainError
from accounts.models import User
from accounts.plans import plan_of
from orchestration.calls import voting
from orchestration.calls.accounting import Accounting
from orchestration.calls.call import Call, Question
from orchestration.calls.loop import Asking
from orchestration.calls.plan import planned
from orchestration.calls.reply_cache import ReplyCache
from orchestration.calls.results import GenerationResult
from orchestration.guards import get_guards
from orchestration.guards.admission import Admission
from orchestration.guards.base import GuardStore
from orchestration.routing.snapshot import current_snapshot
from providers.adapters.base import GenerationRequest, Image
from providers.tasks import task_type
from usage.ledger import get_ledger
from usage.ledger.base import Ledger


class AIOrchestrator:
    """`await AIOrchestrator().generate(…)`; synchronous code goes through `orchestration.background.run`."""

    def __init__(self, *, ledger: Ledger | None = None, guards: GuardStore | None = None) -> None:
        guards = guards or get_guards()
        self._accounting = Accounting(ledger or get_ledger())
        self._admission = Admission(guards)
        self._asking = Asking(self._accounting, self._admission)
        self._replies = ReplyCache(guards, self._accounting)

    async def generate(
        self,
        *,
        user: User,
        task: str,
        prompt: str,
        system_prompt: str = "",
        images: Sequence[Image] = (),
        response_model: type[BaseModel] | None = None,
        max_output_tokens: int | None = None,
        prompt_version: str = "",
        is_repeatable: bool = False,
        rather_than: int | str | None = None,
    ) -> GenerationResult:
        """Ask the best provider for `task` (a slug of providers.tasks) and account for every attempt.

        `is_repeatable`: an answer this user got to the same question may be given again, for as long as the
        task's policy says. `prompt_version` names the prompt that was used, for the account of experiments.
        `rather_than` is a provider (config id, or type where the key is the environment's) whose vendor is
        asked only when no other answers: for a second opinion.

        Raises TooManyCalls, QuotaExceeded, ProviderQuotaExhausted, NoActiveProvider, NoCapableProvider,
        ProvidersUnavailable, UnknownPrice, InputTooLong or UndecryptableKey when nothing was sent;
        RequestRefused and its kin when the vendor finds fault with the request; ProviderFailed or
        ProviderTimedOut when every candidate failed. Makes at most resilience.MAX_ATTEMPTS requests, or
        voting.MOST_REQUESTS a vote, and takes no longer than the policy's deadline. Cancelling it settles the
        attempt in flight as aborted.
        """
        request = GenerationRequest(
            prompt=prompt,
            system_prompt=system_prompt,
            images=tuple(images),
            response_model=response_model,
            max_output_tokens=max_output_tokens or task_type(task).max_output_tokens,
        )
        plan, snapshot = await in_database_thread(lambda: (plan_of(user.pk), current_snapshot()))
        question = Question(
            user_id=user.pk,
            calendar=user.calendar,
            task=task,
            plan=plan,
            request=request,
            request_id=get_guid() or uuid.uuid4().hex,
            prompt_version=prompt_version,
            rather_than=rather_than,
        )
        call = planned(question, snapshot)
        try:
            async with self._admission.user(user.pk, plan, seconds=call.policy.deadline):
                return await self._answer(call, is_repeatable=is_repeatable)
        except DomainError as refusal:
            if call.budget.attempts == 0:
                await self._accounting.refuse(
                    call.unsent(now=timezone.now()), error_kind=refusal.code, error_message=refusal.message
                )
            raise

    async def _answer(self, call: Call, *, is_repeatable: bool) -> GenerationResult:
        async def ask() -> GenerationResult:
            if call.policy.votes > 1 and call.question.request.response_model is not None:
                return await voting.answer(call, self._asking.answer)
            return await self._asking.answer(call)

        if is_repeatable and call.policy.cache_seconds:
            return await self._replies.answer(call, ask)
        return await ask()
