"""The loop of one call, attempt by attempt: what is reserved, asked, settled, blamed and passed over. The
ledger and the vendor are made of lists here; the tests of the orchestrator have the real ones."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from accounts.errors import DomainError
from orchestration.calls import loop
from orchestration.calls.accounting import Accounting
from orchestration.calls.loop import FAIR_CHANCE, Asking
from orchestration.errors import ProvidersUnavailable
from orchestration.guards.base import Entry, Gate
from orchestration.guards.passes import Pass
from orchestration.routing.balancing import latencies
from orchestration.routing.snapshot import RoutingSnapshot
from providers.adapters.base import GenerationRequest, ProviderReply, TokenUsage
from providers.capabilities import parameters
from providers.errors import UndecryptableKey
from tests.orchestration.calls import call_of, candidate, error_of
from usage.ledger.base import QuotaExceeded, Reservation, Settlement, StaleRouting, UnknownPrice

ONE, TWO = candidate(1), candidate(2)
REPLY = ProviderReply(text="Hi.", usage=TokenUsage(10, 5), model_name="m-1")

pytestmark = pytest.mark.usefixtures("no_pauses")


class Books:
    """A ledger that grants everything but what `refusals` says, in that order, and keeps the outcomes."""

    def __init__(self, *refusals):
        self.refusals, self.reserved, self.outcomes = list(refusals), [], []

    async def reserve(self, attempt):
        if self.refusals and (refusal := self.refusals.pop(0)):
            raise refusal
        self.reserved.append(attempt)
        return Reservation(log_id=len(self.reserved), attempt=attempt, holds=())

    async def settle(self, reservation, outcome):
        self.outcomes.append((reservation.attempt.number, outcome))
        return Settlement(usage=outcome.usage or TokenUsage(), usage_source="vendor", cost_usd=Decimal("0.1"))


class Vendor:
    """Gives `answers` in order; an exception is raised, a function called."""

    vendor, optional, takes_temperature = "openai", frozenset({"form"}), True

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def generate_content(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return await answer() if callable(answer) else answer


class Admits:
    """Lets the first candidate through, and keeps what was asked for and the passes. `in_a_row`: so many have
    failed like each of them."""

    def __init__(self, in_a_row=0):
        self.asked, self.passes, self.in_a_row = [], [], in_a_row

    @asynccontextmanager
    async def first(self, candidates, *, user_id, deadline, visit):
        self.asked.append((list(candidates), user_id, deadline))
        entry = Entry(Gate("gate", None, None), "call", 60.0)
        granted = Pass(candidates[0], entry, user_id, in_a_row=self.in_a_row)
        self.passes.append(granted)
        yield granted


@pytest.fixture(autouse=True)
def nothing_known():
    parameters.forget()
    yield
    parameters.forget()


@pytest.fixture
def ask(monkeypatch):
    """Ask with this ledger and vendor, a minute ahead of the deadline; the clock of the loop stands still."""

    async def answer(call, vendor, *, books=None, admits=None, seconds=60.0, provider_for=None):
        monkeypatch.setattr(loop, "provider_for", provider_for or (lambda **_: vendor))
        running = asyncio.get_running_loop()
        now = running.time()
        monkeypatch.setattr(running, "time", lambda: now)
        call.budget.deadline = now + seconds
        return await Asking(Accounting(books or Books()), admits or Admits()).answer(call)

    return answer


# --- One attempt ------------------------------------------------------------------------------------------


async def test_it_reserves_asks_and_settles(ask):
    books, vendor, call = Books(), Vendor(REPLY), call_of(ONE)

    result = await ask(call, vendor, books=books)

    assert (result.text, result.attempts, result.cost_usd) == ("Hi.", 1, Decimal("0.1"))
    [(number, outcome)] = books.outcomes
    assert (number, outcome.status, outcome.usage, outcome.model_name) == (1, "success", REPLY.usage, "m-1")
    assert result.latency_ms == outcome.latency_ms


async def test_how_long_it_took_is_told_in_milliseconds(ask, monkeypatch):
    readings = iter([100.0, 102.5])
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: next(readings)))

    assert (await ask(call_of(ONE), Vendor(REPLY))).latency_ms == 2_500


async def test_the_reply_is_held_to_the_tokens_that_were_reserved(ask):
    class HasLess(Books):
        async def reserve(self, attempt):
            reads = attempt.reserved_input_tokens
            return await super().reserve(replace(attempt, reserved_tokens=reads + 33))

    vendor = Vendor(REPLY)

    await ask(call_of(ONE), vendor, books=HasLess())

    assert vendor.asked[0].max_output_tokens == 33


async def test_all_that_may_be_asked_are_tried_for_admission_until_the_deadline(ask):
    admits, call = Admits(), call_of(ONE, TWO)

    await ask(call, Vendor(error_of("auth"), REPLY), admits=admits)

    deadline = call.budget.deadline
    assert admits.asked == [([ONE, TWO], 7, deadline), ([TWO], 7, deadline)]


async def test_an_answer_is_told_to_the_pass_and_its_time_is_remembered(ask):
    admits, fresh = Admits(), candidate("never timed before")

    await ask(call_of(fresh), Vendor(REPLY), admits=admits)

    [granted] = admits.passes
    assert (granted.was_sent, granted.was_answered, granted.error) == (True, True, None)
    assert 0 <= latencies.of("never timed before", "m") < 60_000


async def test_a_vendor_that_never_answers_is_waited_for_until_the_deadline_and_no_longer(monkeypatch):
    monkeypatch.setattr(loop, "provider_for", lambda **_: Vendor(asyncio.Event().wait))
    books, call = Books(), call_of(ONE)
    call.budget.deadline = asyncio.get_running_loop().time() + 0.02

    with pytest.raises(DomainError) as raised:
        await Asking(Accounting(books), Admits()).answer(call)

    assert raised.value.code == "provider_timeout"
    [(_, outcome)] = books.outcomes
    assert (outcome.status, outcome.error_kind, outcome.may_have_cost) == ("timeout", "timeout", True)


@pytest.mark.parametrize(("seconds", "is_blamed"), [(FAIR_CHANCE, True), (FAIR_CHANCE - 0.01, False)])
async def test_a_vendor_is_blamed_for_a_deadline_only_if_it_had_a_fair_chance(ask, seconds, is_blamed):
    admits = Admits()

    await ask(call_of(ONE), Vendor(TimeoutError(), REPLY), admits=admits, seconds=seconds)

    blamed = admits.passes[0].error
    assert (blamed is not None) is is_blamed
    assert blamed is None or (blamed.kind, blamed.vendor) == ("timeout", "openai")
    assert not admits.passes[0].was_answered


async def test_a_bug_of_ours_is_settled_and_seen_and_nobody_else_is_asked(ask):
    books, vendor = Books(), Vendor(ZeroDivisionError(), REPLY)

    with pytest.raises(ZeroDivisionError):
        await ask(call_of(ONE, TWO), vendor, books=books)

    [(number, outcome)] = books.outcomes
    assert (number, outcome.status, outcome.error_kind) == (1, "error", "internal")
    assert 0 <= outcome.latency_ms < 60_000
    assert len(vendor.asked) == 1


async def test_who_leaves_is_settled_as_gone(ask):
    books = Books()

    with pytest.raises(asyncio.CancelledError):
        await ask(call_of(ONE), Vendor(asyncio.CancelledError()), books=books)

    [(_, outcome)] = books.outcomes
    assert (outcome.status, outcome.error_kind) == ("aborted", "cancelled")
    assert 0 <= outcome.latency_ms < 60_000


# --- The next attempt -------------------------------------------------------------------------------------


async def test_every_attempt_has_its_number_its_account_and_its_share_of_the_cost(ask):
    books, admits, call = Books(), Admits(), call_of(ONE, TWO)
    errors = [error_of("server"), error_of("auth")]

    result = await ask(call, Vendor(*errors, REPLY), books=books, admits=admits)

    assert [granted.error for granted in admits.passes] == [*errors, None]

    assert [(number, outcome.error_kind) for number, outcome in books.outcomes] == [
        (1, "server"), (2, "auth"), (3, ""),
    ]  # fmt: skip
    assert all(0 <= outcome.latency_ms < 60_000 for _, outcome in books.outcomes)
    assert (result.attempts, result.cost_usd, result.provider_config_id) == (3, Decimal("0.3"), 2)
    assert [failure.error.kind for failure in call.failures] == ["server", "auth"]


@pytest.mark.parametrize(
    ("kind", "in_a_row", "is_flagged"),
    [
        ("auth", 0, True),
        ("auth", 1, True),
        ("parameter", 0, False),
        ("parameter", 4, False),
        ("parameter", 5, True),
        ("server", 9, False),
    ],
)
async def test_a_config_is_flagged_for_what_a_person_has_to_mend_once_it_persists(
    ask, monkeypatch, kind, in_a_row, is_flagged
):
    flagged = []
    monkeypatch.setattr(loop, "flag", lambda *facts, **asked: flagged.append((facts, asked)))
    one = candidate(1, sealed_key="sealed", base_url="http://127.0.0.1/v1")
    answers = [error_of(kind)] * (2 if kind == "server" else 1)

    await ask(call_of(one, TWO), Vendor(*answers, REPLY), admits=Admits(in_a_row))

    asked = {"api_key_encrypted": "sealed", "base_url": "http://127.0.0.1/v1"}
    assert flagged == ([((1, kind), asked)] if is_flagged else [])


async def test_a_key_of_the_environment_is_flagged_nowhere(ask, monkeypatch):
    flagged = []
    monkeypatch.setattr(loop, "flag", lambda *facts, **asked: flagged.append(facts))

    await ask(call_of(candidate(None), TWO), Vendor(error_of("auth"), REPLY))

    assert flagged == []


@pytest.mark.parametrize("is_flagged", [True, False])
async def test_an_answer_takes_a_flag_away_if_there_is_one(ask, monkeypatch, is_flagged):
    unflagged = []
    monkeypatch.setattr(loop, "unflag", lambda *facts, **asked: unflagged.append((facts, asked)))
    one = candidate(1, sealed_key="sealed", is_flagged=is_flagged)

    await ask(call_of(one), Vendor(REPLY))

    asked = {"api_key_encrypted": "sealed", "base_url": ""}
    assert unflagged == ([((1,), asked)] if is_flagged else [])


async def test_a_flag_that_cannot_be_changed_does_not_take_the_answer_away(ask, monkeypatch):
    def broken(*_, **__):
        raise OSError("the database is away")

    monkeypatch.setattr(loop, "flag", broken)
    monkeypatch.setattr(loop, "note_refused", broken)

    answers = (error_of("auth"), error_of("parameter", parameter="form"), REPLY)
    assert (await ask(call_of(ONE, TWO), Vendor(*answers))).text == "Hi."


async def test_what_a_model_does_not_take_is_written_down_for_every_process(ask, monkeypatch):
    noted = []
    monkeypatch.setattr(loop, "note_refused", lambda **facts: noted.append(facts))

    await ask(call_of(ONE), Vendor(error_of("parameter", parameter="form"), REPLY))

    assert noted == [{"provider_type": "openai", "model_name": "m", "parameter": "form"}]


@pytest.mark.parametrize(("seconds", "asked"), [(2.01, [1, 1]), (2.0, [1, 2])])
async def test_a_pause_is_made_only_if_the_call_outlives_it(ask, monkeypatch, seconds, asked):
    slept, admits = [], Admits()
    of_others, here = asyncio.sleep, asyncio.get_running_loop()

    async def sleep(pause):
        # What other threads' loops wait for is none of this test's.
        if asyncio.get_running_loop() is here:
            slept.append(pause)
        else:
            await of_others(pause)

    monkeypatch.setattr(loop.asyncio, "sleep", sleep)

    await ask(
        call_of(ONE, TWO),
        Vendor(error_of("overloaded", retry_after=2.0), REPLY),
        admits=admits,
        seconds=seconds,
    )

    assert [granted.candidate.provider.config_id for granted in admits.passes] == asked
    assert slept == ([2.0] if asked == [1, 1] else [])


async def test_once_the_time_is_up_nobody_is_asked(ask):
    vendor = Vendor(REPLY)

    with pytest.raises(ProvidersUnavailable):
        await ask(call_of(ONE), vendor, seconds=0.0)

    assert vendor.asked == []


async def test_a_refused_form_is_asked_for_by_prompt_and_that_costs_no_retry(ask):
    vendor = Vendor(error_of("parameter", parameter="form"), error_of("server"), error_of("server"), REPLY)
    admits = Admits()

    await ask(call_of(ONE, TWO), vendor, admits=admits)

    assert [request.structured_by_prompt for request in vendor.asked] == [False, True, True, True]
    assert [granted.candidate.provider.config_id for granted in admits.passes] == [1, 1, 1, 2]
    assert [granted.is_helped for granted in admits.passes] == [True, False, False, False]
    assert parameters.refused_by(provider_type="openai", base_url="", model_name="m") == {"form"}


@pytest.mark.parametrize("parameter", ["effort", "limit=4000", "limit=0", ""])
async def test_what_is_needed_or_no_help_is_not_left_out(ask, parameter):
    admits = Admits()

    await ask(call_of(ONE, TWO), Vendor(error_of("parameter", parameter=parameter), REPLY), admits=admits)

    assert [granted.candidate.provider.config_id for granted in admits.passes] == [1, 2]
    assert not admits.passes[0].is_helped


async def test_a_lower_limit_is_taken_from_the_vendor_once(ask):
    request = GenerationRequest(prompt="hello", max_output_tokens=100)
    vendor = Vendor(error_of("parameter", parameter="limit=50"), REPLY)

    await ask(call_of(ONE, request=request), vendor)

    assert [asked.max_output_tokens for asked in vendor.asked] == [100, 50]


# --- Passed over ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal", [QuotaExceeded(details={"scope": "provider"}), UnknownPrice()], ids=["quota", "price"]
)
async def test_a_provider_that_may_not_be_used_is_passed_over_and_no_number_is_lost(ask, refusal):
    books, call = Books(refusal), call_of(ONE, TWO)

    result = await ask(call, Vendor(REPLY), books=books)

    assert (result.provider_config_id, result.attempts) == (2, 1)
    assert [attempt.number for attempt in books.reserved] == [1]


@pytest.mark.parametrize("scope", ["user", "task"])
async def test_a_users_own_quota_ends_the_call(ask, scope):
    refusal, vendor = QuotaExceeded(details={"scope": scope}), Vendor(REPLY)

    with pytest.raises(QuotaExceeded) as raised:
        await ask(call_of(ONE, TWO), vendor, books=Books(refusal))

    assert raised.value is refusal
    assert vendor.asked == []


async def test_a_key_that_cannot_be_opened_is_passed_over_before_anything_is_reserved(ask):
    books, vendor, asked = Books(), Vendor(REPLY), []

    def provider_for(**facts):
        asked.append(facts)
        if len(asked) == 1:
            raise UndecryptableKey
        return vendor

    result = await ask(call_of(ONE, TWO), vendor, books=books, provider_for=provider_for)

    assert (result.provider_config_id, len(books.reserved)) == (2, 1)


async def test_where_all_are_passed_over_the_reason_is_told(ask):
    with pytest.raises(UnknownPrice):
        await ask(call_of(ONE), Vendor(), books=Books(UnknownPrice()))


async def test_who_cannot_be_admitted_ends_the_search(ask):
    class Full(Admits):
        @asynccontextmanager
        async def first(self, candidates, *, user_id, deadline, visit):
            raise ProvidersUnavailable(retry_after=9)
            yield

    with pytest.raises(ProvidersUnavailable) as raised:
        await ask(call_of(ONE, TWO), Vendor(), admits=Full())

    assert raised.value.retry_after == 9


async def test_when_the_routing_has_changed_the_order_is_made_anew(ask, monkeypatch):
    now = RoutingSnapshot(revision=5, providers=(TWO.provider,), tiers={})
    monkeypatch.setattr(loop, "current_snapshot", lambda: now)
    books = Books(StaleRouting())

    result = await ask(call_of(ONE), Vendor(REPLY), books=books)

    assert result.provider_config_id == 2
    assert [(attempt.number, attempt.routing_revision) for attempt in books.reserved] == [(1, 5)]


async def test_the_vendor_is_asked_with_the_key_and_at_the_address_of_the_candidate(ask):
    asked, vendor = [], Vendor(REPLY)
    one = candidate(1, base_url="http://127.0.0.1/v1", timeout=20.0, plain_key="sk-1", sealed_key="sealed")

    await ask(call_of(one), vendor, provider_for=lambda **facts: asked.append(facts) or vendor)

    assert asked == [
        {
            "provider_type": "openai",
            "sealed_key": "sealed",
            "plain_key": "sk-1",
            "model_name": "m",
            "base_url": "http://127.0.0.1/v1",
            "timeout": 20.0,
        }
    ]
