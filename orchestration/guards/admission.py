"""Who may be asked right now: circuits, rates and places under way, over all processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from math import ceil

from accounts.concurrency import keep, kept
from accounts.models import PersonalToken, Plan
from orchestration.errors import ProvidersUnavailable
from orchestration.guards.base import Choice, Entry, Gate, GateAnswer, GuardStore, call_name
from orchestration.guards.circuit import Circuit
from orchestration.guards.passes import Pass, Unavailable, Visit, waiting_room
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import ProviderSnapshot
from usage.metrics import observers

# Added to the time a call may take before its place is given to others, should its process have died.
_MARGIN = 60.0
# Seconds between looks at a gate that cannot say when there will be room, and the longest between any two.
_LOOK_AGAIN, _LOOK_AT_LEAST = 0.05, 1.0
# How many candidates are looked at in one go: at first, and once those have no room.
_FIRST_AT_ONCE, _NEXT_AT_ONCE = 3, 32
# Of a call without an access token: it has no limits, so its gate is not asked.
_NO_TOKEN = PersonalToken()


class Admission:
    def __init__(self, guards: GuardStore) -> None:
        self._guards = guards

    @asynccontextmanager
    async def user(
        self, user_id: int, plan: Plan, *, seconds: float, is_with_pass: bool = False
    ) -> AsyncIterator[Visit]:
        """Count a call of at most `seconds` against the plan's rate and concurrency; TooManyCalls if it is
        one too many. `is_with_pass`: not now, but together with the first pass it is given to, and its end
        with that of the pass that was answered."""
        gate = Gate(f"user:{user_id}", plan.requests_per_minute, plan.max_concurrent_calls)
        visit = Visit(Entry(gate, call_name(), seconds + _MARGIN))
        if gate.is_needed and is_with_pass:
            visit.is_expected = True
        elif gate.is_needed:
            await self._enter_gate(visit)
        try:
            yield visit
        finally:
            if visit.is_inside:
                await asyncio.shield(keep(self._leave_gate(visit)))

    @asynccontextmanager
    async def token(self, token: PersonalToken | None, *, seconds: float) -> AsyncIterator[Visit]:
        """Likewise against the rate and concurrency of the access token that it is made with, if any."""
        by = token or _NO_TOKEN
        gate = Gate(f"access_token:{by.pk}", by.requests_per_minute, by.max_concurrent_calls)
        visit = Visit(Entry(gate, call_name(), seconds + _MARGIN), whose="This access token")
        if gate.is_needed:
            await self._enter_gate(visit)
        try:
            yield visit
        finally:
            if visit.is_inside:
                await asyncio.shield(keep(self._leave_gate(visit)))

    async def _enter_gate(self, visit: Visit) -> None:
        entry = visit.entry

        async def give_back(_: GateAnswer) -> None:
            await self._leave_gate(visit)

        entering = self._guards.enter(entry.gate, entry.call, seconds=entry.seconds)
        visit.told(await kept(entering, undo=give_back))

    async def _leave_gate(self, visit: Visit) -> None:
        await self._guards.leave(visit.entry.gate, visit.entry.call, was_sent=visit.is_counted)

    @asynccontextmanager
    async def first(
        self, candidates: Sequence[Candidate], *, user_id: int, deadline: float, visit: Visit | None = None
    ) -> AsyncIterator[Pass]:
        """A pass for the first candidate that may be asked now, or as soon as one has room; the outcome told
        to it reaches all processes at the end. ProvidersUnavailable when none will have room before
        `deadline` (of the event loop's clock). `visit` as `user` gave it, where this pass may be the call's
        only one: TooManyCalls then."""
        granted = await self._grant(candidates, user_id=user_id, deadline=deadline, visit=visit)
        granted.end = partial(self._begin_to_end, visit)
        try:
            yield granted
        finally:
            await asyncio.shield(granted.ending or self._begin_to_end(visit, granted))

    async def _grant(
        self, candidates: Sequence[Candidate], *, user_id: int, deadline: float, visit: Visit | None
    ) -> Pass:
        found = await self._look(candidates, user_id=user_id, visit=visit)
        if isinstance(found, Pass):
            return found
        busy = _worth_waiting_for(found, deadline)
        room = waiting_room(gate_of(busy.candidate.provider).key)
        try:
            async with asyncio.timeout_at(deadline), observers.waiting(), room.turn(user_id):
                while True:
                    found = await self._look(
                        candidates, user_id=user_id, visit=visit, in_turn_at=busy.candidate
                    )
                    if isinstance(found, Pass):
                        return found
                    soonest = min(_worth_waiting_for(found, deadline).wait, _LOOK_AT_LEAST)
                    await asyncio.sleep(soonest or _LOOK_AGAIN)
        except TimeoutError:
            raise ProvidersUnavailable(retry_after=1) from None

    async def _look(
        self,
        candidates: Sequence[Candidate],
        *,
        user_id: int,
        visit: Visit | None,
        in_turn_at: Candidate | None = None,
    ) -> Pass | list[Unavailable]:
        """The first candidate that lets a call pass, or what each of them said. `in_turn_at` names the one
        whose queue the caller has come to the head of; nobody overtakes the queues of the others."""
        refusals = list[Unavailable]()
        # Mostly the best one has room: what a call costs must not grow with how many there are.
        width = _FIRST_AT_ONCE
        while looked_at := candidates[len(refusals) : len(refusals) + width]:
            wanted = [
                _wanted(candidate, user_id, is_queued=candidate is not in_turn_at and _is_queued(candidate))
                for candidate in looked_at
            ]
            width = _NEXT_AT_ONCE

            async def give_back(given: tuple[GateAnswer | None, Pass | list[Unavailable]]) -> None:
                caller, found = given
                if isinstance(found, Pass):
                    await self._end(found)
                if visit is not None and caller is not None:
                    await self._leave_gate(visit)

            caller, found = await kept(self._choose(wanted, visit), undo=give_back)
            if visit is not None and caller is not None:
                visit.told(caller)
            if isinstance(found, Pass):
                return found
            refusals += found
        return refusals

    async def _choose(
        self, wanted: Sequence[tuple[Pass, Choice]], visit: Visit | None
    ) -> tuple[GateAnswer | None, Pass | list[Unavailable]]:
        """What the user's gate said, if it was asked; the first of the passes, or why not those that were
        looked at."""
        choices = [choice for _, choice in wanted]
        caller = visit.entry if visit is not None and visit.is_expected else None
        chosen = await self._guards.enter_first(choices, caller=caller)
        refusals: list[Unavailable] = []
        for (granted, choice), (circuit, said) in zip(wanted, chosen.looks, strict=False):
            candidate = granted.candidate
            if shut_for := circuit.shut_for(chosen.now):
                refusals.append(Unavailable(candidate, shut_for, circuit.is_busy))
            elif said is not None and said.admitted:
                return chosen.caller, granted
            elif said is not None or choice.is_queued:
                refusals.append(Unavailable(candidate, said.wait if said else 0.0, is_busy=True))
            elif isinstance(found := await self._probe(granted, circuit), Pass):
                return chosen.caller, found
            else:
                refusals.append(found)
        return chosen.caller, refusals

    async def _probe(self, granted: Pass, circuit: Circuit) -> Pass | Unavailable:
        """Become the probe of a half-open circuit, and take a place at the gate."""
        candidate, entry = granted.candidate, granted.entry

        def probed(now_is: Circuit, now: float) -> Circuit | None:
            # The probe of another call may have closed it since it was looked at.
            return now_is.probed_by(entry.call, now=now, seconds=entry.seconds) if now_is.reason else now_is

        if await self._guards.change_circuit(circuit_key(candidate), probed) is None:
            return Unavailable(candidate, 1.0, circuit.is_busy)
        said = await self._guards.enter(entry.gate, entry.call, seconds=entry.seconds)
        if said.admitted:
            return granted
        await self._tell(granted)
        return Unavailable(candidate, said.wait, is_busy=True)

    def _begin_to_end(self, visit: Visit | None, ended: Pass) -> asyncio.Task[None]:
        if ended.was_answered and visit is not None and visit.is_inside:
            visit.is_inside, ended.visit = False, visit.entry
        return keep(self._end(ended))

    async def _end(self, ended: Pass) -> None:
        entry, stands = ended.entry, None
        if ended.was_sent:
            places = [entry, ended.visit] if ended.visit else [entry]
            stands = await self._guards.leave_all(places, circuit=circuit_key(ended.candidate))
        else:
            await self._guards.leave(entry.gate, entry.call, was_sent=False)
        if ended.error is not None and ended.error.meaning.paces:
            await self._guards.slow_down(entry.gate, retry_after=ended.error.retry_after)
        await self._tell(ended, stands=stands)

    async def _tell(self, ended: Pass, *, stands: Circuit | None = None) -> None:
        """Tell the circuit, which `stands` as it was last seen."""
        call = ended.entry.call

        def after(circuit: Circuit, now: float) -> Circuit:
            if error := ended.error:
                return circuit.failed(
                    call, error.kind, now=now, retry_after=error.retry_after, whose=ended.whose
                )
            return circuit.answered(call) if ended.was_answered else circuit.released_by(call)

        changed: Circuit | None = stands
        # What a failure changes depends on the time by the clock of the guards, an answer's effect does not.
        if stands is None or ended.error is not None or after(stands, 0.0) != stands:
            changed = await self._guards.change_circuit(circuit_key(ended.candidate), after)
        if ended.error is not None and changed is not None:
            ended.in_a_row = changed.in_a_row(ended.error.kind)
            if ended.error.meaning.breaker == "opens_config":
                for key in _other_circuits(ended.candidate):
                    await self._guards.change_circuit(key, after)


def _wanted(candidate: Candidate, user_id: int, *, is_queued: bool) -> tuple[Pass, Choice]:
    entry = Entry(gate_of(candidate.provider), call_name(), candidate.provider.timeout + _MARGIN)
    return Pass(candidate, entry, user_id), Choice(circuit_key(candidate), entry, is_queued)


def _is_queued(candidate: Candidate) -> bool:
    return waiting_room(gate_of(candidate.provider).key).has_queue


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
