"""When the same provider is asked again."""

import pytest

from orchestration.calls.loop import pause_before_retry
from providers.errors import LONGEST_RETRY_AFTER, ErrorKind, ProviderError


def error_of(kind, **fields):
    return ProviderError(ErrorKind(kind), "It failed.", vendor="openai", **fields)


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.PARAMETER])
def test_it_never_asks_the_same_provider_a_third_time(kind):
    assert pause_before_retry(error_of(kind, retry_after=0.1), retries_here=1) is None


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded"])
def test_it_obeys_a_short_retry_after_and_leaves_for_a_long_one(kind):
    longest = 3

    for short in (0, 0.5, longest):
        assert pause_before_retry(error_of(kind, retry_after=short), retries_here=0) == short
    assert pause_before_retry(error_of(kind, retry_after=longest + 0.1), retries_here=0) is None


@pytest.mark.parametrize("kind", ["rate_limited", "overloaded"])
def test_where_no_wait_is_named_a_vendor_without_room_is_left_at_once(kind):
    assert pause_before_retry(error_of(kind), retries_here=0) is None


@pytest.mark.parametrize("kind", ["auth", "blocked", "rejected", "too_long"])
def test_what_will_not_change_is_not_asked_again_whatever_wait_is_named(kind):
    assert pause_before_retry(error_of(kind, retry_after=0.1), retries_here=0) is None


def test_who_is_told_what_was_wrong_with_the_reply_is_asked_at_once():
    assert pause_before_retry(error_of("unparsable", retry_after=2.0), retries_here=0) == 0


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("timeout", None, True),
        ("server", None, True),
        ("server", 500, False),
        ("timeout", 408, False),
        ("rate_limited", 429, False),
        ("rejected", 400, False),
        ("malformed", 200, True),
    ],
)
def test_a_call_that_was_sent_and_never_answered_may_have_cost(kind, status, expected):
    assert error_of(kind, status_code=status).may_have_cost is expected


def test_no_wait_is_believed_that_is_longer_than_an_hour():
    assert error_of("rate_limited", retry_after=1e9).retry_after == LONGEST_RETRY_AFTER


def test_without_a_parameter_it_is_asked_at_once_and_with_it_never_again():
    error = error_of("parameter")

    assert pause_before_retry(error, retries_here=3, can_do_without=True) == 0
    assert pause_before_retry(error, retries_here=0) is None


def test_pauses_are_drawn_anew_each_time_and_are_short():
    drawn = {pause_before_retry(error_of("server"), retries_here=0) for _ in range(50)}

    assert len(drawn) > 1
    assert all(0 <= pause <= 0.5 for pause in drawn)
    assert max(drawn) > 0.25
