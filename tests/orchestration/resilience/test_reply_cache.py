"""Answers that are given again: free, only to whom they belong, and asked for once at a time."""

import asyncio
from decimal import Decimal

import pytest
from pydantic import BaseModel

from accounts import concurrency
from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.calls import reply_cache
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.guards.memory import MemoryGuards
from orchestration.models import TaskPolicy
from providers.adapters.base import Image
from tests.contract.questions import png
from tests.factories import make_config
from tests.sandbox import Holding, running_sandbox
from tests.waiting import until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_pauses")]

PARALLEL = 10


class Greeting(BaseModel):
    greeting: str | None


class OtherGreeting(BaseModel):
    greeting: str | None
    language: str | None = None


@pytest.fixture
def ask_again(ask):
    """Ask what may be answered from the cache."""
    return lambda prompt="Greeting: habari", **question: ask(prompt, is_repeatable=True, **question)


def test_an_answer_given_again_is_free_and_has_its_row(config_at, ask_again, sandbox, user):
    config = config_at()
    first = ask_again(response_model=Greeting)
    used = QuotaCounter.objects.filter(scope=f"user:{user.pk}").values_list("used", flat=True)[0]
    Plan.objects.update(daily_token_limit=1)

    again = ask_again(response_model=Greeting)

    assert (again.text, again.parsed) == (first.text, first.parsed)
    assert (again.cached, again.cost_usd, again.attempts) == (True, Decimal(0), 0)
    assert (again.provider_config_id, again.usage.total_tokens) == (config.pk, 0)
    row = AIProviderUsageLog.objects.get(cached=True)
    assert (row.attempt, row.status, row.total_tokens, row.estimated_cost_usd) == (0, "success", 0, 0)
    assert (row.user, row.provider_config, row.model_name) == (user, config, "sandbox-mini")
    assert QuotaCounter.objects.filter(scope=f"user:{user.pk}", used=used).exists()
    assert sandbox.hits()["total"] == 1


