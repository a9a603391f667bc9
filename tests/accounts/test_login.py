"""`auth/token` and `auth/refresh`: who gets in, and what everybody else is told."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed

from accounts.celery_tasks import forget_expired_tokens
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def log_in(email="alice@example.com", password=PASSWORD, **extra):
    return APIClient().post(
        "/api/v1/auth/token", {"email": email, "password": password, **extra}, format="json"
    )


def refresh(token):
    return APIClient().post("/api/v1/auth/refresh", {"refresh": token}, format="json")


def test_it_gives_a_pair_of_tokens_that_name_the_user(user):
    response = log_in()

    assert response.status_code == 200
    body = response.json()
    assert body["success"] is True
    assert set(body["data"]) == {"access", "refresh"}
    authentication = JWTAuthentication()
    token = authentication.get_validated_token(body["data"]["access"])
    assert authentication.get_user(token) == user
    user.refresh_from_db()
    assert user.last_login is not None


def test_it_takes_the_email_in_any_case(user):
    response = log_in(email="Alice@Example.COM")

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("email", "password"),
    [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("gone@example.com", PASSWORD)],
    ids=["wrong password", "unknown email", "deactivated user"],
)
def test_it_refuses_everybody_else_in_the_same_words(user, email, password):
    make_user("gone@example.com", is_active=False)

    response = log_in(email=email, password=password)

    assert response.status_code == 401
    assert response.json() == {
        "success": False,
        "error": {
            "code": "invalid_credentials",
            "message": "The email or the password is not right. Check both and try again.",
            "details": {},
        },
    }


def test_it_refuses_a_field_it_does_not_know(user):
    response = log_in(remember_me=True)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_input"
    assert list(response.json()["error"]["details"]["fields"]) == ["remember_me"]


def test_it_keeps_the_spaces_of_a_password():
    make_user("spaces@example.com", password="  spaced out  ")

    assert log_in("spaces@example.com", "  spaced out  ").status_code == 200
    assert log_in("spaces@example.com", "spaced out").status_code == 401


def test_a_refresh_token_gives_a_new_pair(user):
    first = log_in().json()["data"]["refresh"]

    second = refresh(first)

    assert second.status_code == 200
    assert set(second.json()["data"]) == {"access", "refresh"}
    assert refresh(second.json()["data"]["refresh"]).status_code == 200


@pytest.mark.parametrize("token", ["nonsense", "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMSJ9."])
def test_it_refuses_a_made_up_refresh_token(user, token):
    response = refresh(token)

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "token_not_valid"


def test_an_access_token_does_not_refresh(user):
    access = log_in().json()["data"]["access"]

    assert refresh(access).status_code == 401


def test_a_changed_password_ends_the_sessions_opened_with_the_old_one(user):
    pair = log_in().json()["data"]
    user.set_password("another long phrase")
    user.save()

    refused = refresh(pair["refresh"])

    assert refused.status_code == 401
    authentication = JWTAuthentication()
    token = authentication.get_validated_token(pair["access"])
    with pytest.raises(AuthenticationFailed):
        authentication.get_user(token)


@pytest.mark.parametrize("loss", ["deactivated", "deleted"])
def test_a_user_who_is_gone_cannot_refresh(user, loss):
    token = log_in().json()["data"]["refresh"]
    if loss == "deleted":
        user.delete()
    else:
        user.is_active = False
        user.save()

    response = refresh(token)

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "token_not_valid"


def test_what_is_left_of_ended_logins_is_forgotten_and_living_ones_kept(user):
    with time_machine.travel(timezone.now() - timedelta(days=31)):
        refresh(log_in().json()["data"]["refresh"])
    living = log_in().json()["data"]["refresh"]

    forgotten = forget_expired_tokens()

    assert forgotten == 1
    assert refresh(living).status_code == 200
