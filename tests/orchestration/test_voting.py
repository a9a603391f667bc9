"""Several models answer one question, field by field."""

import pytest
from pydantic import BaseModel, model_validator

from accounts.models import Plan
from orchestration.calls.voting import MOST_REQUESTS, merge
from orchestration.models import TaskPolicy
from usage.ledger.base import QuotaExceeded
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


def test_half_of_the_voters_are_enough_with_the_best_ranked_among_them():
    merged, _ = merge([Form(skills=["Python"]), Form(skills=["Rust"])])

    assert merged.skills == ["Python"]


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
