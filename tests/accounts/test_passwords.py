"""A new password takes nothing else of the person along that changed while it was hashed."""

import pytest
from django.contrib.auth import hashers
from django.db.models import F

from accounts import passwords
from accounts.models import AuditEntry, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db
OLD, NEW, THEIRS = "correct horse battery", "another long phrase", "a third long phrase"
OWN_PAGE = "/admin/password_change/"


@pytest.fixture
def clerk():
    return make_user("clerk@example.com", role="STAFF")


def set_own(console):
    return console.post(OWN_PAGE, {"old_password": OLD, "new_password1": NEW, "new_password2": NEW})


def page_of(person):
    return f"/admin/accounts/user/{person.pk}/password/"


def set_for(console, person):
    return console.post(page_of(person), {"password1": NEW, "password2": NEW})


def while_it_is_hashed(monkeypatch, person, **columns):
    """Another admin changes `columns` of the person's row in the moment the new password is hashed."""
    hash_it = User.set_password

    def slow(self, raw_password):
        User.objects.filter(pk=person.pk).update(**columns)
        hash_it(self, raw_password)

    monkeypatch.setattr(User, "set_password", slow)


MEANWHILE = [
    pytest.param({"role": "USER", "is_staff": False, "is_superuser": False}, id="demoted"),
    pytest.param({"is_active": False}, id="deactivated"),
    pytest.param({"token_version": F("token_version") + 1}, id="signed-out"),
    pytest.param({"password": hashers.make_password(THEIRS, hasher="md5")}, id="another-password"),
]


def row_of(person):
    return User.objects.filter(pk=person.pk).values().get()


@pytest.mark.parametrize("columns", MEANWHILE)
def test_who_is_being_removed_cannot_save_the_old_access_with_a_new_password(
    console, super_admin, monkeypatch, columns
):
    while_it_is_hashed(monkeypatch, super_admin, **columns)
    before = row_of(super_admin)

    response = set_own(console)

    assert "Nothing was stored." in response.content.decode()
    after = row_of(super_admin)
    assert {name for name in after if after[name] != before[name]} == set(columns)
    assert not AuditEntry.objects.filter(action="user.password_changed").exists()


@pytest.mark.parametrize("columns", MEANWHILE)
def test_nor_does_an_admin_who_sets_it_for_them(console, clerk, monkeypatch, columns):
    while_it_is_hashed(monkeypatch, clerk, **columns)

    response = set_for(console, clerk)

    assert response.url == page_of(clerk)
    assert "Nothing was stored." in console.get(response.url).content.decode()
    assert not User.objects.get(pk=clerk.pk).check_password(NEW)
    assert not AuditEntry.objects.filter(action="user.password_set").exists()


@pytest.mark.parametrize("columns", MEANWHILE[:1])
def test_a_save_of_every_column_would(console, super_admin, monkeypatch, columns):
    """The negative control."""
    monkeypatch.setattr(passwords, "store", lambda *, user, seen: user.save())
    while_it_is_hashed(monkeypatch, super_admin, **columns)

    set_own(console)

    assert row_of(super_admin)["role"] == "SUPER_ADMIN"


def test_what_a_password_has_nothing_to_do_with_stays_as_it_was_left_meanwhile(console, clerk, monkeypatch):
    while_it_is_hashed(monkeypatch, clerk, full_name="Clara", kept_quota_windows=[["day:x", 1, 2]])

    response = set_for(console, clerk)

    assert response.status_code == 302
    clerk.refresh_from_db()
    assert clerk.check_password(NEW)
    assert (clerk.full_name, clerk.kept_quota_windows) == ("Clara", [["day:x", 1, 2]])
    assert AuditEntry.objects.get(action="user.password_set").target_label == "clerk@example.com"


def test_the_session_that_changes_its_own_password_goes_on_and_others_end(console, client, super_admin):
    client.force_login(super_admin)

    response = set_own(console)

    assert response.url == "/admin/password_change/done/"
    assert console.get(response.url).status_code == 200
    assert client.get("/admin/").status_code == 302
    assert User.objects.get(pk=super_admin.pk).check_password(NEW)
    assert AuditEntry.objects.get(action="user.password_changed").actor_email == "root@example.com"


@pytest.mark.parametrize("meanwhile", [None, THEIRS])
def test_an_old_hash_is_renewed_unless_another_password_was_set_meanwhile(
    clerk, settings, monkeypatch, meanwhile
):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    if meanwhile:
        theirs = hashers.make_password(meanwhile)
        make = hashers.make_password

        def slow(raw_password):
            User.objects.filter(pk=clerk.pk).update(password=theirs)
            return make(raw_password)

        monkeypatch.setattr("accounts.models.people.make_password", slow)

    assert clerk.check_password(OLD)

    stored = User.objects.get(pk=clerk.pk)
    assert stored.password.startswith("scrypt$")
    assert stored.check_password(meanwhile or OLD)
