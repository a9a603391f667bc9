"""People and plans in the console, and what the audit trail says about changing them."""

import re

import pytest
from django.urls import reverse

from accounts.models import AuditEntry, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", ["user", "plan", "subscription", "auditentry"])
def test_a_super_admin_sees_every_list(console, model):
    make_user("pro@example.com", plan="pro_monthly")

    listed = console.get(reverse(f"admin:accounts_{model}_changelist"))

    assert listed.status_code == 200


def test_a_super_admin_adds_a_user_by_email(console):
    data = {
        "email": "New@Example.com",
        "full_name": "New",
        "password1": "long enough 9",
        "password2": "long enough 9",
    }

    response = console.post(reverse("admin:accounts_user_add"), data)

    assert response.status_code == 302
    person = User.objects.get(email="new@example.com")
    assert person.check_password("long enough 9")
    entry = AuditEntry.objects.get(action="user.created")
    assert entry.changes["email"] == [None, "new@example.com"]
    assert person.password not in str(entry.changes)


def test_a_plan_is_changed_with_before_and_after(console):
    data = {"name": "Free", "daily_token_limit": "20000", "monthly_token_limit": "", "is_default": "on"}

    response = console.post("/admin/accounts/plan/freemium/change/", data)

    assert response.status_code == 302
    entry = AuditEntry.objects.get(action="plan.changed")
    assert entry.changes["daily_token_limit"] == [10_000, 20_000]


def test_saving_without_a_change_writes_nothing(console, user):
    data = {"email": user.email, "full_name": "", "time_zone": "UTC", "is_active": "on", "role": "USER"}

    response = console.post(f"/admin/accounts/user/{user.pk}/change/", data)

    assert response.status_code == 302
    assert not AuditEntry.objects.filter(action="user.changed").exists()


@pytest.mark.parametrize("secret_page", ["axes", "token_blacklist", "authenticator", "backupcode"])
def test_tables_of_secrets_are_not_on_show(console, secret_page):
    response = console.get("/admin/")

    assert response.status_code == 200
    addresses = set(re.findall(r'href="([^"]*)"', response.content.decode()))
    # Setting an app up of one's own is no table.
    assert [one for one in addresses - {"/admin/security/authenticator/"} if secret_page in one] == []


def test_an_accounts_time_zone_is_changed_here_and_its_running_day_goes_along(console, user):
    page = console.get(f"/admin/accounts/user/{user.pk}/change/")
    data = {
        name: value for name, value in page.context["adminform"].form.initial.items() if value is not None
    }
    data |= {"is_active": "on", "groups": [], "user_permissions": []}

    console.post(f"/admin/accounts/user/{user.pk}/change/", data | {"time_zone": "Pacific/Kiritimati"})
    wrong = console.post(f"/admin/accounts/user/{user.pk}/change/", data | {"time_zone": "Middle/Earth"})

    user.refresh_from_db()
    assert user.time_zone == "Pacific/Kiritimati"
    assert {name.partition(":")[0] for name, _, _ in user.kept_quota_windows} == {"day", "month"}
    entry = AuditEntry.objects.get(action="user.changed")
    assert entry.changes == {"time_zone": ["UTC", "Pacific/Kiritimati"]}
    assert "Enter the name of a time zone" in wrong.content.decode()
