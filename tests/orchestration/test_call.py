"""What one call remembers of its attempts, and what follows for the next one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import BaseModel

from orchestration.calls.question import CallBudget, Failure, GenerationResult
from orchestration.experiments.assignment import Arm
from orchestration.routing.snapshot import PolicyInForce, RoutingSnapshot
from providers.adapters.base import GenerationRequest, ProviderReply, TokenUsage
from providers.capabilities import parameters
from providers.capabilities.facts import CapabilityMatrix
from providers.errors import ErrorKind
from providers.registry import PROVIDER_TYPES
from tests.orchestration.calls import call_of, candidate, error_of, failed
from usage.ledger.base import Attempt, Settlement
from usage.models import ModelPrice
from usage.quotas import RuleBook, estimate_input_tokens, limits_for

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ONE, TWO, THREE = candidate(1), candidate(2), candidate(3)
WEIGHTED = PolicyInForce(
    strategy="weighted", is_sticky=False, deadline=60.0, cache_seconds=0, votes=0, prompt_version="standard"
)


@pytest.fixture(autouse=True)
def nothing_known():
    """Other tests' models are called alike."""
    parameters.forget()
    yield
    parameters.forget()


class Greeting(BaseModel):
    greeting: str


# --- The budget -------------------------------------------------------------------------------------------


def test_a_call_costs_what_its_attempts_cost_and_nobody_knows_it_when_one_is_not_known():
    def cost(*costs):
        return CallBudget(deadline=0.0, costs=list(costs)).total_cost

    assert cost(Decimal("0.1"), Decimal("0.2")) == Decimal("0.3")
    assert cost(Decimal("0.1"), None) is None
    assert cost() == Decimal(0)


def test_a_call_makes_no_more_requests_than_it_may():
    budget = CallBudget(deadline=0.0, most=2, attempts=1)
    assert list(call_of(ONE, budget=budget).remaining()) == [ONE]

    budget.attempts += 1

    assert list(call_of(ONE, budget=budget).remaining()) == []


def test_a_number_is_given_out_again_only_if_it_was_the_last():
    budget = CallBudget(deadline=0.0)
    first, second = budget.next_number(), budget.next_number()

    budget.take_back(first)
    third = budget.next_number()
    budget.take_back(third)

    assert (first, second, third, budget.next_number()) == (1, 2, 3, 3)


# --- Who may still be asked -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["auth", "server", "path", "timeout", "parameter", "unparsable", "malformed"]
)
def test_after_a_failure_of_the_provider_any_other_may_be_asked(kind):
    call = call_of(ONE, TWO, THREE)

    failed(call, ONE, kind)

    assert list(call.remaining()) == [TWO, THREE]


def test_after_a_second_provider_rejected_the_request_nobody_is_asked():
    call = call_of(ONE, TWO, THREE)

    failed(call, ONE, "rejected")
    assert list(call.remaining()) == [TWO, THREE]

    failed(call, TWO, "rejected")
    assert list(call.remaining()) == []


def test_the_same_provider_that_rejects_it_twice_is_one():
    call = call_of(ONE, TWO, THREE)

    failed(call, ONE, "rejected")
    failed(call, ONE, "rejected")

    assert list(call.remaining()) == [TWO, THREE]


def test_what_a_filter_blocked_goes_to_no_other_unless_the_task_says_so(monkeypatch):
    call = call_of(ONE, TWO)
    failed(call, ONE, "blocked")
    assert list(call.remaining()) == []

    lenient = replace(call_of().question, task="extraction")
    monkeypatch.setattr(
        "orchestration.calls.call.task_type", lambda slug: type("T", (), {"blocked_fails_over": True})
    )
    call = call_of(ONE, TWO, question={"task": lenient.task})
    failed(call, ONE, "blocked")
    assert list(call.remaining()) == [TWO]


def test_after_an_input_that_was_too_long_only_larger_windows_are_asked():
    small, same, larger = candidate(1, window=100), candidate(2, window=100), candidate(3, window=101)
    call = call_of(small, same, larger, candidate(4, window=None))

    failed(call, small, "too_long")

    assert list(call.remaining()) == [larger]


