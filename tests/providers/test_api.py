"""Providers over the super-admin API, as the operators' guide shows it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.contract.vendors import KEYS, Recorder
from tests.factories import make_config

pytestmark = pytest.mark.django_db(transaction=True)

CONFIGS = "/api/v1/super-admin/providers/configs"
REFUSED_KEY = "sk-invalid-0123456789"


def openai_body(sandbox, **overrides):
    return {
        "provider_type": "openai",
        "api_key": KEYS["openai"],
        "model_name": "sandbox-mini",
        "base_url": sandbox.openai,
    } | overrides


def post(client, path, body=None):
    return client.post(path, body or {}, format="json")


def refused_fields(response):
    assert response.status_code == 400, response.content
    return set(response.json()["error"]["details"]["fields"])


def actions():
    return list(AuditEntry.objects.order_by("number").values_list("action", "outcome", "door"))


def test_the_list_is_all_providers_and_nothing_around_them(admin_api):
    budget = make_config(display_name="Budget", default_for_extraction=True)
    quality = make_config(display_name="Quality", is_default=True, quality_model_name="gpt-5")

    response = admin_api.get(CONFIGS)

    assert response.status_code == 200
    body = response.json()
    assert body["success"] is True
    assert [row["id"] for row in body["data"]] == [quality.pk, budget.pk]
    assert body["data"][1]["default_for_extraction"] is True
    assert set(body["data"][0]) >= {
        "id",
        "provider_type",
        "model_name",
        "display_name",
        "is_active",
        "is_default",
        "default_for_extraction",
        "default_for_cv_draft",
        "default_for_cover_letter",
        "default_for_validation",
        "last_test_success",
        "created_at",
    }


def test_more_providers_cost_no_more_queries(admin_api, django_assert_num_queries):
    for _ in range(12):
        make_config()

    with django_assert_num_queries(2):  # the token's user, and the list
        response = admin_api.get(CONFIGS)

    assert len(response.json()["data"]) == 12


def test_a_key_shows_by_its_last_four_characters_only(admin_api):
    config = make_config(api_key="sk-canary-0123456789-wxyz")

    for path in (CONFIGS, f"{CONFIGS}/{config.pk}"):
        text = admin_api.get(path).content.decode()
        assert '"key_hint":"wxyz"' in text
        assert "canary" not in text
        assert config.api_key_encrypted.token not in text


def test_a_provider_whose_key_cannot_be_decrypted_is_still_listed(admin_api):
    config = make_config()
    AIProviderConfig.objects.filter(pk=config.pk).update(
        api_key_encrypted=SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    )

    assert admin_api.get(CONFIGS).status_code == 200
    assert admin_api.get(f"{CONFIGS}/{config.pk}").status_code == 200


def test_it_stores_a_key_that_the_vendor_accepts(admin_api, super_admin, sandbox):
    body = openai_body(
        sandbox,
        display_name="OpenAI Mini",
        description="Cheaper model for CV drafting",
        is_active=True,
        is_default=False,
        default_for_cv_draft=True,
        default_for_cover_letter=True,
        daily_token_limit=1_000_000,
        monthly_token_limit=30_000_000,
    )

    response = post(admin_api, CONFIGS, body)

    assert response.status_code == 201, response.content
    data = response.json()["data"]
    config = AIProviderConfig.objects.get()
    assert (data["id"], data["last_test_success"], data["is_active"]) == (config.pk, True, True)
    assert data["created_by_id"] == super_admin.pk
    assert (data["daily_token_limit"], data["monthly_token_limit"]) == (1_000_000, 30_000_000)
    assert config.api_key_encrypted.reveal() == KEYS["openai"]
    assert config.default_tasks() == {"cv_draft", "cover_letter"}
    assert actions() == [("provider.credentials_checked", "done", "api"), ("provider.created", "done", "api")]


def test_a_key_that_the_vendor_refuses_is_not_stored(admin_api, sandbox):
    response = post(admin_api, CONFIGS, openai_body(sandbox, api_key=REFUSED_KEY, save_anyway=True))

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid_credentials_provider"
    assert REFUSED_KEY not in response.content.decode()
    assert not AIProviderConfig.objects.exists()
    assert actions() == [("provider.credentials_checked", "failed", "api")]


def test_a_key_of_the_wrong_shape_asks_nobody(admin_api, sandbox):
    response = post(admin_api, CONFIGS, openai_body(sandbox, base_url="", api_key="not-an-openai-key"))

    assert response.status_code == 422
    assert "starts with sk-" in response.json()["error"]["message"]
    assert sandbox.hits()["model_lists"] == {}
    assert not AIProviderConfig.objects.exists()


def test_a_vendor_out_of_reach_stores_nothing_unless_told_to(admin_api, unused_tcp_port, sandbox):
    body = openai_body(sandbox, base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")

    careful = post(admin_api, CONFIGS, body)
    assert careful.status_code == 502
    assert careful.json()["error"]["code"] == "provider_unreachable"
    assert not AIProviderConfig.objects.exists()

    anyway = post(admin_api, CONFIGS, body | {"save_anyway": True})
    assert anyway.status_code == 201
    assert anyway.json()["data"]["last_test_success"] is None
    assert anyway.json()["data"]["last_tested_at"] is None


def test_a_server_whose_list_needs_no_key_is_stored_with_a_warning(admin_api, sandbox):
    with Recorder(status=200, body=b'{"data": [{"id": "sandbox-mini"}]}') as public:
        body = openai_body(sandbox, provider_type="local", base_url=public.url)

        created = post(admin_api, CONFIGS, body)
        tested = post(admin_api, f"{CONFIGS}/{created.json()['data']['id']}/test")

    data = created.json()["data"]
    assert created.status_code == 201
    assert data["last_test_success"] is None
    assert data["last_tested_at"] is not None
    assert [warning["code"] for warning in data["warnings"]] == ["unproven_key"]
    assert tested.json()["data"]["is_valid"] is None
    assert tested.json()["data"]["outcome"] == "list_needs_no_key"


def test_a_server_without_the_responses_api_is_told_and_not_stored(admin_api, sandbox):
    def chat_only(_method, path, _key):
        return (200, b'{"data": [{"id": "m"}]}') if path.endswith("/models") else (404, b"{}")

    with Recorder(respond=chat_only) as server:
        body = openai_body(sandbox, base_url=server.url)
        tried = post(
            admin_api, f"{CONFIGS}/test", {k: body[k] for k in ("provider_type", "api_key", "base_url")}
        )
        careful = post(admin_api, CONFIGS, body)
        anyway = post(admin_api, CONFIGS, body | {"save_anyway": True})

    assert (tried.json()["data"]["is_valid"], tried.json()["data"]["outcome"]) == (None, "other_api")
    assert (careful.status_code, careful.json()["error"]["code"]) == (422, "other_api")
    assert anyway.status_code == 201


def test_a_server_that_answers_something_else_was_reached(admin_api, sandbox):
    with Recorder(status=200, body=b"<html>hello</html>") as server:
        careful = post(admin_api, CONFIGS, openai_body(sandbox, base_url=server.url))

    assert (careful.status_code, careful.json()["error"]["code"]) == (502, "key_not_checked")
    assert "could not be reached" not in careful.json()["error"]["message"]


def test_a_new_default_takes_the_place_of_the_old_one(admin_api, sandbox):
    old = make_config(is_default=True)

    response = post(admin_api, CONFIGS, openai_body(sandbox, is_default=True))

    assert response.json()["data"]["is_default"] is True
    old.refresh_from_db()
    assert old.is_default is False


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"apikey": "sk-x"}, "apikey"),
        ({"api_key_encrypted": "gAAAA"}, "api_key_encrypted"),
        ({"created_by_id": 1}, "created_by_id"),
        ({"provider_type": "bard"}, "provider_type"),
        ({"model_name": ""}, "model_name"),
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"base_url": "https://user:pass@example.com"}, "base_url"),
        ({"timeout": 0}, "timeout"),
        ({"daily_token_limit": -1}, "daily_token_limit"),
        ({"extra_default_tasks": ["astrology"]}, "extra_default_tasks"),
    ],
)
def test_input_that_is_not_right_is_named_and_nothing_is_sent(admin_api, sandbox, change, field):
    response = post(admin_api, CONFIGS, openai_body(sandbox) | change)

    assert refused_fields(response) == {field}
    assert sandbox.hits()["model_lists"] == {}
    assert not AIProviderConfig.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_changes_what_was_sent_and_keeps_the_key(admin_api, method):
    config = make_config(default_for_cv_draft=True, display_name="Drafts", priority=3)
    body = {
        "api_key": "",
        "model_name": "gpt-5",
        "is_active": False,
        "default_for_cv_draft": False,
        "daily_token_limit": 500_000,
    }

    response = getattr(admin_api, method)(f"{CONFIGS}/{config.pk}", body, format="json")

    assert response.status_code == 200, response.content
    data = response.json()["data"]
    assert {name: data[name] for name in body if name != "api_key"} == {
        "model_name": "gpt-5",
        "is_active": False,
        "default_for_cv_draft": False,
        "daily_token_limit": 500_000,
    }
    assert (data["display_name"], data["priority"]) == ("Drafts", 3)
    config.refresh_from_db()
    assert config.api_key_encrypted.reveal() == "sk-test-0123456789abcdef"


def test_a_limit_is_lifted_by_null(admin_api):
    config = make_config(daily_token_limit=10)

    response = admin_api.patch(f"{CONFIGS}/{config.pk}", {"daily_token_limit": None}, format="json")

    assert response.json()["data"]["daily_token_limit"] is None


def test_a_new_key_is_checked_before_it_replaces_the_old(admin_api, sandbox):
    config = make_config(base_url=sandbox.openai, model_name="sandbox-mini")
    path = f"{CONFIGS}/{config.pk}"

    wrong = admin_api.put(path, {"api_key": REFUSED_KEY}, format="json")
    config.refresh_from_db()
    assert wrong.status_code == 422
    assert config.api_key_encrypted.reveal() == "sk-test-0123456789abcdef"

    right = admin_api.put(path, {"api_key": KEYS["openai"]}, format="json")
    config.refresh_from_db()
    assert (right.status_code, right.json()["data"]["last_test_success"]) == (200, True)
    assert config.api_key_encrypted.reveal() == KEYS["openai"]
    assert "provider.key_rotated" in [action for action, _, _ in actions()]


def test_a_stored_key_does_not_follow_to_a_new_address(admin_api, sandbox):
    config = make_config(base_url=sandbox.openai)
    path, elsewhere = f"{CONFIGS}/{config.pk}", "https://elsewhere.example/v1"

    moved = admin_api.patch(path, {"base_url": elsewhere}, format="json")
    tested = post(
        admin_api,
        f"{CONFIGS}/test",
        {"provider_type": "openai", "base_url": elsewhere, "config_id": config.pk},
    )

    assert (moved.status_code, tested.status_code) == (422, 422)
    assert moved.json()["error"]["code"] == tested.json()["error"]["code"] == "key_needed_for_new_address"


def test_the_type_of_a_provider_is_fixed(admin_api):
    config = make_config()

    response = admin_api.patch(f"{CONFIGS}/{config.pk}", {"provider_type": "claude"}, format="json")

    assert refused_fields(response) == {"provider_type"}


def test_an_edit_of_what_somebody_else_has_changed_is_refused(admin_api):
    config = make_config()
    path = f"{CONFIGS}/{config.pk}"
    seen = admin_api.get(path).json()["data"]["updated_at"]

    first = admin_api.patch(path, {"priority": 1, "updated_at": seen}, format="json")
    second = admin_api.patch(path, {"priority": 2, "updated_at": seen}, format="json")

    assert first.status_code == 200
    assert second.status_code == 409
    error = second.json()["error"]
    assert error["code"] == "edit_conflict"
    assert error["details"]["updated_at"].startswith(first.json()["data"]["updated_at"][:19])
    config.refresh_from_db()
    assert config.priority == 1


def test_a_stored_key_is_tested_with_its_vendor(admin_api, sandbox):
    config = make_config(base_url=sandbox.openai, model_name="sandbox-mini")

    response = post(admin_api, f"{CONFIGS}/{config.pk}/test")

    assert response.status_code == 200
    data = response.json()["data"]
    assert (data["is_valid"], data["message"]) == (True, "The key works.")
    assert "sandbox-mini" in data["models"]
    assert set(data) == {"is_valid", "message", "tested_at", "latency_ms", "models", "outcome"}
    config.refresh_from_db()
    assert config.last_test_success is True


def test_a_stored_key_that_no_longer_works_is_flagged(admin_api, sandbox):
    config = make_config(api_key=REFUSED_KEY, base_url=sandbox.openai)

    response = post(admin_api, f"{CONFIGS}/{config.pk}/test")

    assert (response.status_code, response.json()["data"]["is_valid"]) == (200, False)
    config.refresh_from_db()
    assert (config.last_test_success, config.flag_reason) == (False, "auth")


def test_unsaved_input_is_tested_and_nothing_is_stored(admin_api, sandbox):
    response = post(admin_api, f"{CONFIGS}/test", openai_body(sandbox))

    assert response.json()["data"]["is_valid"] is True
    assert not AIProviderConfig.objects.exists()
    assert actions() == [("provider.credentials_checked", "done", "api")]


def test_nobody_there_makes_a_test_neither_good_nor_bad(admin_api, sandbox, unused_tcp_port):
    body = openai_body(sandbox, base_url=f"http://127.0.0.1:{unused_tcp_port}/v1")

    response = post(admin_api, f"{CONFIGS}/test", body)

    assert (response.status_code, response.json()["data"]["is_valid"]) == (200, None)


def test_a_deleted_provider_is_gone_and_its_rows_remain(admin_api, user):
    config = make_config()
    config.usage_logs.create(task_type="extraction", request_id="0" * 32, created_at=timezone.now())

    response = admin_api.delete(f"{CONFIGS}/{config.pk}")

    assert response.status_code == 200
    assert response.json() == {"success": True, "data": {"deleted_id": config.pk}}
    assert not AIProviderConfig.objects.exists()
    assert actions() == [("provider.deleted", "done", "api")]


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("put", ""), ("patch", ""), ("delete", ""), ("post", "/test")],
)
def test_a_provider_that_is_not_there_is_said_to_be_gone(admin_api, method, path):
    response = getattr(admin_api, method)(f"{CONFIGS}/4711{path}", {}, format="json")

    assert response.status_code == 404
    assert response.json()["error"]["code"] == "provider_config_not_found"


def test_the_older_address_leads_to_the_same_place(admin_api, sandbox):
    created = post(admin_api, "/api/v1/admin/providers", openai_body(sandbox, is_default=True))
    pk = created.json()["data"]["id"]

    assert created.status_code == 201
    assert [row["id"] for row in admin_api.get("/api/v1/admin/providers").json()["data"]] == [pk]
    assert admin_api.get(f"/api/v1/admin/providers/{pk}").json()["data"]["id"] == pk
    assert post(admin_api, f"/api/v1/admin/providers/{pk}/test").json()["data"]["is_valid"] is True
    assert admin_api.delete(f"/api/v1/admin/providers/{pk}").json()["data"] == {"deleted_id": pk}


def test_key_expiry_is_kept(admin_api):
    config = make_config()
    expires = timezone.now() + timedelta(days=30)

    response = admin_api.patch(
        f"{CONFIGS}/{config.pk}", {"key_expires_at": expires.isoformat()}, format="json"
    )

    config.refresh_from_db()
    assert response.status_code == 200
    assert config.key_expires_at == expires
