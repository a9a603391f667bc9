"""Whether a second factor was shown, to the second: in a session and in a token, fresh and not."""

import time
from types import SimpleNamespace

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.step_up import (
    CLAIM,
    SESSION_KEY,
    EnrolmentRequired,
    SecondFactorRequired,
    StepUpRequired,
    mark_verified,
    missing_factor,
    require_fresh,
    verified_at,
)

NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def a_moment(settings):
    settings.SECOND_FACTOR_SECONDS, settings.STEP_UP_SECONDS = 1_000, 100
    with time_machine.travel(NOW, tick=False):
        yield


class Session(dict):
    is_renewed = False

    def cycle_key(self):
        self.is_renewed = True


@pytest.fixture
def someone(monkeypatch):
    """A person with an authenticator, without a database."""

    def make(*, has_authenticator):
        monkeypatch.setattr(User, "has_second_factor", has_authenticator)
        return User(email="alice@example.com")

    return make


def request_of(user=None, *, session=None, token=None):
    return SimpleNamespace(user=user or AnonymousUser(), session=session, auth=token)


def test_the_moment_is_in_the_token_where_there_is_one_and_else_in_the_session():
    assert verified_at(request_of(token={CLAIM: "7"}, session={SESSION_KEY: 9})) == 7
    assert verified_at(request_of(token={}, session={SESSION_KEY: 9})) is None
    assert verified_at(request_of(session={SESSION_KEY: 9})) == 9
    assert verified_at(request_of(session={})) is None
    assert verified_at(SimpleNamespace()) is None
    assert verified_at(request_of(token={CLAIM: 0})) == 0
    # As tokens and sessions have it that are about.
    assert verified_at(request_of(token={"mfa_at": 7})) == verified_at(request_of(session={"mfa_at": 7})) == 7


def test_showing_it_gives_the_session_the_moment_and_a_new_key():
    request = request_of(session=Session())

    mark_verified(request)

    assert request.session == {SESSION_KEY: NOW} == {SESSION_KEY: int(time.time())}
    assert request.session.is_renewed


@pytest.mark.parametrize(
    ("ago", "counts"),
    [(0, True), (999, True), (1_000, False), (-30, True), (-31, False)],
)
def test_it_counts_for_so_long_and_other_machines_clocks_may_differ_a_little(someone, ago, counts):
    request = request_of(someone(has_authenticator=True), token={CLAIM: NOW - ago})

    missing = missing_factor(request)

    assert missing is None if counts else isinstance(missing, SecondFactorRequired)


@pytest.mark.parametrize(
    ("has_authenticator", "is_required", "missing"),
    [
        (True, True, SecondFactorRequired),
        (True, False, SecondFactorRequired),
        (False, True, EnrolmentRequired),
        (False, False, type(None)),
    ],
)
def test_what_is_missing_is_the_code_or_first_the_authenticator(
    someone, settings, has_authenticator, is_required, missing
):
    settings.MFA_REQUIRED = is_required
    request = request_of(someone(has_authenticator=has_authenticator), session={})

    assert type(missing_factor(request)) is missing
    if missing is type(None):
        require_fresh(request)
    else:
        with pytest.raises(missing):
            require_fresh(request)


def test_a_stranger_has_no_authenticator(settings):
    settings.MFA_REQUIRED = True

    assert isinstance(missing_factor(request_of(session={})), EnrolmentRequired)


def test_what_needs_a_fresh_code_needs_one_of_the_last_minutes(someone):
    user = someone(has_authenticator=True)

    require_fresh(request_of(user, session={SESSION_KEY: NOW - 99}))
    with pytest.raises(StepUpRequired):
        require_fresh(request_of(user, session={SESSION_KEY: NOW - 100}))
    with pytest.raises(SecondFactorRequired):
        require_fresh(request_of(user, session={SESSION_KEY: NOW - 1_000}))
