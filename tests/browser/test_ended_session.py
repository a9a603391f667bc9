"""A session that ended keeps what was typed: by hand, from the form to the log-in and back."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from orchestration.models import Experiment
from providers.models import AIProviderConfig
from tests.browser.accessibility import wrong_with
from tests.browser.visitors import PASSWORD, enrol_authenticator, fill_provider, log_in, message
from tests.factories import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def log_in_again(page, email, phone):
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("textbox", name="Code").fill(phone.code())
    page.get_by_role("button", name="Confirm").click()


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_what_was_typed_into_a_form_outlives_its_session(visit, device, sandbox):
    admin = make_user("root@example.com", role="SUPER_ADMIN", password=PASSWORD)
    page = visit(device)
    log_in(page, admin.email)
    phone = enrol_authenticator(page)
    page.goto("/admin/providers/aiproviderconfig/add/")
    page.locator('[name="provider_type"]').select_option("openai")
    fill_provider(
        page,
        api_key="sk-test-0123456789-abcd",
        display_name="Typed with care",
        base_url=sandbox.openai,
        model_name="sandbox-mini",
    )
    page.get_by_label("Job extraction").check()

    Session.objects.all().delete()
    page.get_by_role("button", name="Save", exact=True).click()
    log_in_again(page, admin.email, phone)

    expect(message(page, "Your session had ended")).to_contain_text("enter them again")
    expect(page.locator('[name="display_name"]')).to_have_value("Typed with care")
    expect(page.locator('[name="provider_type"]')).to_have_value("openai")
    expect(page.get_by_label("Job extraction")).to_be_checked()
    expect(page.locator('[name="api_key"]')).to_have_value("")
    wrong = wrong_with(page)
    stored_before = AIProviderConfig.objects.exists()
    page.locator('[name="api_key"]').fill("sk-test-0123456789-abcd")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(message(page, "Typed with care")).to_be_visible()

    assert (stored_before, wrong) == (False, [])
    assert AIProviderConfig.objects.get().default_for_extraction


def test_rows_that_were_added_are_back_too(visit):
    admin = make_user("root@example.com", role="SUPER_ADMIN", password=PASSWORD)
    page = visit()
    log_in(page, admin.email)
    phone = enrol_authenticator(page)
    page.goto("/admin/orchestration/experiment/add/")
    page.locator('[name="name"]').fill("Three ways")
    page.locator("#arms-group .add-row").first.click()
    for number, name in enumerate(("one", "two", "three")):
        page.locator(f'[name="arms-{number}-name"]').fill(name)

    Session.objects.all().delete()
    page.get_by_role("button", name="Save", exact=True).click()
    log_in_again(page, admin.email, phone)

    expect(page.locator('[name="arms-2-name"]')).to_have_value("three")
    expect(page.locator('[name="name"]')).to_have_value("Three ways")
    assert not Experiment.objects.exists()
