"""One item's model call by way of a vendor's batch: reserved and made ready, and taken up again once the
vendor has answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.utils import timezone
from pydantic import BaseModel

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.errors import DomainError
from accounts.models import User
from orchestration.batches import vendor_queue
from orchestration.batches.contents import Contents
from orchestration.batches.kinds import KINDS
from orchestration.calls import accounting
from orchestration.calls.accounting import Accounting
from orchestration.calls.call import Call
from orchestration.calls.elsewhere import Elsewhere
from orchestration.calls.orchestrator import AIOrchestrator, planned, question_of
from orchestration.calls.question import Beginning, GenerationResult, Question, begin
from orchestration.errors import (
    EconomyNotForKind,
    EconomyUnavailable,
    ProviderQuotaExhausted,
    ProvidersUnavailable,
)
from orchestration.models import BatchItem, EconomyCall, EconomyCallState
from orchestration.routing.candidates import Candidate, Needs, candidates
from orchestration.routing.snapshot import current_snapshot
from providers.adapters.base import GenerationRequest, Image
from providers.adapters.batching import closing
from providers.adapters.replies import form_in
from providers.errors import ProviderError, UndecryptableKey
from providers.registry import PROVIDER_TYPES
from providers.tasks import task_type
from usage.ledger import get_ledger
from usage.ledger.base import QuotaExceeded, Reservation, StaleRouting, UnknownPrice
from usage.ledger.reopened import left_open

# A worker that has reserved writes down at once what for; its row is believed in for so long until then.
_RESERVED_FOR = timedelta(minutes=10)
_MOST_REPLANS = 5


class Parked(Exception):
    """The item waits for a vendor's batch from now on, and is nobody's meanwhile."""


def refuse_unless_available(user: User, kind: str) -> None:
    """EconomyNotForKind, or EconomyUnavailable where no provider that could be asked has a batch API."""
    economy = KINDS[kind].economy
    if economy is None:
        raise EconomyNotForKind
    begun = begin(user, economy.task)
    snapshot, needs = begun.snapshot, Needs(structured_output=True)
    tier = snapshot.tier_for(begun.plan.slug, economy.task)
    if not _economical(candidates(snapshot, task=economy.task, tier=tier, needs=needs)):
        raise EconomyUnavailable


def _economical(order: Sequence[Candidate]) -> list[Candidate]:
    return [one for one in order if PROVIDER_TYPES[one.provider.provider_type].batches]


class EconomyAsking:
    """What an item's work asks in place of the orchestrator. `kept` is JSON of the item's, which is there
    again when the answer is."""

    def __init__(self, item: BatchItem, call: EconomyCall | None, contents: Contents) -> None:
        self._item, self._call, self._contents = item, call, contents
        self.kept = self._contents.kept
        self._accounting = Accounting(get_ledger())
        self._is_taken_up = False

    @classmethod
    async def of(cls, item: BatchItem, call: EconomyCall | None) -> EconomyAsking:
        """Raises cryptography's InvalidToken when no key opens what the call carries."""
        contents = await in_parsing_thread(Contents.of, call.sealed) if call else Contents()
        return cls(item, call, contents)

    async def ask(
        self,
        *,
        user: User,
        task: str,
        prompt: str,
        begun: Beginning,
        system_prompt: str = "",
        images: Sequence[Image] = (),
        response_model: type[BaseModel] | None = None,
    ) -> GenerationResult:
        """`AIOrchestrator.generate` as far as items use it. Parked when the question is on its way to the
        vendor; once it came back, its answer, or what the ordinary way makes of the failure. What is asked
        beside the one question goes the ordinary way."""
        request = GenerationRequest(
            prompt=prompt,
            system_prompt=system_prompt,
            images=tuple(images),
            response_model=response_model,
            max_output_tokens=task_type(task).max_output_tokens,
        )
        question = question_of(user, task, request, begun, prompt_version=begun.prompt_version)
        if self._call is None:
            await self._park(planned(question, begun))
            raise Parked
        if self._call.state == EconomyCallState.WAITING:
            raise Parked
        if self._is_taken_up or self._call.state == EconomyCallState.UNSENT:
            return await AIOrchestrator().ask(question, begun)
        self._is_taken_up = True
        return await _taken_up(self._call, self._contents, question, begun)

    async def _park(self, call: Call) -> None:
        for lost in await in_database_thread(left_open, call.question.request_id):
            # Of a worker that died between reserving and writing down what for.
            await self._accounting.settle(lost, accounting.unsent("abandoned"))
        try:
            candidate, reservation = await self._reserve(call)
        except DomainError as refusal:
            await self._accounting.refuse(
                call.unsent(now=timezone.now()), error_kind=refusal.code, error_message=refusal.message
            )
            raise
        try:
            if not await self._stored(call, candidate, reservation):
                await self._accounting.settle(reservation, accounting.unsent("cancelled"))
        except Exception:
            # Unless the database took it and only could not say so. Who is cancelled leaves that to the next
            # worker, because the thread that stores it goes on.
            if not await in_database_thread(vendor_queue.is_parked, reservation.log_id):
                await self._accounting.settle(reservation, accounting.unsent("abandoned"))
            raise

    async def _stored(self, call: Call, candidate: Candidate, reservation: Reservation) -> bool:
        """Whether the item was still this worker's, and waits for the vendor now."""
        most = reservation.attempt.max_output_tokens
        request = replace(call.request_for(candidate), max_output_tokens=most)
        async with closing(vendor_queue.api_of(candidate.provider, candidate.model_name)) as api:
            body = api.body_of(request)
        return await in_database_thread(
            vendor_queue.park,
            self._item,
            candidate=candidate,
            usage_row=reservation.log_id,
            contents=Contents(body=body, kept=self.kept),
            has_form=request.response_model is not None,
        )

    async def _reserve(self, call: Call) -> tuple[Candidate, Reservation]:
        """With the first candidate that has a batch API and room for the call."""
        for _ in range(_MOST_REPLANS):
            refusals: list[DomainError] = []
            try:
                for candidate in _economical(call.order):
                    now = timezone.now()
                    attempt = call.attempt_at(candidate, number=1, now=now)
                    try:
                        vendor_queue.key_of(candidate.provider)
                        parked = replace(attempt, expires_at=now + _RESERVED_FOR, is_parked=True)
                        return candidate, await self._accounting.reserve(parked)
                    except (UndecryptableKey, QuotaExceeded, UnknownPrice) as refusal:
                        if isinstance(refusal, QuotaExceeded) and refusal.details["scope"] != "provider":
                            raise
                        refusals.append(refusal)
            except StaleRouting:
                call.replan(await in_database_thread(current_snapshot))
            else:
                raise _nobody_had_room(refusals)
        raise ProvidersUnavailable(retry_after=1)


