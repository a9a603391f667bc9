"""The doors that ask for no token, knocked at too often."""

import pytest
from rest_framework.test import APIClient

from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

DOOR = "/api/v1/auth/token"


def knock(times, *, address="192.0.2.1", **headers):
    """Replies to log-ins with a different unknown email each, so that no account is locked."""
    client = APIClient(REMOTE_ADDR=address)
    return [
        client.post(
            DOOR, {"email": f"nobody{n}@example.com", "password": "x"}, format="json", headers=headers
        )
        for n in range(times)
    ]


def test_one_address_may_knock_so_often_a_minute():
    replies = knock(61)

    assert {reply.status_code for reply in replies[:60]} == {401}
    assert replies[60].status_code == 429
    assert replies[60].json()["error"]["code"] == "throttled"
    assert 0 < int(replies[60]["Retry-After"]) <= 60
    assert knock(1, address="192.0.2.2")[0].status_code == 401


def test_a_header_that_anybody_can_write_makes_no_new_address():
    knock(60)

    assert knock(1, **{"X-Forwarded-For": "203.0.113.9"})[0].status_code == 429


def test_who_has_logged_in_is_not_counted(api):
    assert {api.get("/api/v1/me").status_code for _ in range(70)} == {200}


def test_without_its_cache_people_can_still_log_in(user, settings):
    nowhere = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
    }
    settings.CACHES = settings.CACHES | {"default": nowhere}
    body = {"email": user.email, "password": "correct horse battery"}

    assert APIClient().post(DOOR, body, format="json").status_code == 200