def test_no_window_is_known_to_be_larger_than_one_that_nobody_knows():
    call = call_of(ONE, candidate(2, window=2_000_000))

    failed(call, ONE, "too_long")

    assert list(call.remaining()) == []


def test_after_a_request_that_was_too_large_only_others_that_take_it_are_asked():
    takes = PROVIDER_TYPES["claude"].largest_request
    first, twin = candidate(1), candidate(2)
    other = candidate(3, provider_type="claude")
    unknown = candidate(4, provider_type="local", base_url="http://127.0.0.1/v1")

    assert list(call_of(first, unknown).remaining()) == [first, unknown]

    def left(size):
        call = call_of(first, twin, other, unknown, request=GenerationRequest(prompt="x" * size))
        failed(call, first, "too_large")
        return list(call.remaining())

    assert left(takes - 1) == [other]
    assert left(takes) == []


def test_who_was_given_up_on_is_not_asked_again_by_another_of_its_models():
    call = call_of(ONE, candidate(1, model="other"), TWO)

    call.give_up_on(ONE)

    assert list(call.remaining()) == [TWO]


def test_the_same_question_again_is_counted_by_provider_and_not_where_a_parameter_was_left_out():
    call = call_of(ONE, TWO)
    call.failures += [Failure(one, error_of(kind)) for one, kind in ((ONE, "parameter"), (TWO, "server"))]
    assert call.retries_of(ONE) == -1

    call.failures += [Failure(ONE, error_of("server")), Failure(ONE, error_of("timeout"))]

    assert (call.retries_of(ONE), call.retries_of(TWO)) == (1, 0)


# --- The order --------------------------------------------------------------------------------------------


def planned(*providers, policy=WEIGHTED, question=(), **fields):
    call = call_of(question=question, **fields)
    snapshot = RoutingSnapshot(
        revision=9, providers=tuple(providers), tiers={}, policies={"extraction": policy}
    )
    call.replan(snapshot)
    assert call.snapshot is snapshot
    return [(one.provider.config_id, one.model_name) for one in call.order]


MANY = [candidate(number).provider for number in range(1, 9)]


def test_a_sticky_task_keeps_the_user_and_another_spreads_the_calls():
    def firsts(policy, key, values):
        return {planned(*MANY, policy=policy, question={key: value})[0] for value in values}

    sticky = replace(WEIGHTED, is_sticky=True)
    calls = [f"r-{number}" for number in range(40)]
    assert len(firsts(sticky, "request_id", calls)) == 1
    assert len(firsts(sticky, "user_id", range(40))) > 1
    assert len(firsts(WEIGHTED, "request_id", calls)) > 1
    assert len(firsts(WEIGHTED, "user_id", range(40))) == 1


def test_a_user_is_kept_for_each_task_by_itself():
    sticky = replace(WEIGHTED, is_sticky=True)

    def first(user, task):
        call = call_of(question={"user_id": user, "task": task})
        policies = {"extraction": sticky, "cv_draft": sticky}
        call.replan(RoutingSnapshot(revision=1, providers=tuple(MANY), tiers={}, policies=policies))
        return call.order[0].provider.config_id

    assert any(first(user, "extraction") != first(user, "cv_draft") for user in range(20))


def test_what_was_asked_before_comes_last_with_every_other_key_of_its_vendor():
    first, twin = candidate(1, priority=9).provider, candidate(2, priority=8).provider
    other = candidate(3, provider_type="claude").provider
    elsewhere = candidate(4, base_url="http://127.0.0.1/v1").provider

    order = planned(first, twin, other, elsewhere, question={"rather_than": 1})

    assert [number for number, _ in order][2:] == [1, 2]
    assert {number for number, _ in order[:2]} == {3, 4}


def test_the_arm_of_an_experiment_is_asked_first_and_a_vote_asks_its_own_only():
    arm = Arm(id=5, weight=1, provider_config_id=2, model_name="tried")

    assert planned(*MANY[:2], arm=arm) == [(2, "tried"), (1, "m")]
    assert planned(*MANY[:2], only=1) == [(1, "m")]


