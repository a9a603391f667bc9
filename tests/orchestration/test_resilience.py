"""The error table of docs/architecture.md, cell by cell."""

import pytest

from orchestration.resilience import LONGEST_RETRY_AFTER_SECONDS, POLICIES, pause_before_retry
from providers.errors import ErrorKind, ProviderError

# kind: (asked here again, next config, flags the config)
TABLE = {
    "auth": (False, "yes", True),
    "billing": (False, "yes", True),
    "not_found": (False, "yes", True),
    "bad_request": (False, "no", False),
    "too_long": (False, "larger_window", False),
    "too_large": (False, "no", False),
    "timeout": (True, "yes", False),
    "server": (True, "yes", False),
    "rate_limited": (False, "yes", False),
    "overloaded": (False, "yes", False),
    "blocked": (False, "per_task", False),
    "unparsable": (True, "yes", False),
}


def error_of(kind, **fields):
    return ProviderError(ErrorKind(kind), "It failed.", vendor="openai", **fields)


def test_the_table_has_a_row_for_every_kind():
    assert {kind.value for kind in ErrorKind} == set(TABLE) == {kind.value for kind in POLICIES}


@pytest.mark.parametrize("kind", TABLE)
def test_each_kind_has_the_policy_of_its_row(kind):
    retries, next_config, flags = TABLE[kind]

    policy = POLICIES[ErrorKind(kind)]

    assert (pause_before_retry(error_of(kind), retries_here=0) is not None) == retries
    assert (policy.next_config, policy.flags_config) == (next_config, flags)


@pytest.mark.parametrize("kind", TABLE)
def test_it_never_asks_the_same_provider_a_third_time(kind):
    assert pause_before_retry(error_of(kind, retry_after=0.1), retries_here=1) is None


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded"])
def test_it_obeys_a_short_retry_after_and_leaves_for_a_long_one(kind):
    short, long = 0.5, LONGEST_RETRY_AFTER_SECONDS + 0.1

    assert pause_before_retry(error_of(kind, retry_after=short), retries_here=0) == short
    assert pause_before_retry(error_of(kind, retry_after=long), retries_here=0) is None


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("timeout", None, True),
        ("server", None, True),
        ("server", 500, False),
        ("timeout", 408, False),
        ("rate_limited", 429, False),
        ("bad_request", 400, False),
    ],
)
def test_a_call_that_was_sent_and_never_answered_may_have_cost(kind, status, expected):
    assert error_of(kind, status_code=status).may_have_cost is expected