def _nobody_had_room(refusals: Sequence[DomainError]) -> DomainError:
    if quotas := [one for one in refusals if isinstance(one, QuotaExceeded)]:
        return ProviderQuotaExhausted.because(quotas)
    return refusals[0] if refusals else EconomyUnavailable()


async def _taken_up(
    call: EconomyCall, contents: Contents, question: Question, begun: Beginning
) -> GenerationResult:
    """The result that the vendor's answer makes; the ordinary way's where it failed or does not fit."""
    settlement = contents.settlement
    form, parsed = question.request.response_model, None
    text = contents.answer["text"] if contents.answer else ""
    error = contents.failure(call.provider_type)
    try:
        if error is None and form is not None:
            text, parsed = form_in(text, form, vendor=call.provider_type, usage=settlement.usage)
    except ProviderError as unread:
        error = unread
    if error is not None:
        identity = call.provider_type if call.from_environment else call.provider_config_id
        after = Elsewhere(identity, call.model_name, error, settlement.cost_usd)
        return await AIOrchestrator().ask(question, begun, after=after)
    providers = {one.config_id: one.name for one in begun.snapshot.providers}
    return GenerationResult(
        text=text,
        parsed=parsed,
        provider_type=call.provider_type,
        provider_config_id=call.provider_config_id,
        provider_name=providers.get(call.provider_config_id, call.provider_type),
        model_name=call.model_name,
        task=question.task,
        tier=begun.snapshot.tier_for(question.plan.slug, question.task),
        request_id=question.request_id,
        attempts=1,
        usage=settlement.usage,
        usage_source=settlement.usage_source,
        cost_usd=settlement.cost_usd,
        latency_ms=0,
        finish_reason=contents.answer["finish_reason"] if contents.answer else "",
    )
