"""However a call ends, nothing of it stays behind: no reservation, no probe, no place at a gate."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from pydantic import BaseModel

from accounts import concurrency
from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.guards.admission import circuit_key
from orchestration.guards.base import Gate, GuardStore, get_guards
from orchestration.guards.circuit import Circuit
from orchestration.routing.snapshot import current_snapshot
from providers.adapters.openai import OpenAIProvider
from providers.errors import ErrorKind
from tests.books import every_candidate
from tests.orchestration.resilience.faults import FAULTS
from tests.waiting import PATIENCE_SECONDS, let_pass, until, wait_until
from usage.ledger.base import Ledger
from usage.ledger.portable import PortableLedger
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_pauses", "the_books_balance", "limited"),
]

WAYS_TO_END = [*FAULTS, "rate_limited=0.01", "slow=0.01", "echo@server"]


class Greeting(BaseModel):
    greeting: str | None


@pytest.fixture
def limited(user):
    """A user and a provider that every call has to pass a gate of."""
    Plan.objects.update(requests_per_minute=1_000, max_concurrent_calls=8, daily_token_limit=None)


def make_half_open():
    """As the circuits are when their time is over: the next call is the probe."""
    past = time.time() - 1
    circuit = Circuit(reason=ErrorKind.SERVER.value, opened_at=past, open_until=past)
    for candidate in every_candidate(current_snapshot()):
        concurrency.run(get_guards().change_circuit(circuit_key(candidate), lambda *_: circuit))


@pytest.mark.parametrize("fault", WAYS_TO_END)
def test_of_a_fault(config_at, ask, sandbox, fault):
    """As a call like any other, and as the probe of a half-open circuit."""
    config_at(f"sandbox-mini@{fault}", max_concurrent_calls=2, requests_per_minute=1_000)
    # A vendor that says "too fast" has the next call wait for its turn.
    for is_probe in [True] if fault.startswith("rate_limited") else [False, True]:
        if is_probe:
            make_half_open()
        before = sandbox.hits()["total"]
        with suppress(DomainError):
            ask("Greeting: habari", response_model=Greeting)
        assert sandbox.hits()["total"] > before


def test_of_a_vendor_that_never_replies(config_at, ask, sandbox, settings):
    settings.CALL_DEADLINE_SECONDS = 3600
    config_at("sandbox-mini@hang", timeout=300, max_concurrent_calls=2)
    make_half_open()

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        wait_until(lambda: sandbox.hits()["total"] == 1)
        let_pass(300, on=concurrency.background_loop.get())

    with pytest.raises(DomainError):
        asking.result()


def test_of_a_bug_in_an_adapter(config_at, ask, monkeypatch):
    config_at(max_concurrent_calls=2)
    make_half_open()

    async def broken(self, request):
        await generate(self, request)
        raise ZeroDivisionError

    # Only a bug can show what a bug does, and the adapters have none to offer.
    generate = OpenAIProvider.generate_content
    monkeypatch.setattr(OpenAIProvider, "generate_content", broken)

    with pytest.raises(ZeroDivisionError):
        ask()


def test_of_a_key_that_cannot_be_decrypted(config_at, ask, settings):
    config_at(max_concurrent_calls=2)
    make_half_open()
    settings.FERNET_KEYS = ["2tIKPd2qHEqPdqvz0BBSNcSJr8G1XQFa7BqWVRRkuXc="]

    with pytest.raises(DomainError, match="Re-enter"):
        ask()


def test_of_a_provider_without_quota(config_at, ask):
    config_at(max_concurrent_calls=2, daily_token_limit=1)
    make_half_open()

    with pytest.raises(DomainError, match="used up"):
        ask()


class Cancels:
    """Stands in front of a store and cancels the call at its nth operation on it, before the operation takes
    effect or when it has, and nobody has heard of it yet."""

    def __init__(self, at, *, when):
        self.at, self.when = at, when
        self.done, self.call, self.operations = 0, None, []

    def stand_before(self, store, contract, *, at_once=()):
        """A store like that one, with every operation of the contract watched: `at_once` are those that a
        store does as one and others by several."""
        watched = {
            name: self._watched(getattr(store, name), name)
            for name in {*contract.__abstractmethods__, *at_once}
            if name not in {"sweep", "gate_state"}
        }
        other = {"sweep": store.sweep} if hasattr(store, "sweep") else {"gate_state": store.gate_state}
        methods = {name: staticmethod(function) for name, function in (watched | other).items()}
        return type("Watched", (contract,), methods)()

    def _watched(self, operation, name):
        async def watched(*args, **kwargs):
            self.done += 1
            is_it = self.done == self.at
            if is_it:
                self.operations.append(name)
            if is_it and self.when == "before":
                self.call.cancel()
                await asyncio.sleep(0)
            result = await operation(*args, **kwargs)
            if is_it and self.when == "after":
                self.call.cancel()
                await asyncio.sleep(0)
            return result

        return watched


def cancelled_at(number, when, user, *, at_once=(), **question):
    """The name of the operation at which the call was cancelled; None when it had no so many."""
    cancels = Cancels(number, when=when)

    async def scenario():
        guards = cancels.stand_before(get_guards(), GuardStore, at_once=at_once)
        ledger = cancels.stand_before(PortableLedger(), Ledger)
        orchestrator = AIOrchestrator(ledger=ledger, guards=guards)
        call = orchestrator.generate(user=user, task="extraction", **question)
        cancels.call = asyncio.ensure_future(call)
        await asyncio.wait([cancels.call])
        return cancels.call.cancelled()

    was_cancelled = concurrency.run(scenario())
    return cancels.operations[0] if was_cancelled else None


@pytest.mark.parametrize("when", ["before", "after"])
def test_of_a_call_that_is_cancelled_at_any_of_its_steps(config_at, user, when):
    """Two vendors of which the first fails, both circuits half-open, and the cache at work: every operation
    on the guards and on the ledger that a call makes is one of the steps."""
    config_at("sandbox-mini@server", priority=1, max_concurrent_calls=2)
    config_at("sandbox-mini", provider_type="claude", max_concurrent_calls=2)
    seen = set()
    for number in range(1, 60):
        make_half_open()
        question = {"prompt": f"Say hello, {number}.", "is_repeatable": True}
        name = cancelled_at(number, when, user, **question)
        if name is None and number > 12:
            break
        seen.add(name)

    assert seen >= {"recall", "claim", "circuits", "change_circuit", "enter", "reserve", "settle", "leave"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_of_a_call_that_is_cancelled_at_any_step_of_a_store_that_does_several_as_one(config_at, user, when):
    config_at("sandbox-mini@server", priority=1, max_concurrent_calls=2)
    config_at("sandbox-mini", provider_type="claude", max_concurrent_calls=2)
    seen = set()
    for number in range(1, 60):
        make_half_open()
        at_once = ("enter_first", "leave_all")
        name = cancelled_at(number, when, user, at_once=at_once, prompt="Say hello.")
        if name is None:
            break
        seen.add(name)

    assert seen >= {"enter_first", "leave_all", "change_circuit", "enter", "reserve", "settle"}


def test_of_a_call_that_is_cancelled_while_it_waits(config_at, user, sandbox):
    """For the vendor, for a place at the vendor's gate, and for the answer to the same question."""
    config_at("sandbox-mini@hang", timeout=300, max_concurrent_calls=1)

    async def scenario():
        def asking(prompt):
            call = AIOrchestrator().generate(user=user, task="extraction", prompt=prompt, is_repeatable=True)
            return asyncio.ensure_future(call)

        async def inside(count):
            gate = Gate(f"user:{user.pk}")
            while (await get_guards().gate_state(gate)).under_way < count:
                await asyncio.sleep(0.01)

        waiting = [asking("one")]
        await until(lambda: sandbox.hits()["in_flight"] == 1)
        for count, prompt in ((2, "two"), (3, "two"), (4, "one")):
            waiting.append(asking(prompt))
            await asyncio.wait_for(inside(count), PATIENCE_SECONDS)
        for call in waiting:
            call.cancel()
        await asyncio.wait(waiting)

    concurrency.run(scenario())
    assert AIProviderUsageLog.objects.filter(status="aborted").count() == 1
