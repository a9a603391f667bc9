"""The breaker's rules, without a clock of its own: every time is an argument."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.guards.circuit import (
    BUSY_COOLDOWN,
    CONSECUTIVE_FAILURES,
    COOLDOWN,
    LATEST,
    REFUSED_COOLDOWN,
    Circuit,
)
from providers.errors import LONGEST_RETRY_AFTER, ErrorKind

NOW = 1_800_000_000.0


def failed_times(count, kind=ErrorKind.SERVER, circuit=None):
    circuit = circuit or Circuit()
    for _ in range(count):
        circuit = circuit.failed("a", kind, now=NOW)
    return circuit


def opened(kind=ErrorKind.SERVER):
    return failed_times(CONSECUTIVE_FAILURES, kind)


def test_it_opens_at_the_threshold_and_not_before():
    assert failed_times(CONSECUTIVE_FAILURES - 1).state(NOW) == "closed"

    circuit = opened()

    assert circuit.state(NOW) == "open"
    assert (circuit.reason, circuit.opened_at, circuit.shut_for(NOW)) == ("server", NOW, COOLDOWN)


def test_an_answer_in_between_starts_the_count_anew():
    circuit = failed_times(CONSECUTIVE_FAILURES - 1).answered("b")

    assert failed_times(CONSECUTIVE_FAILURES - 1, circuit=circuit).state(NOW) == "closed"
    assert failed_times(CONSECUTIVE_FAILURES, circuit=circuit).state(NOW) == "open"


def test_it_stays_closed_while_fewer_than_half_of_the_latest_answers_failed():
    circuit = Circuit(outcomes="1")
    for number in range(5 * LATEST):
        circuit = circuit.answered("a") if number % 3 else circuit.failed("a", ErrorKind.TIMEOUT, now=NOW)

        assert circuit.state(NOW) == "closed", number


def test_nothing_is_kept_of_answers_while_all_is_well():
    assert Circuit().answered("a") == Circuit()


def test_it_opens_when_half_of_the_latest_answers_failed():
    circuit = Circuit()
    for number in range(LATEST):
        assert circuit.state(NOW) == "closed", number
        circuit = circuit.answered("a") if number % 2 else circuit.failed("a", ErrorKind.TIMEOUT, now=NOW)

    assert circuit.failed("a", ErrorKind.TIMEOUT, now=NOW).state(NOW) == "open"


def test_failures_that_have_left_the_window_are_forgotten():
    circuit = failed_times(1)
    for _ in range(LATEST):
        circuit = circuit.answered("a")

    assert circuit == Circuit()


@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.BILLING, ErrorKind.NOT_FOUND])
def test_a_refused_key_or_account_opens_at_once(kind):
    circuit = failed_times(1, kind)

    assert circuit.state(NOW + REFUSED_COOLDOWN - 1) == "open"
    assert circuit.state(NOW + REFUSED_COOLDOWN) == "half_open"
    assert not circuit.is_busy


@pytest.mark.parametrize("kind", [ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(7.0, 7.0), (None, BUSY_COOLDOWN), (10 * LONGEST_RETRY_AFTER, LONGEST_RETRY_AFTER)],
)
def test_a_busy_vendor_is_left_alone_for_as_long_as_it_asks(kind, retry_after, seconds):
    circuit = Circuit().failed("a", kind, now=NOW, retry_after=retry_after)

    assert circuit.shut_for(NOW) == seconds
    assert circuit.is_busy


def test_a_shorter_wait_does_not_take_back_a_longer_one():
    circuit = Circuit().failed("a", ErrorKind.RATE_LIMITED, now=NOW, retry_after=60.0)

    assert circuit.failed("b", ErrorKind.RATE_LIMITED, now=NOW + 1, retry_after=1.0) == circuit


def test_a_longer_wait_takes_the_place_of_a_shorter_one():
    circuit = Circuit().failed("a", ErrorKind.RATE_LIMITED, now=NOW, retry_after=10.0)

    longer = circuit.failed("b", ErrorKind.RATE_LIMITED, now=NOW + 1, retry_after=10.0)

    assert longer.shut_for(NOW + 1) == 10.0
    assert longer.opened_at == NOW


@pytest.mark.parametrize("cooldown", [0.0, 60.0, LONGEST_RETRY_AFTER])
def test_it_is_not_forgotten_while_it_is_open_or_half_open(cooldown):
    circuit = Circuit().failed("a", ErrorKind.RATE_LIMITED, now=NOW, retry_after=cooldown)

    assert cooldown < circuit.forget_after(NOW) < 2 * LONGEST_RETRY_AFTER
    assert circuit.forget_after(NOW + 10 * LONGEST_RETRY_AFTER) > 0


def test_the_last_call_of_an_open_circuit_does_not_prolong_it():
    circuit = opened()

    assert circuit.failed("late", ErrorKind.SERVER, now=NOW + 20) == circuit
    assert circuit.answered("late") == circuit


def test_half_open_lets_one_probe_through_and_no_second():
    later = NOW + COOLDOWN
    probing = opened().probed_by("a", now=later, seconds=90)

    assert probing.state(later) == "probing"
    assert probing.probed_by("b", now=later, seconds=90) is None
    assert probing.shut_for(later) > 0


def test_a_probe_whose_process_died_is_replaced_in_the_end():
    later = NOW + COOLDOWN
    probing = opened().probed_by("a", now=later, seconds=90)

    assert probing.state(later + 90) == "half_open"
    assert probing.probed_by("b", now=later + 90, seconds=90).probe == "b"


def test_a_probe_that_is_answered_closes_it():
    probing = opened().probed_by("a", now=NOW + COOLDOWN, seconds=90)

    assert probing.answered("a") == Circuit()


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind.meaning.breaker == "none"])
def test_a_probe_that_finds_fault_with_the_request_shows_that_the_vendor_works(kind):
    probing = opened().probed_by("a", now=NOW + COOLDOWN, seconds=90)

    assert probing.failed("a", kind, now=NOW + COOLDOWN) == Circuit()


def test_a_probe_that_fails_opens_it_for_another_cooldown():
    later = NOW + COOLDOWN
    circuit = opened().probed_by("a", now=later, seconds=90).failed("a", ErrorKind.SERVER, now=later)

    assert circuit.shut_for(later) == COOLDOWN
    assert circuit.opened_at == NOW


def test_a_probe_that_was_never_sent_leaves_its_place_to_the_next():
    later = NOW + COOLDOWN
    circuit = opened().probed_by("a", now=later, seconds=90).released_by("a")

    assert circuit.state(later) == "half_open"
    assert circuit.probed_by("b", now=later, seconds=90).probe == "b"


def test_a_call_that_is_not_the_probe_gives_up_no_probes_place():
    probing = opened().probed_by("a", now=NOW + COOLDOWN, seconds=90)

    assert probing.released_by("late") == probing


def rejected(circuit, *callers):
    for caller in callers:
        circuit = circuit.failed("a", ErrorKind.REJECTED, now=NOW, whose=caller)
    return circuit


def test_complaints_of_different_callers_are_counted_until_one_is_answered():
    circuit = rejected(Circuit(), "1", "2", "2", "1")

    assert circuit.in_a_row(ErrorKind.REJECTED) == 2
    assert circuit.in_a_row(ErrorKind.PARAMETER) == 0
    assert circuit.state(NOW) == "closed"
    assert circuit.answered("b") == Circuit()


def test_what_nobody_complains_of_leaves_the_count_as_it_is():
    circuit = rejected(Circuit(), "1", "2")

    assert circuit.failed("a", ErrorKind.BLOCKED, now=NOW) == circuit
    assert Circuit().failed("a", ErrorKind.BLOCKED, now=NOW, whose="1") == Circuit()
    assert circuit.failed("a", ErrorKind.PARAMETER, now=NOW, whose="") == circuit


def test_another_complaint_starts_a_count_of_its_own():
    circuit = rejected(Circuit(), "1", "2").failed("a", ErrorKind.PARAMETER, now=NOW, whose="call")

    assert circuit.in_a_row(ErrorKind.PARAMETER) == 1
    assert circuit.in_a_row(ErrorKind.REJECTED) == 0


def test_no_more_complaints_are_kept_than_it_takes_to_flag():
    circuit = rejected(Circuit(), *map(str, range(100)))

    assert circuit.in_a_row(ErrorKind.REJECTED) == ErrorKind.REJECTED.meaning.flag.after


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from([*ErrorKind, None]), st.floats(0, 100), st.sampled_from("abc"), st.booleans()
        ),
        max_size=60,
    )
)
def test_whatever_happens_it_ends_on_time_and_has_one_probe_at_most(events):
    now, circuit = NOW, Circuit()
    for kind, seconds, call, claims in events:
        now += seconds
        if claims and (claimed := circuit.probed_by(call, now=now, seconds=10)):
            assert circuit.state(now) == "half_open"
            circuit = claimed
        elif kind is None:
            circuit = circuit.answered(call)
        else:
            circuit = circuit.failed(call, kind, now=now, retry_after=seconds)
        assert len(circuit.outcomes) <= LATEST
        assert circuit.open_until <= now + max(REFUSED_COOLDOWN, COOLDOWN, LONGEST_RETRY_AFTER)
        assert circuit.state(max(circuit.open_until, circuit.probe_until)) in {"closed", "half_open"}
        assert circuit.shut_for(now) >= 0


def test_refusals_at_the_same_moment_are_one():
    opened = Circuit().failed("a", ErrorKind.AUTH, now=NOW)

    assert opened.failed("b", ErrorKind.AUTH, now=NOW + 0.5) == opened
    assert opened.failed("c", ErrorKind.AUTH, now=NOW + 2).open_until > opened.open_until
    assert opened.failed("d", ErrorKind.BILLING, now=NOW + 0.5).reason == "billing"
