"""A token at a view that stays on the event loop: looked at once, believed as long as its login lives."""

from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from django.urls import reverse
from django.utils import timezone

from accounts import tokens
from accounts.concurrency import Recent
from accounts.models import TokenFamily, User
from accounts.tokens import issue_pair

# Rows that the loop's own connections are to see have to be committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token(user):
    return issue_pair(user=user, verified_at=None)["access"]


def knock(token, scheme="Bearer"):
    """Status and error code of a request that is refused for its body, if its sender is let in."""
    path = reverse("v1:job-extract")
    headers = {"Authorization": f"{scheme} {token}"}
    response = async_to_sync(AsyncClient().post)(path, {}, "application/json", headers=headers)
    return response.status_code, response.json()["error"]["code"]


LET_IN = (400, "invalid_input")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_letters_of_the_scheme_may_be_of_any_size(token, scheme):
    assert knock(token, scheme) == LET_IN


def test_a_view_that_has_it_verified_later_learns_only_who_it_is(user, token, monkeypatch):
    monkeypatch.setattr("extraction.api.views.ExtractView.reads_bearer", False)
    user.delete()

    assert knock(token) == LET_IN
    assert knock(token[:-2]) == (401, "token_not_valid")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda user: User.objects.filter(pk=user.pk).update(token_version=7), "token_revoked"),
        (lambda user: TokenFamily.objects.filter(user=user).update(ended_at=timezone.now()), "token_revoked"),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), "user_inactive"),
        (lambda user: User.objects.filter(pk=user.pk).update(password="another"), "password_changed"),
        (lambda user: user.delete(), "user_not_found"),
    ],
    ids=["signed out", "family ended", "inactive", "new password", "deleted"],
)
def test_whoever_was_let_in_is_refused_from_the_moment_on_at_which_the_login_ends(user, token, end, code):
    assert knock(token) == LET_IN

    end(user)

    assert knock(token) == (401, code)


def test_a_token_that_expires_after_it_was_looked_at_has_expired(token):
    assert knock(token) == LET_IN

    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        assert knock(token) == (401, "token_not_valid")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer a.b.c", "Basic YTpi"])
def test_what_is_no_token_of_ours_is_refused(header):
    headers = {} if header is None else {"Authorization": header}
    response = async_to_sync(AsyncClient().post)(reverse("v1:job-extract"), headers=headers)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'


class Validating:
    """Takes any token for an hour, and notes which ones it was shown."""

    def __init__(self, monkeypatch):
        self.shown = []
        monkeypatch.setattr(tokens, "_validated", Recent())

    def __call__(self, raw):
        self.shown.append(raw)
        return {"raw": raw, "exp": timezone.now().timestamp() + 3_600}


def test_a_token_is_validated_once_for_as_long_as_it_holds(monkeypatch):
    validate = Validating(monkeypatch)

    with time_machine.travel(0, tick=False) as clock:
        for _ in range(2):
            assert tokens.validated(b"a", validate)["raw"] == b"a"
        assert validate.shown == [b"a"]
        clock.shift(3_600)
        for _ in range(2):
            tokens.validated(b"a", validate)

    assert validate.shown == [b"a", b"a"]


def test_no_more_tokens_are_kept_than_there_is_room_for(monkeypatch):
    validate = Validating(monkeypatch)
    monkeypatch.setattr(tokens, "MOST_VALIDATED", 2)

    for raw in (b"1", b"2", b"3", b"2", b"3", b"1"):
        tokens.validated(raw, validate)

    assert validate.shown == [b"1", b"2", b"3", b"1"]