DIFFERENT = {
    "prompt": {"prompt": "Greeting: salut"},
    "system prompt": {"system_prompt": "Be brief."},
    "task": {"task": "cover_letter"},
    "prompt version": {"prompt_version": "careful"},
    "room for the answer": {"max_output_tokens": 99},
    "form": {"response_model": OtherGreeting},
    "no form": {"response_model": None},
    "picture": {"images": [png()]},
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_another_question_is_asked(config_at, ask_again, sandbox, what):
    config_at()
    TaskPolicy.objects.create(task="cover_letter", cache_seconds=60)
    ask_again(response_model=Greeting)

    other = ask_again(**{"response_model": Greeting} | DIFFERENT[what])

    assert not other.cached
    assert sandbox.hits()["total"] == 2


def test_two_pictures_are_two_questions(config_at, ask_again):
    config_at()
    red, blue = png(8, 8), png(9, 9)
    ask_again(images=[red])

    assert not ask_again(images=[blue]).cached
    assert ask_again(images=[Image(red.data, red.mime_type)]).cached


def test_an_answer_belongs_to_the_user_who_asked(config_at, ask_again, outsider):
    config_at()
    ask_again()

    assert not ask_again(user=outsider).cached


def test_another_model_or_address_is_asked_anew(config_at, ask_again):
    config = config_at()
    ask_again()
    config.model_name = "sandbox-large"
    config.save()
    other_model = ask_again()
    config.model_name = "sandbox-mini"
    config.save()

    assert not other_model.cached
    assert ask_again().cached


def test_a_provider_that_was_switched_off_answers_nothing_more(config_at, ask_again):
    off = config_at(is_default=True)
    ask_again()
    off.is_active = False
    off.save()
    with pytest.raises(DomainError, match="No active provider"):
        ask_again()

    other = config_at(provider_type="claude")

    assert (ask_again().provider_config_id, ask_again().cached) == (other.pk, True)


def test_what_is_not_to_be_repeated_is_not(config_at, ask, ask_again, sandbox):
    config_at()
    ask("Greeting: habari")
    ask("Greeting: habari")
    TaskPolicy.objects.create(task="extraction", cache_seconds=0)
    ask_again()
    ask_again()

    assert sandbox.hits()["total"] == 4


def test_what_cannot_be_read_any_more_is_asked_anew(config_at, ask_again, settings, sandbox):
    config = config_at()
    ask_again(response_model=Greeting)
    settings.FERNET_KEYS = ["2tIKPd2qHEqPdqvz0BBSNcSJr8G1XQFa7BqWVRRkuXc="]
    config.set_api_key("sk-test-0123456789abcdef")
    config.save()

    assert not ask_again(response_model=Greeting).cached
    assert ask_again(response_model=Greeting).cached
    assert sandbox.hits()["total"] == 2


def at_once(user, count=PARALLEL):
    """The outcomes of so many identical calls of one process."""

    async def all_of_them():
        return await asyncio.gather(*(identical(user) for _ in range(count)), return_exceptions=True)

    return concurrency.run(all_of_them())


def identical(user, guards=None):
    return AIOrchestrator(guards=guards).generate(
        user=user, task="extraction", prompt="Greeting: habari", is_repeatable=True
    )


def test_identical_calls_at_once_are_asked_once(config_at, sandbox, user):
    config_at("sandbox-mini@slow=0.2")

    results = at_once(user)

    assert sorted(result.cached for result in results) == [False] + [True] * (PARALLEL - 1)
    assert len({result.text for result in results}) == 1
    assert sandbox.hits()["total"] == 1
    assert AIProviderUsageLog.objects.filter(cached=True).count() == PARALLEL - 1


class ReadSlowly(MemoryGuards):
    """What the first reader of the cache found reaches it when it may."""

    def __init__(self):
        super().__init__()
        self.found, self.may_hear = asyncio.Event(), asyncio.Event()

    async def recall(self, names):
        values = await super().recall(names)
        if not self.found.is_set():
            self.found.set()
            await self.may_hear.wait()
        return values


class ReadOnce(ReadSlowly):
    """Who claims a question that somebody has just answered does not hear of the answer."""

    async def recall(self, names):
        values = await super().recall(names)
        return [None] * len(names) if self.may_hear.is_set() else values


@pytest.mark.parametrize(("guards", "requests"), [(ReadSlowly, 1), (ReadOnce, 2)])
def test_an_answer_that_came_between_the_look_and_the_claim_is_found(
    config_at, sandbox, user, guards, requests
):
    config_at()

    async def scenario():
        shared = guards()
        late = asyncio.ensure_future(identical(user, shared))
        await shared.found.wait()
        await identical(user, shared)
        shared.may_hear.set()
        return await late

    late = concurrency.run(scenario())

    assert (late.cached, sandbox.hits()["total"]) == (requests == 1, requests)


def test_when_the_one_that_asks_fails_the_next_one_asks(config_at, sandbox, user):
    config_at()
    sandbox.fault("bad_request", times=2)

    outcomes = at_once(user)

    failed = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    answered = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert (len(failed), len(answered)) == (2, PARALLEL - 2)
    assert [result.cached for result in answered].count(False) == 1
    assert sandbox.hits()["total"] == 3


def test_when_the_one_that_asks_is_cancelled_the_next_one_asks(user):
    vendor = Holding()
    with running_sandbox(vendor) as running:
        make_config(model_name="sandbox-mini", base_url=running.openai)

        async def scenario():
            leader = asyncio.ensure_future(identical(user))
            await until(lambda: running.hits()["total"] == 1)
            others = [asyncio.ensure_future(identical(user)) for _ in range(3)]
            leader.cancel()
            await until(lambda: running.hits()["total"] == 2)
            vendor.let_go()
            return await asyncio.gather(*others)

        results = concurrency.run(scenario())

        assert sorted(result.cached for result in results) == [False, True, True]
        assert running.hits()["total"] == 2


class Lapsing(MemoryGuards):
    """A name is free again when others were refused it so often since its holder last claimed it."""

    OFTEN = 20

    def __init__(self):
        super().__init__()
        self.tries = self.refusals = 0

    async def claim(self, name, holder, *, seconds):
        self.tries += 1
        claimed = await super().claim(name, holder, seconds=3600)
        self.refusals = 0 if claimed else self.refusals + 1
        if self.refusals < self.OFTEN:
            return claimed
        self._claims.clear()
        return await self.claim(name, holder, seconds=seconds)


class NotForLonger(Lapsing):
    """Who holds a name gains nothing by claiming it again."""

    async def claim(self, name, holder, *, seconds):
        held = self._claims.get(name)
        return bool(held and held[0] == holder) or await super().claim(name, holder, seconds=seconds)


@pytest.mark.parametrize(("guards", "requests"), [(Lapsing, 1), (NotForLonger, 2)])
def test_who_asks_for_longer_than_a_lease_goes_on_holding_the_question(user, monkeypatch, guards, requests):
    monkeypatch.setattr(reply_cache, "LEASE", 0.15)
    vendor = Holding()
    with running_sandbox(vendor) as running:
        make_config(model_name="sandbox-mini", base_url=running.openai)

        async def scenario():
            shared = guards()
            leader = asyncio.ensure_future(identical(user, shared))
            await until(lambda: running.hits()["total"] == 1)
            second = asyncio.ensure_future(identical(user, shared))
            await until(lambda: shared.tries > 5 * shared.OFTEN or running.hits()["total"] == 2)
            vendor.let_go()
            return await asyncio.gather(leader, second)

        results = concurrency.run(scenario())

        assert [result.cached for result in results].count(False) == requests
        assert running.hits()["total"] == requests
