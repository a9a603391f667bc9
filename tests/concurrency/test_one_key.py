"""One Idempotency-Key from many clients over four processes: the work is done once, for all of them."""

import os

import pytest
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import IdempotencyKey, Plan
from drafting.models import Draft
from tests.books import assert_books_balance
from tests.concurrency.client_process import work
from tests.concurrency.forked import forked
from tests.concurrency.test_kills import report
from tests.drafting.conftest import JOB, load_profile
from tests.factories import make_config

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

CLIENTS = int(os.environ.get("CHAOS_CLIENTS", "12"))
CV = "/api/v1/cv-drafter/draft"


@pytest.fixture
def ask(user, sandbox):
    """The answers to a request that is sent by so many clients at once, with these keys."""
    Plan.objects.update(daily_token_limit=None)
    make_config(model_name="sandbox-mini@slow=0.2", base_url=sandbox.openai, is_default=True)
    body = {"job_data": JOB, "master_profile": load_profile("complete")}

    def together(keys):
        with forked(work, token=str(AccessToken.for_user(user))) as processes:
            for number, process in enumerate(processes):
                process.tell("post", path=CV, body=body, keys=keys[number :: len(processes)])
            return [answer for process in processes for answer in process.hears()]

    return together


def test_of_many_clients_one_is_answered_anew(ask, sandbox):
    answers = ask(["the-same"] * CLIENTS)

    assert {status for status, _, _ in answers} == {201}, answers[0]
    assert len({body for _, _, body in answers}) == 1
    assert sorted(again for _, again, _ in answers) == [False, *[True] * (CLIENTS - 1)]
    draft = Draft.objects.get()
    assert sandbox.hits()["total"] == len(draft.calls)
    assert IdempotencyKey.objects.count() == 1
    assert_books_balance(sandbox)
    report(clients=CLIENTS, drafts=1, hits=sandbox.hits()["total"])


def test_with_keys_of_their_own_each_is(ask, sandbox):
    """Shows that the test above can fail."""
    answers = ask([f"key-{number}" for number in range(4)])

    assert {again for _, again, _ in answers} == {False}
    assert Draft.objects.count() == 4
