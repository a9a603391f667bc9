"""The page that puts a prompt to models."""

import json

import pytest
from django.db import connection
from django.urls import reverse

from tests.factories import make_config
from tests.pools import own_pool
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db


def address_of(config):
    return reverse("admin:providers_aiproviderconfig_try", args=[config.pk])


def form_of(config, **fields):
    given = {
        "task": "chat",
        "prompt": "Hello",
        "shape": "text",
        "model_1": f"{config.pk} {config.model_name}",
    }
    return given | fields


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_inactive_provider_s_page_asks_nobody_else_and_leads_to_activating_it(console, method):
    inactive = make_config(display_name="Main", is_active=False)
    other = make_config(display_name="Other")

    page = getattr(console, method)(address_of(inactive), form_of(other) if method == "post" else {})

    shown = page.content.decode()
    assert page.context["form"] is None
    assert page.context["auditions"] == []
    assert "Main is inactive" in shown
    assert reverse("admin:providers_aiproviderconfig_do", args=[inactive.pk, "activate"]) in shown
    assert not AIProviderUsageLog.objects.exists()


def deep(levels):
    schema = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return json.dumps(schema)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("[" * 100_000, "nested too deeply"),
        (deep(150), "nested too deeply"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", "which is an object"),
        (
            '{"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}',
            "no valid JSON Schema",
        ),
    ],
    ids=["never-ending", "deep", "broken", "empty", "a-list", "no-pattern"],
)
def test_a_schema_that_is_none_is_said_to_be_none(console, schema, told):
    config = make_config()

    page = console.post(address_of(config), form_of(config, shape="json_schema", schema=schema))

    assert page.status_code == 200
    assert told in " ".join(page.context["form"].errors["schema"])
    assert not AIProviderUsageLog.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["try it", "a prompt's sample"])
def test_no_connection_is_held_while_a_vendor_is_asked(console, sandbox, page):
    config = make_config(model_name="sandbox-mini", base_url=sandbox.openai)
    sample = "/admin/prompts/cover_letter/standard/try/"

    # The call needs a connection of its own, and there is one.
    with own_pool(size=1):
        if page == "try it":
            answer = console.post(address_of(config), form_of(config))
        else:
            answer = console.post(sample, {"text": "system", "other": "", "said": "Write a line."})
        connection.close()

    assert answer.status_code == 200
    assert AIProviderUsageLog.objects.get().status == "success"
