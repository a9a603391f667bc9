"""Several models answer one question, field by field."""

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pydantic import BaseModel, model_validator

from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.calls.question import MAX_ATTEMPTS
from orchestration.calls.voting import MOST_REQUESTS, answer, merge
from orchestration.errors import ProviderFailed, ProvidersUnavailable
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import PolicyInForce, RoutingSnapshot
from providers.adapters.base import ProviderReply, TokenUsage
from tests.orchestration.calls import call_of, candidate, failed
from usage.ledger.base import QuotaExceeded, Settlement
from usage.models import AIProviderUsageLog, QuotaCounter


class Form(BaseModel):
    title: str | None = None
    pay: int | None = None
    skills: list[str] = []


class Greeting(BaseModel):
    greeting: str


def test_what_most_have_wins_and_spelling_does_not_count():
    merged, agreement = merge([Form(title="Cook"), Form(title="Data  Engineer"), Form(title="data engineer")])

    assert merged.title == "Data  Engineer"
    assert agreement["title"] == pytest.approx(2 / 3)


def test_a_tie_goes_to_the_best_ranked():
    merged, agreement = merge([Form(pay=None), Form(pay=5)])

    assert (merged.pay, agreement["pay"]) == (None, 0.5)


def test_a_list_keeps_what_more_than_half_have():
    merged, agreement = merge(
        [Form(skills=["Python", "SQL"]), Form(skills=["python", "Rust"]), Form(skills=["SQL", "Python"])]
    )

    assert merged.skills == ["Python", "SQL"]
    assert agreement["skills"] == pytest.approx(2 / 3)


def test_a_list_is_put_together_item_by_item():
    lists = (["a", "b", "x"], ["b", "c", "y"], ["c", "a"])

    merged, agreement = merge([Form(skills=items) for items in lists])

    assert merged.skills == ["a", "b", "c"]
    assert agreement["skills"] == 0


def test_values_are_compared_as_they_are_written():
    class Dated(BaseModel):
        day: date

    merged, agreement = merge([Dated(day=date(2026, 11, day)) for day in (1, 2, 2)])

    assert (merged.day, agreement) == (date(2026, 11, 2), {"day": pytest.approx(2 / 3)})


def test_the_order_in_which_facts_are_named_is_no_disagreement():
    class Named(BaseModel):
        facts: dict[str, int]

    _, agreement = merge([Named(facts={"a": 1, "b": 2}), Named(facts={"b": 2, "a": 1})])

    assert agreement == {"facts": 1.0}


def test_half_of_the_voters_are_enough_with_the_best_ranked_among_them():
    def common(*lists):
        return merge([Form(skills=items) for items in lists])[0].skills

    assert common(["Python"], ["Rust"]) == ["Python"]
    assert common(["Go", "Python"], ["Python"], ["Rust"], ["Rust"]) == ["Python"]


def test_unanimity_is_one():
    _, agreement = merge([Form(title="a", pay=1), Form(title="A", pay=1)])

    assert set(agreement.values()) == {1.0}


class Range(BaseModel):
    low: int
    high: int

    @model_validator(mode="after")
    def in_order(self):
        if self.low > self.high:
            raise ValueError("low above high")
        return self


def test_a_mixture_that_makes_no_sense_gives_way_to_the_best_ranked():
    merged, agreement = merge(
        [Range(low=1, high=2), Range(low=5, high=9), Range(low=5, high=5), Range(low=0, high=2)]
    )

    assert (merged.low, merged.high) == (1, 2)
    assert agreement == {"low": 0.25, "high": 0.5}


def test_a_mixture_that_is_refused_is_agreed_on_as_the_best_ranked_is_whatever_the_spelling():
    class OneWord(BaseModel):
        first: str
        second: str

        @model_validator(mode="after")
        def starts_alike(self):
            if self.first[:1].lower() != self.second[:1].lower():
                raise ValueError("not alike")
            return self

    forms = [
        OneWord(first="ab", second="Ac"),
        OneWord(first="b", second="b"),
        OneWord(first="b", second="bc"),
    ]
    forms += [OneWord(first="AB", second="ac"), OneWord(first="ac", second="ac")]

    merged, agreement = merge(forms)

    assert merged == forms[0]
    assert agreement == {"first": 0.4, "second": 0.6}


