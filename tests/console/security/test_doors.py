"""The console from outside: who gets in, and what they have to show."""

from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import AuditEntry
from tests.accounts.authenticator import Phone, enrol, later, refusals
from tests.factories import make_user

pytestmark = [pytest.mark.any_database, pytest.mark.django_db, pytest.mark.usefixtures("as_in_production")]
PASSWORD = "correct horse battery"
HOME = "/admin/"


def log_in(client, email="root@example.com", password=PASSWORD, to=HOME):
    return client.post(f"/admin/login/?next={to}", {"username": email, "password": password})


def test_anonymous_is_sent_to_the_login_and_leaves_no_entry(client):
    response = client.get(HOME)

    assert response.status_code == 302
    assert response.url == "/admin/login/?next=/admin/"
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("role", ["USER", "STAFF"])
@pytest.mark.parametrize(
    "page", ["/admin/", "/admin/accounts/user/", "/admin/accounts/auditentry/", "/admin/security/"]
)
def test_people_without_the_role_are_kept_out_and_written_down(client, role, page):
    client.force_login(make_user("curious@example.com", role=role))

    response = client.get(page)

    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")
    assert refusals() == [("curious@example.com", f"GET {page}", "not_super_admin")]


def test_staff_with_every_permission_are_kept_out_too(client):
    clerk = make_user("clerk@example.com", role="STAFF")
    clerk.user_permissions.set(Permission.objects.all())
    client.force_login(clerk)

    response = client.post(f"/admin/accounts/user/{clerk.pk}/change/", {"role": "SUPER_ADMIN"})

    assert response.status_code == 302
    clerk.refresh_from_db()
    assert clerk.role == "STAFF"


def test_the_same_refusal_again_is_one_entry(client):
    client.force_login(make_user("curious@example.com"))

    for _ in range(5):
        client.get(HOME)
    client.get("/admin/accounts/plan/")

    assert [label for _, label, _ in refusals()] == ["GET /admin/", "GET /admin/accounts/plan/"]


def test_a_super_admin_without_an_authenticator_reaches_the_setup_only(client, super_admin):
    response = log_in(client, to="/admin/accounts/user/")

    assert response.url == "/admin/security/authenticator/?next=%2Fadmin%2Faccounts%2Fuser%2F"
    for page in ("/admin/", "/admin/accounts/user/", "/admin/security/", "/admin/password_change/"):
        refused = client.get(page)
        assert refused.status_code == 302
        assert urlsplit(refused.url).path == "/admin/security/authenticator/"
    assert client.post("/admin/accounts/plan/add/", {"slug": "free", "name": "Free"}).status_code == 302
    assert ("root@example.com", "POST /admin/accounts/plan/add/", "mfa_enrolment_required") in refusals()


def test_the_way_in_for_the_first_time(client, super_admin):
    log_in(client, to="/admin/accounts/user/")
    page = client.get("/admin/security/authenticator/?next=/admin/accounts/user/")
    phone = Phone(page.context["secret"])

    shown = client.post("/admin/security/authenticator/?next=/admin/accounts/user/", {"otp": phone.code()})

    assert b"<svg" in page.content
    assert "no-store" in page["Cache-Control"]
    assert len(shown.context["codes"]) == 10
    assert b'href="/admin/accounts/user/"' in shown.content
    assert client.get("/admin/accounts/user/").status_code == 200
    assert list(AuditEntry.objects.order_by("number").values_list("action", flat=True)) == [
        "login",
        "mfa.enrolled",
    ]


def test_a_wrong_code_does_not_take_the_authenticator_into_use(client, super_admin):
    log_in(client)
    client.get("/admin/security/authenticator/")

    response = client.post("/admin/security/authenticator/", {"otp": "000000"})

    assert b"This code is not right" in response.content
    assert client.get(HOME).status_code == 302


def test_password_and_code_open_the_console(client, super_admin, phone):
    response = log_in(client, to="/admin/accounts/user/")
    assert response.url == "/admin/confirm/?next=%2Fadmin%2Faccounts%2Fuser%2F"
    assert client.get(HOME).status_code == 302

    confirmed = client.post(response.url, {"otp": phone.code()})

    assert confirmed.url == "/admin/accounts/user/"
    assert client.get("/admin/accounts/user/").status_code == 200


def test_a_wrong_code_is_said_and_written_down(client, super_admin, phone):
    log_in(client)

    response = client.post("/admin/confirm/", {"otp": "000000"})

    assert b"This code is not right" in response.content
    assert client.get(HOME).status_code == 302
    assert AuditEntry.objects.filter(action="mfa.verify", outcome="refused").count() == 1


def test_guessing_codes_is_slowed_down(client, super_admin, phone):
    with later(minutes=1):
        log_in(client)
        client.post("/admin/confirm/", {"otp": "000000"})

        response = client.post("/admin/confirm/", {"otp": phone.code()})

    assert response.status_code == 429
    assert b"Wait 1 second " in response.content


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_confirming_never_leads_off_the_site(client, super_admin, phone, target):
    log_in(client)

    response = client.post("/admin/confirm/", {"otp": phone.code()}, query_params={"next": target})

    assert response.url == HOME


def test_with_the_password_alone_one_can_log_out(client, super_admin, phone):
    log_in(client)

    response = client.post("/admin/logout/")

    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


def test_with_the_password_alone_the_authenticator_cannot_be_replaced(client, super_admin, phone):
    log_in(client)

    page = client.get("/admin/security/authenticator/")
    posted = client.post("/admin/security/authenticator/", {"otp": phone.code()})

    assert urlsplit(page.url).path == urlsplit(posted.url).path == "/admin/confirm/"


def test_embedded_lets_in_without_and_asks_who_has_one(client, super_admin, settings):
    settings.MFA_REQUIRED = False
    assert log_in(client).url == HOME
    assert client.get(HOME).status_code == 200
    assert b"Set up an authenticator app" in client.get("/admin/security/").content

    enrol(super_admin)

    other = Client()
    assert urlsplit(log_in(other).url).path == "/admin/confirm/"
    assert other.get(HOME).status_code == 302


def test_the_login_page_leads_to_the_front_page(client, super_admin, settings):
    settings.MFA_REQUIRED = False

    response = client.post("/admin/login/", {"username": "root@example.com", "password": PASSWORD})

    assert response.url == HOME