def test_the_plan_decides_which_of_the_two_models_is_asked():
    provider = candidate(1, quality_model="large").provider
    call = call_of()
    call.replan(RoutingSnapshot(revision=1, providers=(provider,), tiers={("pro", "extraction"): "quality"}))

    assert (call.tier, call.order[0].model_name) == ("quality", "large")


def test_the_order_is_that_of_the_tasks_strategy():
    def price(name, amount):
        return [ModelPrice(model_name=name, input_mtok=Decimal(amount), output_mtok=Decimal(amount))]

    dear, cheap = candidate(1, model="dear", priority=9).provider, candidate(2, model="cheap").provider
    call = call_of()
    call.replan(
        RoutingSnapshot(
            revision=1,
            providers=(dear, cheap),
            tiers={},
            policies={"extraction": replace(WEIGHTED, strategy="least_cost")},
            prices={("openai", "dear"): price("dear", 9), ("openai", "cheap"): price("cheap", 1)},
        )
    )

    assert [one.model_name for one in call.order] == ["cheap", "dear"]


def test_the_first_choice_for_the_task_is_asked_first():
    first = candidate(2, tasks=frozenset({"extraction"})).provider

    assert planned(candidate(1, is_default=True).provider, first) == [(2, "m"), (1, "m")]


def test_an_arm_without_a_model_of_its_own_takes_the_one_of_the_plan():
    provider = candidate(1, quality_model="large").provider
    call = call_of(arm=Arm(id=5, weight=1, provider_config_id=1))
    call.replan(RoutingSnapshot(revision=1, providers=(provider,), tiers={("pro", "extraction"): "quality"}))

    assert [one.model_name for one in call.order] == ["large"]


def test_who_fills_in_no_forms_is_asked_after_the_others_when_there_is_a_form():
    plain = candidate(1, model="sandbox-plain", priority=9).provider
    able = candidate(2, model="sandbox-mini").provider
    form = GenerationRequest(prompt="hello", response_model=Greeting)

    assert planned(plain, able) == [(1, "sandbox-plain"), (2, "sandbox-mini")]
    assert planned(plain, able, request=form) == [(2, "sandbox-mini"), (1, "sandbox-plain")]


# --- What is asked ----------------------------------------------------------------------------------------


def test_a_reply_that_could_not_be_read_is_told_to_who_gave_it_and_to_nobody_else():
    call = call_of(ONE, TWO)
    assert call.request_for(ONE).prompt == "hello"

    call.failures.append(Failure(ONE, error_of("unparsable")))

    told = call.request_for(ONE).prompt
    assert told.startswith("hello\n\nYour previous reply could not be read: ")
    assert ErrorKind.UNPARSABLE.meaning.message in told
    assert call.request_for(TWO).prompt == "hello"
    call.failures.append(Failure(ONE, error_of("server")))
    assert call.request_for(ONE).prompt == "hello"


def test_a_model_that_fills_in_no_forms_is_asked_by_prompt():
    plain = candidate(1, degraded=("structured_output",))
    call = call_of(plain, ONE, request=GenerationRequest(prompt="hello", response_model=Greeting))

    assert [call.request_for(one).structured_by_prompt for one in (plain, ONE)] == [True, False]


def test_what_a_model_does_not_take_is_left_out_whether_a_row_says_so_or_this_process_found_it_out():
    matrix = CapabilityMatrix(refused={("openai", "m"): frozenset({"temperature"})})
    snapshot = RoutingSnapshot(revision=1, providers=(), tiers={}, capabilities=matrix)
    call = call_of(ONE, snapshot=snapshot)
    parameters.note(provider_type="openai", base_url="", model_name="m", parameter="store")
    parameters.note(provider_type="openai", base_url="http://elsewhere", model_name="m", parameter="effort")
    parameters.note(provider_type="openai", base_url="", model_name="another", parameter="effort")

    assert call.request_for(ONE).without == {"temperature", "store"}


