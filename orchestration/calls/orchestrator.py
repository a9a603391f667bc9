"""The one door to the vendors: plan and model, quota, the call, the account of it, and the next candidate."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from django.utils import timezone
from django_guid import get_guid
from pydantic import BaseModel

from accounts.concurrency import in_database_thread
from accounts.errors import DomainError
from accounts.models import User
from accounts.standing import Login
from orchestration.calls import voting
from orchestration.calls.accounting import Accounting
from orchestration.calls.call import Call
from orchestration.calls.elsewhere import Elsewhere
from orchestration.calls.loop import Asking
from orchestration.calls.question import (
    Beginning,
    CallBudget,
    GenerationResult,
    Question,
    assume,
    begin,
    still_stands,
)
from orchestration.calls.reply_cache import ReplyCache
from orchestration.calls.streaming import GenerationStream, Pieces
from orchestration.guards.admission import Admission
from orchestration.guards.base import GuardStore, get_guards
from providers.adapters.base import GenerationRequest, Image
from providers.adapters.manner import PLAIN
from providers.tasks import task_type
from usage.ledger import get_ledger
from usage.ledger.base import Ledger, StaleRouting
from usage.metrics import observers


class AIOrchestrator:
    """`await AIOrchestrator().generate(…)`; synchronous code goes through `accounts.concurrency.run`."""

    def __init__(self, *, ledger: Ledger | None = None, guards: GuardStore | None = None) -> None:
        self._guards = guards or get_guards()
        ledger = ledger or get_ledger()
        self._has_stamps = ledger.has_stamps
        self._accounting = Accounting(ledger)
        self._admission = Admission(self._guards)
        self._asking = Asking(self._accounting, self._admission)

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
        begun: Beginning | None = None,
        is_repeatable: bool = False,
        rather_than: int | str | None = None,
        login: Login | None = None,
        stable: int = 0,
    ) -> GenerationResult:
        """Ask the best provider for `task` (a slug of providers.tasks) and account for every attempt.

        `is_repeatable`: an answer this user got to the same question may be given again, for as long as the
        task's policy says. `prompt_version` names the prompt that was used, for the account of experiments.
        `rather_than` is a provider (config id, or type where the key is the environment's) whose vendor is
        asked only when no other answers: for a second opinion.
        Who needs to know more before the prompt is written gives what `begin` returned as `begun`; the
        version is the one named there then. `login` is the one the call is made by, for who has not looked
        whether it has ended: SignedOut then. Of `user` no more than the id is needed with it. With so many
        letters as `stable` the prompt of other calls begins, too, which vendors may keep.

        Raises TooManyCalls, QuotaExceeded, ProviderQuotaExhausted, NoActiveProvider, NoCapableProvider,
        ProvidersUnavailable, UnknownPrice, InputTooLong or UndecryptableKey when nothing was sent;
        RequestRefused and its kin when the vendor finds fault with the request; ProviderFailed or
        ProviderTimedOut when every candidate failed. Makes at most question.MAX_ATTEMPTS requests, or
        voting.MOST_REQUESTS a vote, and takes no longer than the policy's deadline. Cancelling it settles the
        attempt in flight as aborted.
        """
        request = _request(
            task, prompt, system_prompt, images, form=response_model, most=max_output_tokens, stable=stable
        )
        asked = partial(
            Question,
            user_id=user.pk,
            task=task,
            request=request,
            request_id=get_guid() or uuid.uuid4().hex,
            prompt_version=begun.prompt_version if begun else prompt_version,
            rather_than=rather_than,
        )
        # What is said without the ledger, as an answer from the cache is, has to go by what was read.
        if begun is None and self._has_stamps and not is_repeatable:
            assumed = assume(user, task, login)
            if assumed and not assumed.is_vote(response_model):
                family = login.family if login else None
                question = asked(**assumed.account, stamp=assumed.stamp, login_family=family or None)
                with suppress(StaleRouting):
                    return await self._answer_to(question, assumed, is_repeatable=False)
        if begun is None:
            begun = await in_database_thread(begin, user, task, login)
        return await self._answer_to(asked(**begun.account), begun, is_repeatable=is_repeatable)

    def stream(
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
        begun: Beginning | None = None,
        stable: int = 0,
    ) -> GenerationStream:
        """`generate`, with the text as it comes; neither voted on nor answered from the cache.

        Once the first piece is there no other provider is asked. An answer that ends before its time is
        settled at what the vendor reported, else at an estimate by the text that came.
        """
        request = _request(
            task, prompt, system_prompt, images, form=response_model, most=max_output_tokens, stable=stable
        )

        async def answer(pieces: Pieces) -> GenerationResult:
            beginning = begun if begun else await in_database_thread(begin, user, task)
            version = begun.prompt_version if begun else prompt_version or beginning.prompt_version
            question = question_of(user, task, request, beginning, prompt_version=version)
            return await self.ask(question, beginning, pieces=pieces)

        return GenerationStream(answer)

    def stream_of(self, question: Question, begun: Beginning) -> GenerationStream:
        """`ask`, with the text as it comes."""
        return GenerationStream(lambda pieces: self.ask(question, begun, pieces=pieces))

    async def ask(
        self,
        question: Question,
        begun: Beginning,
        *,
        pieces: Pieces | None = None,
        after: Elsewhere | None = None,
    ) -> GenerationResult:
        """`generate` for a question that is put together already, with `pieces` as a stream; `after` an
        attempt that failed elsewhere. StaleRouting when `begun` was assumed, and is not so any more; nothing
        was sent then."""
        return await self._answer_to(question, begun, is_repeatable=False, pieces=pieces, after=after)

    async def _answer_to(
        self,
        question: Question,
        begun: Beginning,
        *,
        is_repeatable: bool,
        pieces: Pieces | None = None,
        after: Elsewhere | None = None,
    ) -> GenerationResult:
        """The answer. StaleRouting when what the question assumed has changed, and nothing was sent."""
        call = planned(question, begun)
        call.pieces = pieces
        if after is not None:
            after.put_into(call)
        with observers.calling(task=question.task, request_id=question.request_id):
            return await self._let_in(call, is_repeatable=is_repeatable)

    async def _let_in(self, call: Call, *, is_repeatable: bool) -> GenerationResult:
        """Past the gates of the user and the token; what ends before a vendor was asked is logged here."""
        question = call.question
        # With the pass where the call has but one; it comes in by itself where there may be none or several.
        is_with_pass = bool(call.order) and not (call.is_put_to_vote or (is_repeatable and call.is_cached))
        visiting = self._admission.user(
            question.user_id, question.plan, seconds=call.policy.deadline, is_with_pass=is_with_pass
        )
        try:
            async with (
                self._admission.token(question.token, seconds=call.policy.deadline) as with_token,
                visiting as call.visit,
            ):
                try:
                    return await self._answer(call, is_repeatable=is_repeatable)
                except (StaleRouting, DomainError) as error:
                    if await _is_outdated(call, error):
                        call.visit.is_counted = with_token.is_counted = False
                        raise StaleRouting from None
                    raise
        except DomainError as refusal:
            if await _is_outdated(call, refusal):
                raise StaleRouting from None
            if call.budget.attempts == 0:
                await self._accounting.refuse(
                    call.unsent(now=timezone.now()), error_kind=refusal.code, error_message=refusal.message
                )
            raise

    async def _answer(self, call: Call, *, is_repeatable: bool) -> GenerationResult:
        async def ask() -> GenerationResult:
            if call.is_put_to_vote and call.pieces is None:
                return await voting.answer(call, self._asking.answer)
            return await self._asking.answer(call)

        if is_repeatable and call.is_cached:
            return await ReplyCache(self._guards, self._accounting).answer(call, ask)
        return await ask()


def _request(
    task: str,
    prompt: str,
    system_prompt: str,
    images: Sequence[Image],
    *,
    form: type[BaseModel] | None,
    most: int | None,
    stable: int,
) -> GenerationRequest:
    return GenerationRequest(
        prompt=prompt,
        system_prompt=system_prompt,
        images=tuple(images),
        response_model=form,
        max_output_tokens=most or task_type(task).max_output_tokens,
        stable=stable,
    )


def question_of(
    user: User,
    task: str,
    request: GenerationRequest,
    begun: Beginning,
    *,
    prompt_version: str = "",
    rather_than: int | str | None = None,
) -> Question:
    """What `user` asks, as `AIOrchestrator.ask` takes it."""
    return Question(
        user_id=user.pk,
        task=task,
        **begun.account,
        request=request,
        request_id=get_guid() or uuid.uuid4().hex,
        prompt_version=prompt_version,
        rather_than=rather_than,
        stamp=begun.stamp,
    )


async def _is_outdated(call: Call, error: Exception) -> bool:
    """Whether a call has come to its end by what was assumed, and is not so any more."""
    if not call.is_assumed or isinstance(error, StaleRouting):
        return call.is_assumed
    question, revision = call.question, call.snapshot.revision
    call.is_verified = await in_database_thread(
        still_stands,
        question.user_id,
        question.stamp,
        question.login_family,
        revision=revision,
        token=question.token,
    )
    return call.is_assumed


def planned(question: Question, begun: Beginning) -> Call:
    """A call that may take as long as the task's policy says, from now on the running event loop."""
    policy = begun.snapshot.policy_of(question.task)
    deadline = asyncio.get_running_loop().time() + policy.deadline
    if policy.manner is not PLAIN:
        question = replace(question, request=replace(question.request, manner=policy.manner))
    arm = begun.arm
    if arm and arm.prompt_version not in ("", question.prompt_version):
        # The prompt is not the arm's, so neither is this call.
        arm = None
    call = Call(question, begun.snapshot, order=(), budget=CallBudget(deadline=deadline), arm=arm)
    call.replan(begun.snapshot)
    return call
