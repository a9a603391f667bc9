"""Guessing passwords at both doors."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from axes.models import AccessAttempt
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import refusals
from accounts.models import AuditEntry
from tests.accounts.authenticator import later

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def at_api(password="wrong", email="root@example.com", address="198.51.100.1"):
    return APIClient(REMOTE_ADDR=address).post(
        "/api/v1/auth/token", {"email": email, "password": password}, format="json"
    )


def at_console(password="wrong", email="root@example.com", address="198.51.100.1"):
    return Client(REMOTE_ADDR=address).post("/admin/login/", {"username": email, "password": password})


@pytest.mark.parametrize("email", ["root@example.com", "nobody@example.com"])
def test_five_wrong_passwords_close_the_api_for_a_quarter_of_an_hour(super_admin, email):
    with later(minutes=1):
        statuses = [at_api(email=email).status_code for _ in range(5)]

        sixth = at_api(PASSWORD, email=email)

    assert statuses == [401, 401, 401, 401, 429]
    assert sixth.status_code == 429
    body = sixth.json()["error"]
    assert body["code"] == "too_many_attempts"
    assert body["message"] == "Too many wrong attempts. Wait 15 minutes before the next one."
    assert sixth["Retry-After"] == "900"


@pytest.mark.parametrize("email", ["root@example.com", "nobody@example.com"])
def test_and_the_console_with_a_message(super_admin, email):
    with later(minutes=1):
        statuses = [at_console(email=email).status_code for _ in range(5)]

        sixth = at_console(PASSWORD, email=email)

    assert statuses == [200, 200, 200, 200, 429]
    assert sixth.status_code == 429
    assert b"Too many wrong attempts. Wait 15 minutes before the next one." in sixth.content


def test_both_doors_count_together_whatever_the_case_of_the_email(super_admin):
    for _ in range(2):
        at_api(email="Root@Example.com")
        at_console(email=" ROOT@example.com")

    assert at_api(email="root@EXAMPLE.com").status_code == 429


def test_an_attempt_during_the_wait_does_not_prolong_it(super_admin):
    for _ in range(5):
        at_api()
    now = timezone.now()
    with time_machine.travel(now + timedelta(minutes=10), tick=False):
        assert 1 <= int(at_api()["Retry-After"]) <= 300

    with time_machine.travel(now + timedelta(minutes=15, seconds=1), tick=False):
        assert at_api(PASSWORD).status_code == 200


def test_it_locks_neither_another_address_nor_another_person(super_admin, user):
    for _ in range(5):
        at_api()

    assert at_api(PASSWORD, address="198.51.100.2").status_code == 200
    assert at_api(PASSWORD, email="alice@example.com").status_code == 200


def test_a_right_password_forgets_the_wrong_ones(super_admin):
    for _ in range(4):
        at_api()
    assert at_api(PASSWORD).status_code == 200

    assert [at_api().status_code for _ in range(4)] == [401] * 4


def test_the_console_does_not_tell_that_the_password_of_an_ordinary_user_was_right(user):
    right = [at_console(PASSWORD, email="alice@example.com") for _ in range(5)]
    wrong = [at_console("wrong", email="bob@example.com") for _ in range(5)]

    assert [r.status_code for r in right] == [r.status_code for r in wrong] == [200, 200, 200, 200, 429]
    for one, other in zip(right, wrong, strict=True):
        assert one.context["form"].non_field_errors() == other.context["form"].non_field_errors()


def test_failed_logins_are_in_the_audit_trail_once_a_minute(super_admin):
    for _ in range(3):
        at_api()
        at_console()

    entries = AuditEntry.objects.filter(action="login").order_by("number")
    assert [(entry.door, entry.outcome, entry.target_label, entry.ip_address) for entry in entries] == [
        ("api", "refused", "root@example.com", "198.51.100.1"),
        ("admin", "refused", "root@example.com", "198.51.100.1"),
    ]


def test_a_flood_of_addresses_cannot_fill_the_audit_trail(monkeypatch):
    monkeypatch.setattr(refusals, "WINDOW_SECONDS", 3600)

    for number in range(40):
        at_api(email=f"person{number}@example.com")

    assert AuditEntry.objects.count() == 30


def test_a_password_typed_as_the_email_is_not_written_down(super_admin):
    at_console(email="my secret password")

    assert AuditEntry.objects.get().target_label == "(not an email address)"


def test_nothing_typed_is_kept_in_the_table_of_attempts(super_admin):
    at_console("hunter2hunter2")
    at_api("hunter2hunter2")

    kept = " ".join(str(row) for row in AccessAttempt.objects.values_list("get_data", "post_data"))
    assert AccessAttempt.objects.count() == 1
    assert "hunter2" not in kept


def test_an_operator_unlocks(super_admin):
    for _ in range(5):
        at_api()
    out = StringIO()

    call_command("unlock_login", "Root@example.com", stdout=out)

    assert "may try again" in out.getvalue()
    assert at_api(PASSWORD).status_code == 200
    entry = AuditEntry.objects.get(action="login.unlocked")
    assert (entry.door, entry.actor_email) == ("command", "manage.py unlock_login")
