"""What wants a fresh second factor in the console, and that the form is not lost over it."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from tests.accounts.authenticator import Phone, enrol, later, refusals
from tests.factories import make_user

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]
PASSWORD = "correct horse battery"
HOME = "/admin/"


def change_role(client, person, **extra):
    kept = {"email": person.email, "full_name": "", "time_zone": "UTC", "is_active": "on"}
    data = {**kept, "role": "STAFF"}
    return client.post(f"/admin/accounts/user/{person.pk}/change/", {**data, **extra})


def test_a_fresh_code_changes_a_role_and_it_is_written_down(console, user):
    response = change_role(console, user)

    assert response.status_code == 302
    user.refresh_from_db()
    assert user.role == "STAFF"
    entry = AuditEntry.objects.get(action="user.changed")
    assert entry.changes == {"role": ["USER", "STAFF"], "is_staff": [False, True]}
    assert (entry.actor_email, entry.door, entry.target_id) == ("root@example.com", "admin", str(user.pk))


def test_a_stale_code_is_asked_for_again_and_the_form_goes_on_after_it(console, user, phone):
    with later(minutes=6):
        asked = change_role(console, user)

        assert asked.templates[0].name == "console/security/confirm.html"
        user.refresh_from_db()
        assert user.role == "USER"
        path = f"/admin/accounts/user/{user.pk}/change/"
        assert ("root@example.com", f"POST {path}", "step_up_required") in refusals()

        held_form = asked.context["held_form"]
        wrong = console.post(path, {"held_form": held_form, "otp": "000000"})
        assert b"This code is not right" in wrong.content
        user.refresh_from_db()
        assert user.role == "USER"
    with later(minutes=7):
        done = console.post(path, {"held_form": wrong.context["held_form"], "otp": phone.code()})

    assert done.status_code == 302
    user.refresh_from_db()
    assert user.role == "STAFF"


def test_a_held_form_shows_nothing_of_what_was_entered(console, user):
    with later(minutes=6):
        asked = change_role(console, user, full_name="A secret that was typed")

    assert asked.context["held_form"]
    assert b"A secret that was typed" not in asked.content


@pytest.mark.parametrize("misuse", ["another address", "another person", "too late", "made up"])
def test_a_held_form_is_good_for_its_sender_address_and_ten_minutes(console, user, outsider, phone, misuse):
    with later(minutes=6):
        held_form = change_role(console, user).context["held_form"]
    path, minutes, sender, code = f"/admin/accounts/user/{user.pk}/change/", 7, console, phone.code
    if misuse == "another address":
        path = f"/admin/accounts/user/{outsider.pk}/change/"
    elif misuse == "another person":
        second = make_user("second@example.com", role="SUPER_ADMIN")
        sender, code = Client(), enrol(second).code
        sender.force_login(second)
        sender.post("/admin/confirm/", {"otp": code()})
    elif misuse == "too late":
        minutes = 17
    else:
        held_form = "gAAAAAmadeup"

    with later(minutes=minutes):
        response = sender.post(path, {"held_form": held_form, "otp": code()})

    assert b"was not kept" in response.content
    for person in (user, outsider):
        person.refresh_from_db()
        assert person.role == "USER"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/admin/accounts/user/{pk}/delete/", {"post": "yes"}),
        ("/admin/accounts/user/{pk}/password/", {"password1": "taken over 12", "password2": "taken over 12"}),
        (
            "/admin/accounts/user/",
            {"action": "delete_selected", "_selected_action": "{pk}", "post": "yes"},
        ),
        ("/admin/security/backup-codes/", {}),
        (
            "/admin/password_change/",
            {"old_password": PASSWORD, "new_password1": "another 12 x", "new_password2": "another 12 x"},
        ),
    ],
    ids=["delete", "set a password", "delete in bulk", "backup codes", "own password"],
)
def test_what_else_wants_a_fresh_code(console, user, phone, path, data):
    path = path.format(pk=user.pk)
    data = {name: value.format(pk=user.pk) for name, value in data.items()}
    before = User.objects.get(pk=user.pk).password
    with later(minutes=6):
        asked = console.post(path, data)
        assert asked.templates[0].name == "console/security/confirm.html"
        assert User.objects.get(pk=user.pk).password == before

        done = console.post(path, {"held_form": asked.context["held_form"], "otp": phone.code()})

    assert done.status_code in (200, 302)
    written = set(AuditEntry.objects.filter(outcome="done").values_list("action", flat=True))
    assert written & {
        "person.erased",
        "user.password_set",
        "mfa.backup_codes_renewed",
        "user.password_changed",
    }


def test_a_script_of_the_console_gets_the_refusal_as_json(console, user):
    with later(minutes=6):
        response = console.post(
            f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}, headers={"Accept": "application/json"}
        )

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "step_up_required"


def test_nobody_takes_their_own_access_away(console, super_admin):
    changed = change_role(console, super_admin, role="USER", is_active="")
    deleted = console.post(f"/admin/accounts/user/{super_admin.pk}/delete/", {"post": "yes"})
    console.post(
        "/admin/accounts/user/",
        {"action": "delete_selected", "_selected_action": super_admin.pk, "post": "yes"},
    )

    assert (changed.status_code, deleted.status_code) == (302, 403)
    super_admin.refresh_from_db()
    assert (super_admin.role, super_admin.is_active) == ("SUPER_ADMIN", True)


def test_signing_out_everywhere_ends_other_sessions(console, super_admin, phone):
    elsewhere = Client()
    elsewhere.force_login(super_admin)
    elsewhere.post("/admin/confirm/", {"otp": phone.code()})
    assert elsewhere.get(HOME).status_code == 200

    response = console.post("/admin/security/sign-out/")

    assert response.url == "/admin/login/"
    assert urlsplit(elsewhere.get(HOME).url).path == "/admin/login/"
    assert AuditEntry.objects.filter(action="user.signed_out_everywhere").count() == 1


def test_the_second_factor_stays_where_it_is_demanded(console, super_admin):
    response = console.post("/admin/security/remove/", follow=True)

    assert b"Set up another one instead" in response.content
    assert super_admin.authenticator_set.filter(confirmed=True).exists()


def test_where_it_is_not_demanded_it_can_be_given_up(console, super_admin, settings):
    settings.MFA_REQUIRED = False

    response = console.post("/admin/security/remove/")

    assert response.status_code == 302
    assert not super_admin.authenticator_set.exists()
    assert console.get(HOME).status_code == 200


def test_another_phone_ends_the_other_sessions_and_keeps_this_one(console, super_admin):
    page = console.get("/admin/security/authenticator/")

    shown = console.post("/admin/security/authenticator/", {"otp": Phone(page.context["secret"]).code()})

    assert len(shown.context["codes"]) == 10
    assert console.get(HOME).status_code == 200
