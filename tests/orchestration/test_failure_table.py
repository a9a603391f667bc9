"""The table of docs/failures.md, cell by cell and over every vendor: what a failure does to the call, the
provider, the bill and the caller."""

import time
from dataclasses import dataclass

import pytest
from pydantic import BaseModel

from accounts import concurrency
from accounts.errors import DomainError
from orchestration.guards.admission import circuit_key
from orchestration.guards.base import get_guards
from orchestration.models import TaskPolicy
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import ProviderSnapshot
from providers.capabilities.facts import UNKNOWN
from providers.errors import MEANINGS
from providers.models import ModelCapability
from providers.registry import PROVIDER_TYPES
from tests.factories import make_user
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_pauses"),
]


class Greeting(BaseModel):
    greeting: str | None


@dataclass(frozen=True)
class Row:
    """What a vendor's fault is to do: requests there, whether another is asked, the circuit of the model and
    of the config's other model, whether the config is flagged, what a caller without another gets, and
    whether it is charged."""

    kind: str
    requests: int
    another: bool
    circuit: str
    other_circuit: str
    flagged: bool
    code: str
    status: int
    charged: bool


TABLE = {
    "auth": Row("auth", 1, True, "open", "open", True, "provider_failed", 502, False),
    "forbidden": Row("auth", 1, True, "open", "open", True, "provider_failed", 502, False),
    "billing": Row("billing", 1, True, "open", "open", True, "provider_failed", 502, False),
    "not_found": Row("not_found", 1, True, "open", "closed", True, "provider_failed", 502, False),
    "unsupported": Row("parameter", 1, True, "closed", "closed", False, "provider_failed", 502, False),
    "too_long": Row("too_long", 1, False, "closed", "closed", False, "input_too_long", 413, False),
    "too_large": Row("too_large", 1, True, "closed", "closed", False, "input_too_long", 413, False),
    "blocked=answer": Row("blocked", 1, False, "closed", "closed", False, "content_blocked", 422, True),
    "bad_request": Row("rejected", 1, True, "closed", "closed", False, "request_refused", 422, False),
    "unprocessable": Row("rejected", 1, True, "closed", "closed", False, "request_refused", 422, False),
    "failed_dependency": Row("path", 2, True, "counts", "closed", False, "provider_failed", 502, False),
    "request_timeout": Row("timeout", 2, True, "counts", "closed", False, "provider_timeout", 504, True),
    "conflict": Row("server", 2, True, "counts", "closed", False, "provider_failed", 502, False),
    "unavailable": Row("server", 2, True, "counts", "closed", False, "provider_failed", 502, False),
    "disconnect": Row("server", 2, True, "counts", "closed", False, "provider_failed", 502, True),
    "malformed": Row("malformed", 2, True, "counts", "closed", False, "provider_failed", 502, True),
    "rate_limited=60": Row("rate_limited", 1, True, "open", "closed", False, "provider_failed", 502, False),
    "overloaded": Row("overloaded", 1, True, "open", "closed", False, "provider_failed", 502, False),
    "broken_json": Row("unparsable", 2, True, "closed", "closed", False, "provider_failed", 502, True),
}


def circuit_of(config, model_name):
    """`counts` for a closed one that has seen failures."""
    key = circuit_key(Candidate(ProviderSnapshot.of(config), model_name, UNKNOWN))
    [circuit] = concurrency.run(get_guards().circuits([key]))
    state = circuit.state(time.time())
    return "counts" if state == "closed" and "1" in circuit.outcomes else state


def rows_of(config):
    return list(AIProviderUsageLog.objects.filter(provider_config=config).order_by("attempt"))


def test_every_kind_of_the_table_is_tried():
    assert {row.kind for row in TABLE.values()} == {kind.value for kind in MEANINGS}


@pytest.mark.parametrize("fault", TABLE)
@pytest.mark.parametrize("provider_type", sorted(PROVIDER_TYPES))
def test_alone(ask, config_at, fault, provider_type):
    row = TABLE[fault]
    config = config_at(
        f"sandbox-mini@{fault}", provider_type=provider_type, quality_model_name="sandbox-large"
    )

    with pytest.raises(DomainError) as raised:
        ask("Greeting: habari", response_model=Greeting)

    assert (raised.value.code, raised.value.status) == (row.code, row.status)
    attempts = rows_of(config)
    assert [one.error_kind for one in attempts] == [row.kind] * row.requests
    assert [one.total_tokens > 0 for one in attempts] == [row.charged] * row.requests
    assert circuit_of(config, config.model_name) == row.circuit
    assert circuit_of(config, "sandbox-large") == row.other_circuit
    config.refresh_from_db()
    assert config.flag_reason == (row.kind if row.flagged else "")


@pytest.mark.parametrize("fault", TABLE)
@pytest.mark.parametrize("provider_type", sorted(PROVIDER_TYPES))
def test_beside_a_healthy_one(ask, config_at, sandbox, fault, provider_type):
    row = TABLE[fault]
    first = config_at(f"sandbox-mini@{fault}", provider_type=provider_type, priority=1)
    # Of a vendor that is known to take requests of any size a test sends.
    second = config_at(provider_type="gemini" if provider_type == "claude" else "claude")

    if row.another:
        assert ask("Greeting: habari", response_model=Greeting).provider_config_id == second.pk
    else:
        with pytest.raises(DomainError) as raised:
            ask("Greeting: habari", response_model=Greeting)
        assert raised.value.code == row.code

    assert len(rows_of(first)) == row.requests
    assert len(rows_of(second)) == row.another


