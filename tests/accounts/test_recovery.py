"""What an operator does for somebody who is locked out."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.tokens import issue_pair
from tests.accounts.authenticator import enrol

pytestmark = pytest.mark.django_db


def written():
    return list(
        AuditEntry.objects.filter(door="command").values_list("action", "actor_email", "target_label")
    )


def test_reset_mfa_lets_a_person_set_up_a_new_phone(super_admin, settings):
    settings.MFA_REQUIRED = True
    enrol(super_admin)
    client = Client()

    call_command("reset_mfa", "ROOT@example.com")

    response = client.post(
        "/admin/login/", {"username": "root@example.com", "password": "correct horse battery"}
    )
    assert response.url.startswith("/admin/security/authenticator/")
    assert ("mfa.removed", "manage.py reset_mfa", "root@example.com") in written()


def test_sign_out_ends_sessions_and_tokens(super_admin):
    client = Client()
    client.force_login(super_admin)
    token = issue_pair(user=super_admin, verified_at=None)["access"]
    assert client.get("/admin/").status_code == 200

    call_command("sign_out", "root@example.com")

    assert client.get("/admin/").status_code == 302
    assert APIClient(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/me").status_code == 401
    assert written() == [("user.signed_out_everywhere", "manage.py sign_out", "root@example.com")]


def test_make_super_admin_brings_back_a_person_and_says_what_changed(user):
    user.is_active = False
    user.save()

    call_command("make_super_admin", "alice@example.com")

    user.refresh_from_db()
    assert (user.role, user.is_active, user.is_superuser) == ("SUPER_ADMIN", True, True)
    assert AuditEntry.objects.get().changes == {"role": ["USER", "SUPER_ADMIN"], "is_active": [False, True]}


@pytest.mark.parametrize("command", ["reset_mfa", "sign_out", "make_super_admin"])
def test_an_unknown_email_is_said_plainly(command):
    with pytest.raises(CommandError, match="No user has this email address"):
        call_command(command, "nobody@example.com")