def test_the_order_of_a_list_and_the_spelling_in_it_are_no_disagreement():
    _, agreement = merge([Form(skills=["SQL", "Python"]), Form(skills=["python", "sql"])])

    assert agreement["skills"] == 1.0


def test_the_same_item_twice_in_one_list_is_one_vote():
    merged, _ = merge([Form(skills=[]), Form(skills=["SQL", "sql"]), Form(skills=[]), Form(skills=[])])

    assert merged.skills == []


# --- One vote, with the answers at hand -------------------------------------------------------------------


VOTES = PolicyInForce(
    strategy="weighted", is_sticky=False, deadline=60.0, cache_seconds=0, votes=2, prompt_version="standard"
)
ONE, TWO, THREE = candidate(1), candidate(2), candidate(3)


def voting_call(*order, votes=2):
    policies = {"extraction": replace(VOTES, votes=votes)}
    providers = tuple(one.provider for one in order)
    snapshot = RoutingSnapshot(revision=1, providers=providers, tiers={}, policies=policies)
    return call_of(*order, snapshot=snapshot)


def result_of(ballot, *, latency_ms=5, source="vendor", usage=None, parsed=None, text="text"):
    reply = ProviderReply(text=text, parsed=parsed, usage=None, model_name="m")
    settled = Settlement(usage=usage or TokenUsage(10, 5), usage_source=source, cost_usd=None)
    return ballot.result(ballot.order[0], reply, settled, latency_ms=latency_ms)


def vote(call, **answers):
    """Let each provider answer by a function of its ballot; returns the result and the ballots."""
    ballots = []

    async def ask(ballot):
        ballots.append(ballot)
        ballot.budget.attempts += 1
        ballot.budget.costs.append(Decimal("0.1"))
        return answers[f"of_{ballot.order[0].provider.config_id}"](ballot)

    try:
        return asyncio.run(answer(call, ask)), ballots
    except DomainError as error:
        return error, ballots


def test_each_voter_is_asked_by_itself_with_a_common_budget():
    call = voting_call(ONE, TWO, THREE)
    call.done_with, call.too_large_at = {3}, {("openai", "elsewhere")}

    _, ballots = vote(call, of_1=result_of, of_2=result_of)

    assert [(ballot.order, ballot.only) for ballot in ballots] == [((ONE,), 1), ((TWO,), 2)]
    assert all(ballot.budget is call.budget for ballot in ballots)
    assert call.budget.most == 4
    assert [(ballot.failures, ballot.done_with, ballot.too_large_at) for ballot in ballots] == [
        ([], set(), set())
    ] * 2


def test_the_result_has_the_sums_of_all_and_the_longest_time():
    usage = TokenUsage(10, 5, cached_tokens=2, extras=("search", "sound"))
    form = {"parsed": Form(title="Cook")}

    result, _ = vote(
        voting_call(ONE, TWO),
        of_1=lambda ballot: result_of(ballot, latency_ms=7, usage=usage, **form),
        of_2=lambda ballot: result_of(ballot, latency_ms=9, usage=replace(usage, extras=("search",)), **form),
    )

    assert result.usage == TokenUsage(20, 10, cached_tokens=4, extras=("search", "sound"))
    assert (result.latency_ms, result.attempts, result.cost_usd) == (9, 2, Decimal("0.2"))
    assert (result.votes, result.agreement) == (2, {"title": 1.0, "pay": 1.0, "skills": 1.0})
    assert (result.parsed, result.text) == (Form(title="Cook"), Form(title="Cook").model_dump_json())
    assert result.provider_config_id == 1


def test_a_single_voter_is_asked_as_for_any_other_call():
    call = voting_call(ONE)

    result, [asked] = vote(call, of_1=result_of)

    assert (asked is call, call.budget.most, result.votes) == (True, MAX_ATTEMPTS, 1)


def test_usage_is_the_vendors_only_if_all_of_it_is():
    def source(*sources):
        one, two = sources
        result, _ = vote(
            voting_call(ONE, TWO),
            of_1=lambda ballot: result_of(ballot, source=one),
            of_2=lambda ballot: result_of(ballot, source=two),
        )
        return result.usage_source

    assert (source("vendor", "vendor"), source("vendor", "estimated")) == ("vendor", "estimated")