# --- What the ledger is told ------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "usual"), [(2_000, 512), (100, 100)])
def test_an_attempt_holds_the_whole_reply_and_is_worth_making_with_what_is_usual(most, usual):
    request = GenerationRequest(prompt="x" * 300, max_output_tokens=most)
    rules = RuleBook(of_plans={("pro", "extraction", "tokens", "day"): 700})
    prices = {("openai", "m"): ()}
    snapshot = RoutingSnapshot(revision=4, providers=(), tiers={}, rules=rules, prices=prices)
    one = candidate(3, timeout=20.0, daily_token_limit=90)
    call = call_of(one, request=request, snapshot=snapshot, arm=Arm(id=5, weight=1))
    reads = estimate_input_tokens(request)

    attempt = call.attempt_at(one, number=2, now=NOW)

    assert attempt == Attempt(
        user_id=7,
        config_id=3,
        provider_type="openai",
        model_name="m",
        task="extraction",
        plan="pro",
        request_id="r-1",
        number=2,
        reserved_tokens=reads + most,
        reserved_input_tokens=reads,
        least_tokens=reads + usual,
        prices=prices,
        limits=limits_for(
            user_id=7,
            plan=call.question.plan,
            task="extraction",
            rules=rules,
            config_id=3,
            config=one.provider,
            now=NOW,
        ),
        routing_revision=4,
        started_at=NOW,
        expires_at=NOW + timedelta(seconds=80),
        experiment_arm=5,
    )
    assert {limit.scope for limit in attempt.limits} == {"user:7", "task:7:extraction", "provider:3"}


def test_what_was_never_sent_holds_nothing_and_names_whose_answer_was_given_again():
    call = call_of(ONE, arm=Arm(id=5, weight=1))
    asked = {"user_id": 7, "task": "extraction", "plan": "pro", "request_id": "r-1", "number": 0}
    asked |= {"reserved_tokens": 0, "limits": (), "routing_revision": 4, "experiment_arm": 5}
    asked |= {"started_at": NOW, "expires_at": NOW}

    assert call.unsent(now=NOW) == Attempt(config_id=None, provider_type="", model_name="", **asked)
    again = call.unsent(now=NOW, candidate=ONE)
    assert again == Attempt(config_id=1, provider_type="openai", model_name="m", **asked)
    assert replace(call, arm=None).unsent(now=NOW).experiment_arm is None
    assert replace(call, arm=None).attempt_at(ONE, number=1, now=NOW).experiment_arm is None


# --- The result -------------------------------------------------------------------------------------------


def test_a_result_says_who_answered_and_what_all_of_it_took():
    one = candidate(3, model="small", quality_model="large")
    budget = CallBudget(deadline=0.0, attempts=2, costs=[Decimal("0.1"), Decimal("0.2")])
    snapshot = RoutingSnapshot(revision=1, providers=(), tiers={("pro", "extraction"): "quality"})
    call = call_of(one, budget=budget, snapshot=snapshot)
    usage, warnings = TokenUsage(10, 5), ("a warning",)
    reply = ProviderReply(text="Hi.", parsed=Greeting(greeting="Hi."), usage=None, model_name="small-1")
    settlement = Settlement(
        cost_usd=Decimal("0.2"), usage=usage, usage_source="estimated", quota_warnings=warnings
    )

    assert call.result(one, reply, settlement, latency_ms=12) == GenerationResult(
        text="Hi.",
        parsed=Greeting(greeting="Hi."),
        provider_type="openai",
        provider_config_id=3,
        provider_name="config 3",
        model_name="small",
        task="extraction",
        tier="quality",
        request_id="r-1",
        attempts=2,
        usage=usage,
        usage_source="estimated",
        cost_usd=Decimal("0.3"),
        latency_ms=12,
        quota_warnings=warnings,
    )


def test_a_result_says_that_the_form_was_asked_for_by_prompt_where_there_was_one():
    reply = ProviderReply(text="{}", parsed=None, usage=None, model_name="m")
    settlement = Settlement(cost_usd=None, usage=TokenUsage(), usage_source="reported")
    parameters.note(provider_type="openai", base_url="", model_name="m", parameter="form")

    def degraded(one, request):
        call = call_of(one, request=request)
        return call.result(one, reply, settlement, latency_ms=1).degraded

    form, text = GenerationRequest(prompt="hello", response_model=Greeting), GenerationRequest(prompt="hello")
    assert degraded(ONE, form) == ("structured_output",)
    assert degraded(ONE, text) == ()
    assert degraded(candidate(1, degraded=("something",)), text) == ("something",)