def test_a_request_that_two_reject_is_the_callers_to_change_and_no_third_is_asked(ask, config_at):
    for priority in (3, 2):
        config_at("sandbox-mini@bad_request", priority=priority)
    third = config_at(priority=1)

    with pytest.raises(DomainError) as raised:
        ask()

    assert (raised.value.code, raised.value.status) == ("request_refused", 422)
    assert rows_of(third) == []


def test_a_request_that_one_rejects_while_the_other_is_down_is_not_the_callers_fault(ask, config_at):
    config_at("sandbox-mini@bad_request", priority=2)
    config_at("sandbox-mini@server", priority=1)

    with pytest.raises(DomainError) as raised:
        ask()

    assert (raised.value.code, raised.value.status) == ("provider_failed", 502)


@pytest.mark.parametrize("order", [("server", "bad_request"), ("unsupported", "bad_request")])
def test_nor_when_the_one_that_rejects_it_comes_last(ask, config_at, order):
    for priority, fault in zip((2, 1), order, strict=True):
        config_at(f"sandbox-mini@{fault}", priority=priority)

    with pytest.raises(DomainError) as raised:
        ask()

    assert raised.value.code == "provider_failed"


@pytest.mark.parametrize("broken", ["auth", "billing", "not_found"])
def test_a_config_that_nobody_may_use_has_no_say_in_whose_fault_it_is(ask, config_at, broken):
    config_at("sandbox-mini@bad_request", priority=2)
    config_at(f"sandbox-mini@{broken}", priority=1)

    codes = set()
    for _ in range(2):
        with pytest.raises(DomainError) as raised:
            ask()
        codes.add(raised.value.code)

    assert codes == {"request_refused"}


def test_what_a_second_vendor_says_is_wrong_is_what_the_caller_is_told(ask, config_at):
    config_at("sandbox-mini@bad_request", priority=2)
    config_at("sandbox-mini@too_long", priority=1)

    with pytest.raises(DomainError) as raised:
        ask()

    assert raised.value.code == "input_too_long"


def test_one_callers_requests_take_a_provider_from_nobody(ask, config_at):
    config = config_at("sandbox-mini@bad_request")

    for _ in range(12):
        with pytest.raises(DomainError, match="refused"):
            ask()

    config.refresh_from_db()
    assert config.flagged_at is None
    assert circuit_of(config, config.model_name) == "closed"


def test_a_provider_that_rejects_many_callers_in_a_row_is_flagged(ask, config_at, user):
    config = config_at("sandbox-mini@bad_request")
    callers = [user, *[make_user(f"caller-{number}@example.com") for number in range(4)]]

    flags = []
    for caller in callers:
        with pytest.raises(DomainError):
            ask(user=caller)
        config.refresh_from_db()
        flags.append(config.flag_reason)

    assert flags == ["", "", "", "", "rejected"]


def test_an_answer_between_the_rejections_starts_the_count_anew(ask, config_at, sandbox):
    config = config_at()
    callers = [make_user(f"caller-{number}@example.com") for number in range(8)]

    for number, caller in enumerate(callers):
        if number == 4:
            ask()
        sandbox.fault("bad_request")
        with pytest.raises(DomainError):
            ask(user=caller)

    config.refresh_from_db()
    assert config.flag_reason == ""


def test_a_parameter_that_goes_on_being_refused_flags_the_config(ask, config_at):
    config = config_at("sandbox-mini@unsupported")

    flags = []
    for _ in range(5):
        with pytest.raises(DomainError):
            ask()
        config.refresh_from_db()
        flags.append(config.flag_reason)

    assert flags == ["", "", "", "", "parameter"]


def test_a_request_too_large_for_one_is_sent_to_no_server_of_unknown_size(ask, config_at):
    config_at("sandbox-mini@too_large", priority=2)
    unknown = config_at(provider_type="local", priority=1)

    with pytest.raises(DomainError) as raised:
        ask()

    assert raised.value.code == "input_too_long"
    assert rows_of(unknown) == []


def test_a_prompt_too_long_for_one_goes_to_a_larger_window_only(ask, config_at):
    wide = {"model_name": "sandbox-large", "context_window": 2_000_000}
    ModelCapability.objects.create(provider_type="claude", **wide)
    config_at("sandbox-mini@too_long", priority=3)
    same = config_at("sandbox-mini", provider_type="gemini", priority=2)
    larger = config_at("sandbox-large", provider_type="claude", priority=1)

    assert ask().provider_config_id == larger.pk
    assert rows_of(same) == []


@pytest.mark.parametrize(
    ("faults", "code"),
    [(["bad_request", "server"], "provider_failed"), (["bad_request"] * 2, "request_refused")],
)
def test_in_a_vote_it_takes_two_to_blame_the_input(ask, config_at, faults, code):
    TaskPolicy.objects.create(task="extraction", votes=2)
    for priority, fault in zip((2, 1), faults, strict=True):
        config_at(f"sandbox-mini@{fault}", priority=priority)

    with pytest.raises(DomainError) as raised:
        ask("Greeting: habari", response_model=Greeting)

    assert raised.value.code == code


def test_what_is_too_large_for_one_voter_keeps_no_other_from_voting(ask, config_at):
    TaskPolicy.objects.create(task="extraction", votes=2)
    config_at("sandbox-mini@too_large", priority=2)
    voter = config_at("sandbox-mini@flaky=1", priority=1)

    assert ask("Greeting: habari", response_model=Greeting).provider_config_id == voter.pk
