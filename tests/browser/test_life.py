"""The whole life of a provider, by hand, on a desktop and on a phone."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import AuditEntry
from providers.models import AIProviderConfig
from tests.browser.visitors import (
    PASSWORD,
    enrol_authenticator,
    fill_provider,
    log_in,
    message,
    stale_second_factor,
)
from usage.models import AIProviderUsageLog, ModelPrice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

NAME = "Sandbox account"
WRONG_KEY, FIRST_KEY, SECOND_KEY = (
    "sk-invalid-0123456789",
    "sk-test-0123456789-abcd",
    "sk-test-0123456789-wxyz",
)
LIST = "/admin/providers/aiproviderconfig/"
POSTING = "Title: Data engineer\nCompany: Savannah Systems\nLocation: Nairobi\nSkills: Python, SQL"


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_provider_lives_from_its_first_key_to_its_deletion(visit, device, sandbox, super_admin, user):
    ModelPrice.objects.create(
        provider_type="openai", model_name="sandbox-mini", input_mtok=4000, output_mtok=8000
    )
    page = visit(device)

    log_in(page, super_admin.email)
    phone = enrol_authenticator(page)
    a_wrong_key_is_refused(page, sandbox)
    config = the_right_key_is_tested_and_stored(page)
    cost = a_call_is_made(page, user)
    its_cost_appears(page, config, cost)
    the_key_is_rotated(page, config)
    it_is_deactivated(page, user)
    it_is_deleted_with_a_fresh_code(page, config, phone)

    actions = list(AuditEntry.objects.filter(door="admin", outcome="done").values_list("action", flat=True))
    story = [
        "login",
        "mfa.enrolled",
        "provider.created",
        "provider.key_rotated",
        "provider.deactivated",
        "provider.deleted",
    ]
    assert [action for action in reversed(actions) if action in story] == story


def a_wrong_key_is_refused(page, sandbox):
    page.goto(f"{LIST}add/")
    page.locator('[name="provider_type"]').select_option("openai")
    fill_provider(
        page, api_key=WRONG_KEY, display_name=NAME, base_url=sandbox.openai, model_name="sandbox-mini"
    )
    page.get_by_role("button", name="Test credentials").click()
    expect(page.locator("#test-result.bad")).to_contain_text("refused")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("Nothing was stored.")).to_be_visible()
    assert not AIProviderConfig.objects.exists()


def the_right_key_is_tested_and_stored(page):
    page.locator('[name="api_key"]').fill(FIRST_KEY)
    page.get_by_role("button", name="Test credentials").click()
    result = page.locator("#test-result.good")
    expect(result).to_contain_text(re.compile(r"\(\d+ ms\)"))
    expect(result.get_by_text("sandbox-mini", exact=True)).to_be_visible()
    page.get_by_label("Job extraction").check()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(message(page, NAME)).to_be_visible()
    page.goto(LIST)
    row = page.get_by_role("row", name=NAME)
    expect(row).to_contain_text("Job extraction")
    expect(row).to_contain_text("••••abcd")
    return AIProviderConfig.objects.get()


def extract(page, user, posting=POSTING):
    """A posting by the API, as Alice's own client sends it."""
    logged_in = page.request.post("/api/v1/auth/token", data={"email": user.email, "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {logged_in.json()['data']['access']}"}
    return page.request.post("/api/v1/job-extractor/extract", headers=bearer, data={"text": posting})


def a_call_is_made(page, user):
    answer = extract(page, user)
    assert answer.status in (200, 201), answer.text()
    assert answer.json()["data"]["provider_used"]
    return AIProviderUsageLog.objects.get().estimated_cost_usd


def its_cost_appears(page, config, cost):
    assert cost > 1
    page.goto(LIST)
    figures = page.get_by_role("row", name=NAME).locator(".provider-figures")
    expect(figures).to_contain_text(f"${cost:.2f}")
    page.goto("/admin/usage/aiproviderusagelog/")
    expect(page.locator("#result_list")).to_contain_text(f"{cost:.6f}")
    page.goto("/admin/statistics/")
    at_a_glance = page.locator(".panel-summary .tile")
    expect(at_a_glance.filter(has_text=re.compile("^Cost\\$"))).to_contain_text(f"${cost:.2f}")


def the_key_is_rotated(page, config):
    page.goto("/admin/api-keys")
    card = page.locator(f"#key-{config.pk}")
    card.get_by_text("Rotate key").click()
    card.get_by_label("New API key").fill(SECOND_KEY)
    card.get_by_role("button", name="Check and store").click()

    expect(message(page, "has a new key")).to_be_visible()
    expect(page.locator(f"#key-{config.pk}")).to_contain_text("••••wxyz")
    config.refresh_from_db()
    assert config.api_key_encrypted.reveal() == SECOND_KEY


def it_is_deactivated(page, user):
    page.goto(LIST)
    page.get_by_role("button", name=f"Deactivate {NAME}").click()
    expect(page.get_by_text("No other provider is active.")).to_be_visible()
    page.get_by_role("button", name="Deactivate", exact=True).click()

    expect(page.get_by_role("button", name=f"Activate {NAME}", exact=True)).to_be_visible()
    # One that is known already would need no call.
    assert extract(page, user, POSTING.replace("Data", "Network")).status == 503


def it_is_deleted_with_a_fresh_code(page, config, phone):
    stale_second_factor(page)
    page.watch.expect(403)
    page.goto(f"{LIST}{config.pk}/delete/")
    expect(page.get_by_text("Its usage rows remain")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("textbox", name="Code").fill(phone.code())
    page.get_by_role("button", name="Confirm").click()

    expect(message(page, "deleted")).to_be_visible()
    assert not AIProviderConfig.objects.exists()
    assert AIProviderUsageLog.objects.filter(status="success", provider_config=None).count() == 1