def test_without_any_form_the_best_ranked_text_is_the_answer():
    result, _ = vote(
        voting_call(ONE, TWO),
        of_1=lambda ballot: result_of(ballot, text="best"),
        of_2=lambda ballot: result_of(ballot, text="other"),
    )

    assert (result.text, result.parsed, result.votes, result.agreement) == ("best", None, 0, None)


def fails(kind):
    def fail(ballot):
        failed(ballot, ballot.order[0], kind)
        raise ProviderFailed

    return fail


def test_that_all_voters_reject_the_input_is_said_by_all_of_them():
    error, _ = vote(voting_call(ONE, TWO, THREE), of_1=fails("rejected"), of_2=fails("rejected"))
    assert error.code == "request_refused"

    error, _ = vote(voting_call(ONE, TWO, THREE), of_1=fails("rejected"), of_2=fails("server"))
    assert error.code == "provider_failed"


def test_where_nothing_was_sent_the_first_refusal_is_told():
    def refuse(ballot):
        raise ProvidersUnavailable(retry_after=ballot.only)

    error, _ = vote(voting_call(ONE, TWO), of_1=refuse, of_2=refuse)

    assert (error.code, error.retry_after) == ("providers_unavailable", 1)


def test_a_bug_of_ours_is_no_missing_vote():
    with pytest.raises(ZeroDivisionError):
        vote(voting_call(ONE, TWO), of_1=result_of, of_2=lambda ballot: 1 / 0)


@pytest.fixture
def three(config_at):
    """Three vendors, ranked, and two votes."""
    TaskPolicy.objects.create(task="extraction", votes=2)
    return [
        config_at(provider_type=kind, priority=-number)
        for number, kind in enumerate(("openai", "claude", "gemini"))
    ]


in_database = pytest.mark.django_db(transaction=True)


@in_database
def test_as_many_of_the_best_answer_as_the_policy_wants(ask, three, sandbox):
    result = ask("Greeting: habari", response_model=Greeting)

    asked = AIProviderUsageLog.objects.values_list("provider_config", "attempt", "request_id")
    assert {config for config, _, _ in asked} == {three[0].pk, three[1].pk}
    assert sorted(attempt for _, attempt, _ in asked) == [1, 2]
    assert {request for _, _, request in asked} == {result.request_id}
    assert sandbox.hits()["total"] == result.attempts == 2
    assert result.provider_config_id == three[0].pk
    assert (result.votes, set(result.agreement)) == (2, {"greeting"})
    assert result.parsed.greeting


@in_database
def test_every_vote_counts_against_the_quota(ask, three, user):
    result = ask("Greeting: habari", response_model=Greeting)

    used = QuotaCounter.objects.get(scope=f"user:{user.pk}", window__startswith="day:").used
    rows = AIProviderUsageLog.objects.all()
    assert used == sum(row.total_tokens for row in rows) == result.usage.total_tokens


@in_database
def test_a_question_without_a_form_has_nothing_to_vote_on(ask, three, sandbox):
    result = ask("Say hello.")

    assert (result.votes, result.agreement) == (0, None)
    assert sandbox.hits()["total"] == 1


@in_database
def test_a_vote_that_fails_is_missing(ask, config_at, sandbox):
    TaskPolicy.objects.create(task="extraction", votes=2)
    config_at("sandbox-mini@server", priority=1)
    good = config_at(provider_type="claude")

    result = ask("Greeting: habari", response_model=Greeting)

    assert result.provider_config_id == good.pk
    assert (result.votes, result.agreement) == (1, None), "one voter agrees with itself, which says nothing"
    assert sandbox.hits()["total"] <= 2 * MOST_REQUESTS


@in_database
def test_a_vote_for_which_there_is_one_voter_says_so(ask, config_at):
    TaskPolicy.objects.create(task="extraction", votes=3)
    config_at()

    result = ask("Greeting: habari", response_model=Greeting)

    assert (result.votes, result.agreement) == (1, None)


@in_database
def test_without_quota_there_is_no_vote(ask, three, sandbox):
    Plan.objects.filter(slug="freemium").update(daily_token_limit=100)

    with pytest.raises(QuotaExceeded):
        ask("Greeting: habari", response_model=Greeting)

    assert sandbox.hits()["total"] == 0
    assert AIProviderUsageLog.objects.get().attempt == 0
