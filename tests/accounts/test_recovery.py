"""What an operator does for somebody who is locked out."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEntry, User
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


PASSWORD = "mvua inanyesha leo"


@pytest.fixture
def unattended(settings):
    """What a container is given instead of somebody to ask."""
    settings.SUPER_ADMIN_EMAIL, settings.SUPER_ADMIN_PASSWORD = "First@Example.com", PASSWORD


@pytest.fixture
def terminal(monkeypatch):
    """`terminal(email, *passwords)`: somebody sits there and types these."""

    def types(email, *passwords):
        told = iter(passwords)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
        monkeypatch.setattr("builtins.input", lambda _: email)
        monkeypatch.setattr("accounts.management.commands.make_super_admin.getpass", lambda _: next(told))

    return types


def test_the_first_account_is_made_from_the_environment_and_can_log_in(unattended):
    call_command("make_super_admin")

    user = User.objects.get()
    assert (user.email, user.role, user.is_superuser) == ("first@example.com", "SUPER_ADMIN", True)
    assert Client().post("/admin/login/", {"username": user.email, "password": PASSWORD}).status_code == 302
    assert written() == [("user.created", "manage.py make_super_admin", "first@example.com")]
    assert PASSWORD not in str(AuditEntry.objects.get(action="user.created").changes)


def test_it_asks_for_what_it_is_not_told(terminal, capsys):
    terminal("first@example.com", PASSWORD, "mistyped", PASSWORD, PASSWORD)

    call_command("make_super_admin")

    assert User.objects.get().check_password(PASSWORD)
    assert "not the same" in capsys.readouterr().out


def test_a_second_one_is_refused_unless_it_is_asked_for(super_admin, user, unattended):
    for arguments in ([], ["second@example.com"], [user.email]):
        with pytest.raises(CommandError, match="There is a super-admin already"):
            call_command("make_super_admin", *arguments)
    assert User.objects.filter(role="SUPER_ADMIN").count() == 1
    assert written() == []

    call_command("make_super_admin", "second@example.com", "--another")
    call_command("make_super_admin", user.email, "--another")

    assert User.objects.filter(role="SUPER_ADMIN").count() == 3


def test_one_who_is_deactivated_does_not_count(super_admin, unattended):
    User.objects.update(is_active=False)

    call_command("make_super_admin")

    assert User.objects.get(is_active=True).email == "first@example.com"


def test_the_sole_super_admin_may_be_named_again(super_admin):
    call_command("make_super_admin", "root@example.com")

    assert User.objects.get(role="SUPER_ADMIN") == super_admin


@pytest.mark.parametrize(
    ("email", "password", "says"),
    [
        ("not-an-address", PASSWORD, "valid email address"),
        ("first@example.com", "short", "too short"),
        ("first@example.com", "password1234", "too common"),
        ("firstperson@example.com", "firstperson", "too similar to the email"),
        (f"{'a' * 250}@example.com", PASSWORD, "at most 254 characters"),
    ],
)
def test_what_cannot_be_an_account_is_refused_with_the_reason(settings, email, password, says):
    settings.SUPER_ADMIN_EMAIL, settings.SUPER_ADMIN_PASSWORD = email, password

    with pytest.raises(CommandError, match=says):
        call_command("make_super_admin")
    assert not User.objects.exists()


def test_a_container_makes_the_first_one_once_and_then_leaves_everybody_alone(unattended, capsys):
    call_command("make_super_admin", "--if-none")
    User.objects.get().set_password("changed since then")
    entries = written()
    capsys.readouterr()

    call_command("make_super_admin", "--if-none")

    assert (written(), capsys.readouterr().out) == (entries, "")


def test_a_container_without_either_says_how_it_is_made(capsys):
    call_command("make_super_admin", "--if-none")

    assert "docker compose run --rm web python manage.py make_super_admin" in capsys.readouterr().out
    assert not User.objects.exists()
