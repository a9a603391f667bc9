"""Whatever combination of failures a call meets, it makes no more requests than its bound."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.calls.question import MAX_ATTEMPTS
from orchestration.calls.voting import MOST_REQUESTS
from orchestration.models import TaskPolicy
from providers.errors import MEANINGS
from providers.models import AIProviderConfig
from tests.factories import make_config

pytestmark = [
    # Of the loop and of vendors; the books of failing calls are looked at on each database by `test_chaos`.
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_pauses", "the_books_balance", "unlimited"),
]

# One of each kind of failure of the error table, as the sandbox brings it about; "" answers.
FAULTS = {
    "": None,
    "auth": "auth",
    "billing": "billing",
    "not_found": "not_found",
    "bad_request": "rejected",
    "unsupported": "parameter",
    "failed_dependency": "path",
    "malformed": "malformed",
    "too_long": "too_long",
    "too_large": "too_large",
    "request_timeout": "timeout",
    "server": "server",
    "disconnect": "server",
    "rate_limited=0": "rate_limited",
    "rate_limited=60": "rate_limited",
    "overloaded": "overloaded",
    "blocked": "blocked",
    "broken_json": "unparsable",
    # Fails once, and works the next time.
    "flaky=1": "server",
}


class Greeting(BaseModel):
    greeting: str | None


@pytest.fixture
def unlimited():
    Plan.objects.update(daily_token_limit=None)


@pytest.fixture
def requests_for(sandbox, ask):
    """How many requests a call makes over a chain of such vendors, and what came of it."""

    def count(chain, *, votes=1):
        AIProviderConfig.objects.all().delete()
        TaskPolicy.objects.update_or_create(task="extraction", defaults={"votes": votes})
        for rank, fault in enumerate(chain):
            # A model's name of its own, so that a flaky vendor of an earlier chain has not recovered yet.
            make_config(
                model_name=f"sandbox-{next(names)}@{fault}".rstrip("@"),
                base_url=sandbox.openai,
                priority=len(chain) - rank,
            )
        before = sandbox.hits()["total"]
        try:
            outcome = ask("Greeting: habari", response_model=Greeting)
        except DomainError as error:
            outcome = error
        return sandbox.hits()["total"] - before, outcome

    names = itertools.count()
    return count


def test_every_kind_of_the_error_table_is_among_the_faults():
    assert {kind for kind in FAULTS.values() if kind} == {kind.value for kind in MEANINGS}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=6))
def test_of_a_chain(requests_for, chain):
    requests, outcome = requests_for(chain)

    assert 1 <= requests <= MAX_ATTEMPTS
    if not isinstance(outcome, DomainError):
        assert outcome.attempts == requests
    elif requests < MAX_ATTEMPTS and "" in chain:
        # Somebody could have answered: then the request itself was at fault.
        assert outcome.code in {"request_refused", "content_blocked", "input_too_long"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chain=st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=6), votes=st.integers(2, 5))
def test_of_a_vote(requests_for, chain, votes):
    voters = min(votes, len(chain))

    requests, outcome = requests_for(chain, votes=votes)

    bound = MOST_REQUESTS * voters if voters > 1 else MAX_ATTEMPTS
    assert voters <= requests <= bound
    if not isinstance(outcome, DomainError):
        assert outcome.attempts == requests
    else:
        assert not {"", "flaky=1"} & set(chain[:voters])
