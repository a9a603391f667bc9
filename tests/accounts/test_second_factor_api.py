"""The second factor at the API: logging in, stepping up, and what the tokens are then good for."""

import pytest
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from accounts.errors import DomainError
from accounts.models import AuditEntry
from accounts.permissions import IsFreshSuperAdmin, IsSuperAdmin
from accounts.tokens import RevocableJWTAuthentication
from tests.accounts.authenticator import enrol, later
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def post(path, body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return APIClient(headers=headers).post(f"/api/v1/auth/{path}", body or {}, format="json")


def log_in(email="root@example.com", password=PASSWORD, **extra):
    return post("token", {"email": email, "password": password, **extra})


def me(token):
    return APIClient(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/me")


def configs(token=None, method="get"):
    """The super-admin API, as outsiders meet it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = APIClient(headers=headers)
    return getattr(client, method)("/api/v1/super-admin/providers/configs")


def allows(permission, token, method="GET"):
    """What the permission says about a request with this token: True, False or the code of the refusal."""
    raw = APIRequestFactory().generic(method, "/api/v1/x", headers={"Authorization": f"Bearer {token}"})
    request = Request(raw, authenticators=[RevocableJWTAuthentication()])
    try:
        return permission().has_permission(request, None)
    except DomainError as error:
        return error.code


def test_without_an_authenticator_the_password_is_enough(user):
    assert log_in("alice@example.com").status_code == 200


def test_with_one_the_code_is_asked_for_after_the_password(super_admin):
    enrol(super_admin)

    missing = log_in()
    wrong_password = log_in(password="wrong", otp="123456")

    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "otp_required")
    assert wrong_password.json()["error"]["code"] == "invalid_credentials"


def test_with_the_code_one_is_in(super_admin):
    phone = enrol(super_admin)

    response = log_in(otp=phone.code())

    assert response.status_code == 200
    assert me(response.json()["data"]["access"]).status_code == 200
    assert AuditEntry.objects.filter(action="login", door="api", actor_email="root@example.com").exists()


def test_wrong_codes_are_refused_and_slowed_down(super_admin):
    phone = enrol(super_admin)

    with later(minutes=1):
        wrong = log_in(otp="000000")
        too_soon = log_in(otp=phone.code())

    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "otp_invalid")
    assert (too_soon.status_code, too_soon.json()["error"]["code"]) == (429, "otp_throttled")
    assert too_soon["Retry-After"] == "1"
    assert AuditEntry.objects.get(action="mfa.verify").actor_email == "root@example.com"


def test_a_fresh_code_opens_what_needs_one_and_a_stale_one_does_not(super_admin):
    phone = enrol(super_admin)
    pair = log_in(otp=phone.code()).json()["data"]
    assert allows(IsFreshSuperAdmin, pair["access"], "DELETE") is True

    with later(minutes=6):
        assert allows(IsSuperAdmin, pair["access"], "DELETE") is True
        assert allows(IsFreshSuperAdmin, pair["access"], "GET") is True
        assert allows(IsFreshSuperAdmin, pair["access"], "DELETE") == "step_up_required"

        stepped = post("step-up", {"otp": phone.code()}, token=pair["access"])

        assert stepped.status_code == 200
        assert allows(IsFreshSuperAdmin, stepped.json()["data"]["access"], "DELETE") is True
    assert AuditEntry.objects.filter(outcome="refused", changes__reason=[None, "step_up_required"]).exists()


def test_refreshing_does_not_make_the_second_factor_fresh(super_admin):
    phone = enrol(super_admin)
    pair = log_in(otp=phone.code()).json()["data"]

    with later(minutes=6):
        fresh_pair = post("refresh", {"refresh": pair["refresh"]}).json()["data"]

        assert allows(IsSuperAdmin, fresh_pair["access"]) is True
        assert allows(IsFreshSuperAdmin, fresh_pair["access"], "POST") == "step_up_required"


def test_step_up_refuses_a_wrong_code_and_a_stranger(super_admin):
    phone = enrol(super_admin)
    access = log_in(otp=phone.code()).json()["data"]["access"]

    assert post("step-up", {"otp": "000000"}, token=access).json()["error"]["code"] == "otp_invalid"
    assert post("step-up", {"otp": "000000"}).status_code == 401
    assert post("step-up", {}, token=access).status_code == 400


def test_step_up_without_an_authenticator_says_so(user):
    access = log_in("alice@example.com").json()["data"]["access"]

    response = post("step-up", {"otp": "123456"}, token=access)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "mfa_not_enrolled")


def test_enrolling_ends_the_tokens_of_before(super_admin):
    pair = log_in().json()["data"]

    enrol(super_admin)

    assert me(pair["access"]).json()["error"]["code"] == "token_revoked"
    assert post("refresh", {"refresh": pair["refresh"]}).status_code == 401


def test_logging_out_everywhere_ends_every_token(user, outsider):
    first, second = (log_in("alice@example.com").json()["data"] for _ in range(2))
    other = log_in("charlie@example.com").json()["data"]

    response = post("logout-everywhere", token=first["access"])

    assert (response.status_code, response.content) == (204, b"")
    for pair in (first, second):
        assert me(pair["access"]).status_code == 401
        assert post("refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert me(other["access"]).status_code == 200
    assert me(log_in("alice@example.com").json()["data"]["access"]).status_code == 200


def test_the_token_check_costs_one_query(user, django_assert_num_queries):
    token = log_in("alice@example.com").json()["data"]["access"]
    authentication = RevocableJWTAuthentication()
    validated = authentication.get_validated_token(token)

    with django_assert_num_queries(1):
        authentication.get_user(validated)


# --- The super-admin API from outside ---------------------------------------------------------------------


def test_anonymous_is_told_to_log_in_and_leaves_no_entry():
    response = configs()

    assert response.status_code == 401
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("role", ["USER", "STAFF"])
def test_people_without_the_role_are_refused_and_written_down(role):
    make_user("curious@example.com", role=role)
    token = log_in("curious@example.com").json()["data"]["access"]

    response = configs(token)

    assert response.status_code == 403
    entry = AuditEntry.objects.get(action="access.refused")
    assert (entry.actor_email, entry.door, entry.changes) == (
        "curious@example.com",
        "api",
        {"reason": [None, "not_super_admin"]},
    )
    assert entry.target_label == "GET /api/v1/super-admin/providers/configs"


def test_a_super_admin_without_an_authenticator_is_refused_where_it_is_demanded(super_admin, settings):
    settings.MFA_REQUIRED = True
    token = log_in().json()["data"]["access"]

    response = configs(token)

    assert (response.status_code, response.json()["error"]["code"]) == (403, "mfa_enrolment_required")
    assert AuditEntry.objects.filter(changes__reason=[None, "mfa_enrolment_required"]).count() == 1


def test_a_super_admin_with_a_code_is_let_in_where_it_is_demanded(super_admin, settings):
    settings.MFA_REQUIRED = True
    phone = enrol(super_admin)
    token = log_in(otp=phone.code()).json()["data"]["access"]

    response = configs(token)

    assert response.status_code == 200


def test_losing_the_role_counts_at_once(super_admin):
    token = log_in().json()["data"]["access"]
    super_admin.role = "STAFF"
    super_admin.save()

    assert allows(IsSuperAdmin, token) is False
