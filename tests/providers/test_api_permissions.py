"""Who gets into the super-admin API, tried from outside at every address it has."""

import time
from itertools import count

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEntry
from accounts.tokens import issue_pair
from providers.models import AIProviderConfig
from tests.factories import make_config, make_user

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]

ROOT = "/api/v1/super-admin/providers"
DOORS = [
    ("get", f"{ROOT}/configs"),
    ("post", f"{ROOT}/configs"),
    ("post", f"{ROOT}/configs/test"),
    ("get", f"{ROOT}/configs/1"),
    ("put", f"{ROOT}/configs/1"),
    ("patch", f"{ROOT}/configs/1"),
    ("delete", f"{ROOT}/configs/1"),
    ("post", f"{ROOT}/configs/1/test"),
    ("get", f"{ROOT}/usage/stats"),
    ("get", f"{ROOT}/usage/timeseries"),
    ("get", f"{ROOT}/health"),
    ("get", f"{ROOT}/alerts"),
    ("get", f"{ROOT}/recommendations"),
    ("get", "/api/v1/admin/providers"),
    ("post", "/api/v1/admin/providers"),
    ("delete", "/api/v1/admin/providers/1"),
]
KEY = "sk-new-0123456789abcdef"


_addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in count(1))


def client_of(user, *, verified_at=None):
    """A client from an address of its own, because equal refusals from one address are one audit entry."""
    token = issue_pair(user=user, verified_at=verified_at)["access"]
    return APIClient(headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR=next(_addresses))


def ask(client, method, path, body=None):
    return getattr(client, method)(path, *([] if method == "get" else [body or {}]), format="json")


def refusals():
    return [entry.changes["reason"][1] for entry in AuditEntry.objects.filter(outcome="refused")]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_stranger_is_asked_to_log_in(method, path):
    response = ask(APIClient(), method, path)

    assert response.status_code == 401
    assert response.json()["success"] is False


@pytest.mark.parametrize("role", ["USER", "STAFF"])
@pytest.mark.parametrize(("method", "path"), DOORS)
def test_people_without_the_role_are_refused(method, path, role):
    person = make_user("person@example.com", role=role)

    response = ask(client_of(person, verified_at=int(time.time())), method, path)

    assert response.status_code == 403
    assert refusals() == ["not_super_admin"]


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_super_admin_without_a_second_factor_is_refused_where_it_is_required(
    settings, super_admin, method, path
):
    settings.MFA_REQUIRED = True

    response = ask(client_of(super_admin), method, path)

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "mfa_enrolment_required"
    assert refusals() == ["mfa_enrolment_required"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "", {"provider_type": "openai", "model_name": "gpt-5", "api_key": KEY}),
        ("put", "/{pk}", {"api_key": KEY}),
        ("patch", "/{pk}", {"api_key": KEY}),
        ("patch", "/{pk}", {"base_url": "https://elsewhere.example/v1"}),
        ("patch", "/{pk}", {"base_url": ""}),
        ("delete", "/{pk}", {}),
    ],
)
@pytest.mark.parametrize("root", [f"{ROOT}/configs", "/api/v1/admin/providers"])
def test_keys_are_not_touched_with_a_second_factor_gone_stale(
    settings, super_admin, root, method, path, body
):
    config = make_config(provider_type="local", api_key="", base_url="http://127.0.0.1:9/v1")
    before = AIProviderConfig.objects.values().get()
    stale = client_of(super_admin, verified_at=int(time.time()) - settings.STEP_UP_SECONDS - 1)

    response = ask(stale, method, root + path.format(pk=config.pk), body)

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "step_up_required"
    assert AIProviderConfig.objects.values().get() == before
    assert refusals() == ["step_up_required"]


def test_everything_else_is_open_to_a_second_factor_gone_stale(settings, super_admin):
    config = make_config()
    stale = client_of(super_admin, verified_at=int(time.time()) - settings.STEP_UP_SECONDS - 1)

    assert ask(stale, "get", f"{ROOT}/configs").status_code == 200
    body = {"api_key": "", "is_active": False}
    assert ask(stale, "put", f"{ROOT}/configs/{config.pk}", body).status_code == 200
    assert refusals() == []


def test_a_super_admin_who_lost_the_role_is_refused_with_the_token_they_still_have(super_admin):
    client = client_of(super_admin, verified_at=int(time.time()))
    super_admin.role = "USER"
    super_admin.save()

    assert ask(client, "get", f"{ROOT}/configs").status_code in {401, 403}
