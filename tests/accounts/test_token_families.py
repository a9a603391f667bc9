"""The tokens of one login end together: some time after it, and at once when a spent one comes back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, models
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import AuditEntry, TokenFamily
from tests.accounts.authenticator import enrol, later
from tests.accounts.test_login import log_in, refresh

pytestmark = pytest.mark.django_db
TOGETHER = 8


def me(pair):
    return APIClient(headers={"Authorization": f"Bearer {pair['access']}"}).get("/api/v1/me")


def tokens_of(response):
    return response.json()["data"]


def test_a_spent_token_ends_the_login_for_whoever_has_its_tokens(user):
    first = tokens_of(log_in())
    second = tokens_of(refresh(first["refresh"]))
    assert me(second).status_code == 200

    again = refresh(first["refresh"])

    assert (again.status_code, again.json()["error"]["code"]) == (401, "token_not_valid")
    assert refresh(second["refresh"]).status_code == 401
    for pair in (first, second):
        assert (me(pair).status_code, me(pair).json()["error"]["code"]) == (401, "token_revoked")
    entry = AuditEntry.objects.get(action="login.token_reused")
    assert (entry.actor_email, entry.door, entry.outcome) == ("alice@example.com", "api", "refused")


def test_another_login_of_the_same_person_goes_on(user):
    first, other = tokens_of(log_in()), tokens_of(log_in())
    refresh(first["refresh"])
    refresh(first["refresh"])

    assert me(other).status_code == 200
    assert refresh(other["refresh"]).status_code == 200


def refreshed_until(pair, *, start, every, most):
    """When (as a time since the login) a refresh was refused; the last pair that was given."""
    since = timedelta()
    while since < most:
        since += every
        with time_machine.travel(start + since, tick=False):
            response = refresh(pair["refresh"])
        if response.status_code != 200:
            return since, pair
        pair = tokens_of(response)
    return None, pair


@pytest.mark.parametrize(
    ("role", "lifetime", "every"),
    [
        ("USER", timedelta(days=30), timedelta(days=6)),
        ("STAFF", timedelta(days=30), timedelta(days=6)),
        ("SUPER_ADMIN", timedelta(hours=12), timedelta(hours=2)),
    ],
)
def test_however_often_it_is_refreshed_a_login_ends(user, role, lifetime, every):
    user.role = role
    user.save()
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        pair = tokens_of(log_in())

    ended, last = refreshed_until(pair, start=start, every=every, most=2 * lifetime)

    assert ended == lifetime
    for token in last.values():
        # No token is good for longer than its family.
        expires = RefreshToken(token, verify=False)["exp"]
        assert expires <= (start + lifetime).timestamp()


def test_who_becomes_a_super_admin_meanwhile_has_the_shorter_time(user):
    start = timezone.now()
    pair = tokens_of(log_in())
    user.role = "SUPER_ADMIN"
    user.save()

    with time_machine.travel(start + timedelta(hours=13)):
        assert refresh(pair["refresh"]).status_code == 401


def test_a_token_of_no_family_is_refused(user):
    token = RefreshToken.for_user(user)

    assert refresh(str(token)).status_code == 401


def test_a_step_up_holds_for_the_tokens_that_come_after_it(super_admin):
    phone = enrol(super_admin)
    first = tokens_of(log_in("root@example.com", otp=phone.code()))

    with later(minutes=6):
        client = APIClient(headers={"Authorization": f"Bearer {first['access']}"})
        client.post("/api/v1/auth/step-up", {"otp": phone.code()}, format="json")
        second = tokens_of(refresh(first["refresh"]))
        client = APIClient(headers={"Authorization": f"Bearer {second['access']}"})
        fresh = client.delete("/api/v1/super-admin/providers/configs/1")

    assert fresh.json()["error"]["code"] == "provider_config_not_found"


def test_a_second_factor_counts_as_long_as_in_the_console(super_admin, settings):
    """A super-admin's tokens end before it does; a plain user who becomes one has older ones."""
    phone = enrol(super_admin)
    settings.TOKEN_FAMILY_LIFETIME_SUPER_ADMIN = timedelta(days=2)
    pair = tokens_of(log_in("root@example.com", otp=phone.code()))

    def configs(pair):
        client = APIClient(headers={"Authorization": f"Bearer {pair['access']}"})
        return client.get("/api/v1/super-admin/providers/configs")

    with later(minutes=12 * 60 - 1):
        pair = tokens_of(refresh(pair["refresh"]))
        assert configs(pair).status_code == 200
    with later(minutes=12 * 60 + 1):
        pair = tokens_of(refresh(pair["refresh"]))
        refused = configs(pair)

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "mfa_required")


# --- At once ----------------------------------------------------------------------------------------------


def refresh_at_once(token):
    def attempt(_):
        try:
            return refresh(token).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(TOGETHER) as pool:
        return sorted(pool.map(attempt, range(TOGETHER)))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_that_come_with_one_token_at_once_one_is_served_and_the_login_ends(user):
    token = tokens_of(log_in())["refresh"]

    statuses = refresh_at_once(token)

    assert statuses == [200] + [401] * (TOGETHER - 1)
    assert TokenFamily.objects.get().ended_at is not None


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_several_are_served(user, monkeypatch):
    """The negative control."""
    from threading import Barrier

    from accounts import tokens
    from tests.waiting import PATIENCE_SECONDS

    barrier = Barrier(TOGETHER)
    end_of = tokens._end_of

    def all_have_read(*args):
        if getattr(all_have_read, "left", TOGETHER) > 0:
            all_have_read.left = getattr(all_have_read, "left", TOGETHER) - 1
            barrier.wait(PATIENCE_SECONDS)
        return end_of(*args)

    token = tokens_of(log_in())["refresh"]
    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda self, **_: self)
    monkeypatch.setattr(tokens, "_end_of", all_have_read)

    assert refresh_at_once(token).count(200) > 1
