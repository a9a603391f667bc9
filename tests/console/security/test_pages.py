"""What the pages for one's own second factor show."""

import pytest
from django.test import Client

from accounts.models import AuditEntry
from tests.accounts.authenticator import Phone, later

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]
SECURITY, AUTHENTICATOR = "/admin/security/", "/admin/security/authenticator/"


def test_the_page_says_what_protects_the_account(console, super_admin, settings):
    settings.STEP_UP_SECONDS = 420

    page = console.get(SECURITY)

    html = " ".join(page.content.decode().split())
    assert "the last one is older than 7 minutes" in html
    assert "10 of your backup codes are left." in html
    assert "Stop using it" not in html
    assert "Security of your account" in html
    assert "no-store" in page["Cache-Control"]
    settings.MFA_REQUIRED = False
    assert "Stop using it" in console.get(SECURITY).content.decode()


def test_the_secret_is_shown_in_fours_and_is_the_one_of_the_code(console):
    page = console.get(AUTHENTICATOR)

    secret = page.context["secret"]
    assert [len(part) for part in secret.split(" ")[:-1]] == [4] * (len(secret.split(" ")) - 1)
    assert f"secret={secret.replace(' ', '')}" in page.context["uri"]
    html = page.content.decode()
    assert secret in html
    assert "<svg" in html, "and not its source"
    assert "Set up your authenticator app" in html
    assert "asks for a second factor beside your password" not in html, "she has one"


@pytest.mark.parametrize("is_required", [True, False])
def test_who_has_none_is_told_where_one_is_demanded(super_admin, settings, is_required):
    settings.MFA_REQUIRED = is_required
    client = Client()
    client.force_login(super_admin)

    html = client.get(AUTHENTICATOR).content.decode()

    assert ("asks for a second factor beside your password" in html) == is_required


def test_a_wrong_code_for_another_phone_leaves_the_old_one_in_use(console, phone):
    secret = console.get(AUTHENTICATOR).context["secret"]

    refused = console.post(AUTHENTICATOR, {"otp": "000000"})

    assert b"This code is not right" in refused.content
    assert refused.context["secret"] == secret, "the one that was scanned"
    assert not AuditEntry.objects.filter(action="mfa.enrolled", door="admin").exists()
    with later(minutes=1):
        assert console.post("/admin/confirm/", {"otp": phone.code()}).status_code == 302


def test_another_phone_wants_a_fresh_code_of_the_old_one(console, phone):
    with later(minutes=6):
        asked = console.get(AUTHENTICATOR)

        assert asked.url == "/admin/confirm/?next=%2Fadmin%2Fsecurity%2Fauthenticator%2F"
        assert console.post(asked.url, {"otp": phone.code()}).url == AUTHENTICATOR
        assert console.get(AUTHENTICATOR).context["secret"]


def test_new_backup_codes_are_shown_and_entered(console):
    shown = console.post("/admin/security/backup-codes/")

    codes = shown.context["codes"]
    assert all(code in shown.content.decode() for code in codes)
    assert "Your backup codes" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    entry = AuditEntry.objects.get(action="mfa.backup_codes_renewed")
    assert (entry.actor_email, entry.door) == ("root@example.com", "admin")


@pytest.mark.parametrize("page", ["backup-codes", "remove", "sign-out"])
def test_what_changes_something_takes_a_post(console, page):
    assert console.get(f"{SECURITY}{page}/").status_code == 405


def test_a_changed_factor_is_said_and_entered(console, settings):
    settings.MFA_REQUIRED = False

    done = console.post(f"{SECURITY}remove/", follow=True)

    assert "protected by its password alone now" in done.content.decode()
    assert done.redirect_chain == [(SECURITY, 302)]
    entry = AuditEntry.objects.get(action="mfa.removed")
    assert (entry.actor_email, entry.door) == ("root@example.com", "admin")


def test_a_new_phone_confirms_by_itself(console):
    secret = console.get(AUTHENTICATOR).context["secret"]

    with later(minutes=2):
        console.post(AUTHENTICATOR, {"otp": Phone(secret).code()})
    with later(minutes=6):
        assert console.post("/admin/security/backup-codes/").context["codes"]
