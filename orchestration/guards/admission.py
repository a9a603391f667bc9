"""Who may be asked right now: circuits, rates and places under way, over all processes."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import ceil

from accounts.concurrency import keep, kept
from accounts.models import PersonalToken, Plan
from orchestration.errors import ProvidersUnavailable, TooManyCalls
from orchestration.guards.base import Gate, GateAnswer, GuardStore
from orchestration.guards.circuit import Circuit
from orchestration.guards.fair_queue import waiting_room
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import ProviderSnapshot
from providers.errors import ProviderError

# Added to the time a call may take before its place is given to others, should its process have died.
_MARGIN = 60.0
# Seconds between looks at a gate that cannot say when there will be room, and the longest between any two.
_LOOK_AGAIN, _LOOK_AT_LEAST = 0.05, 1.0


@dataclass(slots=True)
class Pass:
    """One candidate's leave to be asked once. `sent` before the request leaves makes it count for the
    provider's rate; `answered` or `failed` before it ends tells the circuit how the vendor did, neither that
    nobody knows. `in_a_row`: so many have failed like this at its end, with no answer between them."""

    candidate: Candidate
    call: str
    gate: Gate
    user_id: int
    was_sent: bool = False
    was_answered: bool = False
    error: ProviderError | None = None
    is_helped: bool = False
    in_a_row: int = 0

    def sent(self) -> None:
        self.was_sent = True

    def answered(self) -> None:
        self.was_answered = True

    def failed(self, error: ProviderError, *, is_helped: bool = False) -> None:
        """`is_helped`: the next request will be made without what was refused."""
        self.error, self.is_helped = error, is_helped

    @property
    def whose(self) -> str:
        """By whom or what its failure is counted among others like it."""
        flag = self.error.meaning.flag if self.error and not self.is_helped else None
        if flag is None:
            return ""
        return str(self.user_id) if flag.counted == "callers" else self.call


@dataclass(frozen=True, slots=True)
class Unavailable:
    """`wait` in seconds until the candidate may be free, 0 when nobody can tell. `is_busy`: waiting helps."""

    candidate: Candidate
    wait: float
    is_busy: bool


class Admission:
    def __init__(self, guards: GuardStore) -> None:
        self._guards = guards

    @asynccontextmanager
    async def user(self, user_id: int, plan: Plan, *, seconds: float) -> AsyncIterator[None]:
        """Count a call of at most `seconds` against the plan's rate and concurrency; TooManyCalls if it is
        one too many."""
        gate = Gate(f"user:{user_id}", plan.requests_per_minute, plan.max_concurrent_calls)
        async with self._through(gate, seconds=seconds, whose="Your plan"):
            yield

    @asynccontextmanager
    async def token(self, token: PersonalToken | None, *, seconds: float) -> AsyncIterator[None]:
        """Likewise against the rate and concurrency of the access token that it is made with, if any."""
        if token is None:
            yield
            return
        gate = Gate(f"access_token:{token.pk}", token.requests_per_minute, token.max_concurrent_calls)
        async with self._through(gate, seconds=seconds, whose="This access token"):
            yield

    @asynccontextmanager
    async def _through(self, gate: Gate, *, seconds: float, whose: str) -> AsyncIterator[None]:
        if not gate.is_needed:
            yield
            return
        call = uuid.uuid4().hex

        async def give_back(entry: GateAnswer) -> None:
            await self._guards.leave(gate, call)

        entering = self._guards.enter(gate, call, now=time.time(), seconds=seconds + _MARGIN)
        entry = await kept(entering, undo=give_back)
        if not entry.admitted:
            raise TooManyCalls.because(entry.cause, wait=entry.wait, gate=gate, whose=whose)
        try:
            yield
        finally:
            await asyncio.shield(keep(self._guards.leave(gate, call)))

    @asynccontextmanager
    async def first(
        self, candidates: Sequence[Candidate], *, user_id: int, deadline: float
    ) -> AsyncIterator[Pass]:
        """A pass for the first candidate that may be asked now, or as soon as one has room; the outcome told
        to it reaches all processes at the end. ProvidersUnavailable when none will have room before
        `deadline` (of the event loop's clock)."""
        granted = await self._grant(candidates, user_id=user_id, deadline=deadline)
        try:
            yield granted
        finally:
            await asyncio.shield(keep(self._end(granted)))

    async def _grant(self, candidates: Sequence[Candidate], *, user_id: int, deadline: float) -> Pass:
        found = await self._look(candidates, user_id=user_id)
        if isinstance(found, Pass):
            return found
        busy = _worth_waiting_for(found, deadline)
        room = waiting_room(gate_of(busy.candidate.provider).key)
        try:
            async with asyncio.timeout_at(deadline), room.turn(user_id):
                while True:
                    found = await self._look(candidates, user_id=user_id, in_turn_at=busy.candidate)
                    if isinstance(found, Pass):
                        return found
                    soonest = min(_worth_waiting_for(found, deadline).wait, _LOOK_AT_LEAST)
                    await asyncio.sleep(soonest or _LOOK_AGAIN)
        except TimeoutError:
            raise ProvidersUnavailable(retry_after=1) from None

    async def _look(
        self, candidates: Sequence[Candidate], *, user_id: int, in_turn_at: Candidate | None = None
    ) -> Pass | list[Unavailable]:
        """The first candidate that lets a call pass, or what each of them said. `in_turn_at` names the one
        whose queue the caller has come to the head of; nobody overtakes the queues of the others."""
        now = time.time()
        refusals: list[Unavailable] = []
        circuits = await self._guards.circuits([circuit_key(candidate) for candidate in candidates])
        for candidate, circuit in zip(candidates, circuits, strict=True):
            wanted = Pass(candidate, uuid.uuid4().hex, gate_of(candidate.provider), user_id)
            found = await self._try(wanted, circuit, now=now, has_turn=candidate is in_turn_at)
            if isinstance(found, Pass):
                return found
            refusals.append(found)
        return refusals

    async def _try(self, wanted: Pass, circuit: Circuit, *, now: float, has_turn: bool) -> Pass | Unavailable:
        candidate = wanted.candidate
        if shut_for := circuit.shut_for(now):
            return Unavailable(candidate, shut_for, circuit.is_busy)
        if not has_turn and waiting_room(wanted.gate.key).has_queue:
            return Unavailable(candidate, 0.0, is_busy=True)
        return await kept(self._enter(wanted, circuit, now=now), undo=self._give_back)

    async def _enter(self, granted: Pass, circuit: Circuit, *, now: float) -> Pass | Unavailable:
        """Become the probe of a half-open circuit, and take a place at the gate."""
        candidate, call = granted.candidate, granted.call
        seconds = candidate.provider.timeout + _MARGIN

        def probed(now_is: Circuit) -> Circuit | None:
            # The probe of another call may have closed it since it was looked at.
            return now_is.probed_by(call, now=now, seconds=seconds) if now_is.reason else now_is

        key = circuit_key(candidate)
        if circuit.reason and await self._guards.change_circuit(key, probed, now=now) is None:
            return Unavailable(candidate, 1.0, circuit.is_busy)
        entry = await self._guards.enter(granted.gate, call, now=now, seconds=seconds)
        if entry.admitted:
            return granted
        if circuit.reason:
            await self._tell(granted, now=now)
        return Unavailable(candidate, entry.wait, is_busy=True)

    async def _give_back(self, found: Pass | Unavailable) -> None:
        if isinstance(found, Pass):
            await self._end(found)

    async def _end(self, ended: Pass) -> None:
        now = time.time()
        await self._guards.leave(ended.gate, ended.call, was_sent=ended.was_sent)
        if ended.error is not None and ended.error.meaning.paces:
            await self._guards.slow_down(ended.gate, now=now, retry_after=ended.error.retry_after)
        await self._tell(ended, now=now)

    async def _tell(self, ended: Pass, *, now: float) -> None:
        def after(circuit: Circuit) -> Circuit:
            if error := ended.error:
                return circuit.failed(
                    ended.call, error.kind, now=now, retry_after=error.retry_after, whose=ended.whose
                )
            return circuit.answered(ended.call) if ended.was_answered else circuit.released_by(ended.call)

        changed = await self._guards.change_circuit(circuit_key(ended.candidate), after, now=now)
        if ended.error is not None and changed is not None:
            ended.in_a_row = changed.in_a_row(ended.error.kind)
            if ended.error.meaning.breaker == "opens_config":
                for key in _other_circuits(ended.candidate):
                    await self._guards.change_circuit(key, after, now=now)


def gate_of(provider: ProviderSnapshot) -> Gate:
    """The limits of a provider over all its models: it is the account that a vendor limits."""
    return Gate(
        f"provider:{provider.identity}",
        provider.requests_per_minute,
        provider.max_concurrent_calls,
        is_paced=True,
    )


def circuit_key(candidate: Candidate) -> str:
    provider = candidate.provider
    return f"{provider.identity}:{candidate.model_name}:{provider.proof}"


def _other_circuits(candidate: Candidate) -> list[str]:
    """Those of the config's other models."""
    provider = candidate.provider
    models = {provider.fast_model, provider.quality_model} - {"", candidate.model_name}
    return [circuit_key(replace(candidate, model_name=model)) for model in sorted(models)]


def _worth_waiting_for(refusals: Sequence[Unavailable], deadline: float) -> Unavailable:
    """The candidate to wait for: the best-ranked one that is merely busy and has room in time."""
    left = deadline - asyncio.get_running_loop().time()
    for refusal in refusals:
        if refusal.is_busy and refusal.wait < left:
            return refusal
    raise ProvidersUnavailable(retry_after=max(1, ceil(min(refusal.wait for refusal in refusals))))
