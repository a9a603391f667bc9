"""What a client hears of a call that nobody answered."""

import pytest

from orchestration.calls.outcomes import final_error
from orchestration.calls.question import Failure
from orchestration.errors import ProvidersUnavailable
from orchestration.routing.snapshot import RoutingSnapshot
from providers.adapters.base import GenerationRequest, Image
from providers.errors import ErrorKind, UndecryptableKey
from tests.orchestration.calls import call_of, candidate, error_of, failed
from usage.ledger.base import QuotaExceeded

ONE, TWO, THREE = candidate(1), candidate(2), candidate(3)
PICTURE = GenerationRequest(prompt="", images=(Image(data=b"", mime_type="image/png"),))


def after(*failures, order=(ONE, TWO, THREE)):
    """The error after failures, each as (candidate, kind) or with the seconds that the vendor asks for."""
    call = call_of(*order)
    for one, kind, *wait in failures:
        failed(call, one, kind, retry_after=wait[0] if wait else None)
    return final_error(call, [])


# --- Nothing was sent -------------------------------------------------------------------------------------


def test_a_quota_of_a_provider_is_told_before_other_reasons_and_by_the_one_that_has_room_first():
    skipped = [UndecryptableKey(), QuotaExceeded(retry_after=900), QuotaExceeded(retry_after=600)]

    error = final_error(call_of(ONE), skipped)

    assert (error.code, error.retry_after) == ("provider_quota_exceeded", 600)


def test_else_the_first_reason_is_told():
    unavailable = ProvidersUnavailable(retry_after=30)

    assert final_error(call_of(ONE), [unavailable, UndecryptableKey()]) is unavailable
    assert final_error(call_of(), [unavailable]) is unavailable


def test_without_a_reason_it_was_the_time():
    error = final_error(call_of(ONE), [])

    assert (error.code, error.retry_after) == ("providers_unavailable", 1)


def test_without_any_provider_a_super_admin_is_told_to_add_one():
    assert final_error(call_of(), []).code == "no_active_provider"


def unable(request, *models):
    providers = tuple(candidate(number, model=name).provider for number, name in enumerate(models, 1))
    return final_error(
        call_of(request=request, snapshot=RoutingSnapshot(revision=1, providers=providers, tiers={})), []
    )


def test_without_an_able_provider_it_says_what_they_lack():
    error = unable(PICTURE, "sandbox-text")

    assert (error.code, error.details) == ("no_capable_provider", {"missing": ["vision"]})
    assert error.message.startswith("None of the configured models supports vision.")


def test_a_vote_whose_provider_was_taken_away_is_told_to_try_again():
    able = RoutingSnapshot(revision=1, providers=(candidate(2, model="sandbox-mini").provider,), tiers={})

    error = final_error(call_of(request=PICTURE, snapshot=able, only=1))

    assert (error.code, error.retry_after) == ("providers_unavailable", 1)


def test_what_they_lack_is_written_as_words():
    longer = GenerationRequest(prompt="x" * 3 * 9_000, images=PICTURE.images)

    assert "supports input window and vision." in unable(longer, "gpt-4").message
    assert unable(longer, "gpt-4").details == {"missing": ["input_window", "vision"]}


def test_where_a_shorter_input_would_do_it_says_so():
    assert unable(GenerationRequest(prompt="x" * 3 * 9_000), "gpt-4").code == "input_too_long"


def test_it_is_judged_by_the_models_of_the_calls_own_tier():
    provider = candidate(1, model="sandbox-mini", quality_model="sandbox-text").provider
    tiers = {("pro", "extraction"): "quality"}
    snapshot = RoutingSnapshot(revision=1, providers=(provider,), tiers=tiers)

    assert final_error(call_of(request=PICTURE, snapshot=snapshot), []).details == {"missing": ["vision"]}


# --- Vendors failed ---------------------------------------------------------------------------------------


def test_a_failure_is_told_even_where_others_were_passed_over():
    call = call_of(ONE, TWO)
    failed(call, ONE, "server")

    assert final_error(call, [QuotaExceeded(retry_after=600)]).code == "provider_failed"


def test_what_failed_in_a_vendors_batch_is_not_told_where_nobody_could_be_asked_after_it():
    call, unavailable = call_of(ONE), ProvidersUnavailable(retry_after=30)
    call.failures.append(Failure(ONE, error_of(ErrorKind.TIMEOUT), was_elsewhere=True))

    nobody_asked, nobody_left = final_error(call, [unavailable]), final_error(call, [])
    failed(call, ONE, ErrorKind.SERVER)

    assert nobody_asked is unavailable
    assert nobody_left.code == "provider_timeout"
    assert final_error(call, [unavailable]).code == "provider_failed"


def test_all_attempts_are_told_with_what_a_client_may_know():
    other = candidate(2, provider_type="claude", model="c")

    error = after((ONE, "server"), (other, "auth"))

    assert error.details == {
        "attempts": [
            {"provider_type": "openai", "model": "m", "error_kind": "server"},
            {"provider_type": "claude", "model": "c", "error_kind": "auth"},
        ]
    }
    assert after((ONE, "timeout")).details["attempts"][0]["error_kind"] == "timeout"
    assert after((ONE, "blocked")).details["attempts"][0]["error_kind"] == "blocked"


def test_it_was_the_time_only_if_it_was_for_all():
    assert after((ONE, "timeout"), (TWO, "timeout")).code == "provider_timeout"
    assert after((ONE, "timeout"), (TWO, "server")).code == "provider_failed"


def test_the_shortest_wait_that_a_vendor_asks_for_is_passed_on():
    error = after((ONE, "rate_limited", 90), (TWO, "overloaded", 45), (THREE, "server"))

    assert (error.code, error.retry_after) == ("provider_failed", 45)
    assert after((ONE, "server")).retry_after is None


# --- The input is at fault --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        pytest.param([(ONE, "blocked")], "content_blocked", id="one filter is enough"),
        pytest.param([(ONE, "too_long")], "input_too_long", id="one length is enough"),
        pytest.param([(ONE, "too_large")], "input_too_long", id="one size is enough"),
        pytest.param([(ONE, "rejected")], "provider_failed", id="one that rejects it is not"),
        pytest.param([(ONE, "rejected"), (TWO, "rejected")], "request_refused", id="two are"),
        pytest.param([(ONE, "rejected"), (TWO, "server")], "provider_failed", id="not the last word"),
        pytest.param([(ONE, "too_long"), (TWO, "server")], "provider_failed", id="nor is a length"),
        pytest.param([(ONE, "server"), (TWO, "too_long")], "input_too_long", id="the last word"),
        pytest.param([(ONE, "too_long"), (TWO, "auth")], "input_too_long", id="a bad key has no say"),
        pytest.param(
            [(ONE, "too_long"), (TWO, "rejected")], "input_too_long", id="what is wrong with it, where told"
        ),
        pytest.param([(ONE, "auth"), (TWO, "not_found")], "provider_failed", id="none has a say"),
    ],
)
def test_a_caller_is_told_to_change_the_input_when_that_is_known(failures, code):
    assert after(*failures).code == code


def test_one_that_rejects_it_is_enough_where_no_other_has_a_say():
    flagged = candidate(2, is_flagged=True)

    assert after((ONE, "rejected"), order=(ONE,)).code == "request_refused"
    assert after((ONE, "rejected"), order=(ONE, flagged)).code == "request_refused"
    assert after((TWO, "auth"), (ONE, "rejected"), order=(ONE, TWO)).code == "request_refused"
    assert after((TWO, "server"), (ONE, "rejected"), order=(ONE, TWO)).code == "provider_failed"
