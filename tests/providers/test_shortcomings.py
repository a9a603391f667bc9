"""What is told to whoever saves a provider for work that its models cannot do."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from providers.capabilities.shortcomings import shortcomings_of
from providers.models import AIProviderConfig, ModelCapability
from tests.contract.vendors import KEYS
from tests.factories import make_config

pytestmark = pytest.mark.django_db

CONFIGS = "/api/v1/super-admin/providers/configs"


def codes(config):
    return [(one.code, one.model_name, one.tasks) for one in shortcomings_of(config)]


def test_an_able_model_has_none():
    config = make_config(is_default=True, default_for_validation=True, quality_model_name="gpt-5")

    assert shortcomings_of(config) == ()


def test_a_model_that_does_not_see_is_told_where_images_are_what_it_is_for():
    reader = {"model_name": "o3-mini"}

    assert codes(make_config(**reader, default_for_validation=True)) == [
        ("no_vision", "o3-mini", ("extraction_validation",))
    ]
    assert codes(make_config(**reader, default_for_cv_draft=True)) == []


def test_a_model_without_structured_output_is_told_for_every_task_it_is_first_choice_for():
    config = make_config(model_name="gpt-4o", quality_model_name="gpt-4-turbo", default_for_cv_draft=True)

    assert codes(config) == [("no_structured_output", "gpt-4-turbo", ("cv_draft",))]


def test_the_default_is_first_choice_for_everything():
    config = make_config(model_name="gpt-3.5-turbo", is_default=True)

    assert [code for code, _, _ in codes(config)] == ["no_vision", "no_structured_output"]


def test_a_model_nobody_knows_is_told_as_such():
    [one] = shortcomings_of(make_config(model_name="never-heard-of-it"))

    assert one.code == "unknown_model"
    assert "Model capabilities" in one.message


def test_an_override_settles_it():
    ModelCapability.objects.create(
        provider_type="openai", model_name="o3-mini", vision=True, note="They taught it to see."
    )

    assert codes(make_config(model_name="o3-mini", default_for_validation=True)) == []


def test_a_model_that_the_vendor_lists_no_more_is_told():
    ModelCapability.objects.create(
        provider_type="gemini", model_name="gemini-1.5-pro", retired_at=timezone.now()
    )

    config = make_config(provider_type="gemini", model_name="models/gemini-1.5-pro")

    assert codes(config) == [("retired_model", "models/gemini-1.5-pro", ())]


@pytest.mark.django_db(transaction=True)
def test_the_api_stores_the_provider_and_warns(admin_api, sandbox):
    body = {
        "provider_type": "claude",
        "api_key": KEYS["claude"],
        "model_name": "sandbox-text",
        "base_url": sandbox.anthropic,
        "default_for_validation": True,
    }

    made = admin_api.post(CONFIGS, body, format="json")
    pk = made.json()["data"]["id"]
    patched = admin_api.patch(f"{CONFIGS}/{pk}", {"model_name": "sandbox-plain"}, format="json")
    put = admin_api.put(f"{CONFIGS}/{pk}", {"model_name": "sandbox-mini"}, format="json")

    assert (made.status_code, patched.status_code, put.status_code) == (201, 200, 200)
    [warning] = made.json()["data"]["warnings"]
    assert warning == {
        "code": "no_vision",
        "model_name": "sandbox-text",
        "tasks": ["extraction_validation"],
        "message": "sandbox-text does not see pictures: Image validation goes to other providers, or is "
        "refused.",
    }
    assert [one["code"] for one in patched.json()["data"]["warnings"]] == ["no_structured_output"]
    assert put.json()["data"]["warnings"] == []
    assert "warnings" not in admin_api.get(f"{CONFIGS}/{pk}").json()["data"]


@pytest.mark.django_db(transaction=True)
def test_the_vendors_list_that_came_with_the_key_is_heeded_at_once(admin_api, sandbox):
    ModelCapability.objects.create(provider_type="claude", model_name="sandbox-mini", seen_at=timezone.now())
    sandbox.fault("unlisted=sandbox-mini", on="models")
    body = {
        "provider_type": "claude",
        "api_key": KEYS["claude"],
        "model_name": "sandbox-mini",
        "base_url": sandbox.anthropic,
    }

    made = admin_api.post(CONFIGS, body, format="json")

    assert [one["code"] for one in made.json()["data"]["warnings"]] == ["retired_model"]


def test_the_form_stores_the_provider_and_warns(console, sandbox):
    typed = {
        "provider_type": "openai",
        "model_name": "sandbox-text",
        "is_active": "on",
        "timeout": "60",
        "priority": "0",
        "weight": "1",
        "base_url": sandbox.openai,
        "api_key": KEYS["openai"],
        "tasks": ["extraction_validation"],
    }

    response = console.post(reverse("admin:providers_aiproviderconfig_add"), typed)

    assert AIProviderConfig.objects.get().default_for_validation is True
    said = {message.message: message.level_tag for message in get_messages(response.wsgi_request)}
    [warning] = [sentence for sentence, level in said.items() if level == "warning"]
    assert warning.startswith("sandbox-text does not see pictures: Image validation")
