"""The home leads to the first answer, and says when something broke and when it is mended."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from console.providers.sections import SECTIONS, address_of
from providers.models import AIProviderConfig
from tests.browser.accessibility import wrong_with
from tests.browser.visitors import fill_provider, settle
from tests.factories import make_config
from tests.usage.ended import make_call
from usage.models import AIProviderUsageLog, AlertRun, ModelPrice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

each_device = pytest.mark.parametrize("device", ["desktop", "phone"])


@each_device
def test_ten_clicks_lead_from_nothing_to_the_first_answer(visit_as, super_admin, sandbox, device):
    page, clicks = visit_as(super_admin, device), []

    def click(button):
        clicks.append(button)
        button.click()

    page.goto("/admin/")
    click(page.get_by_role("link", name="Add a provider").first)
    click(page.locator('[name="provider_type"]'))
    page.locator('[name="provider_type"]').select_option("openai")
    fill_provider(
        page, api_key="sk-test-0123456789abcdef", base_url=sandbox.openai, model_name="sandbox-mini"
    )
    click(page.get_by_label("Job extraction"))
    click(page.get_by_role("button", name="Save", exact=True))
    expect(page.get_by_role("navigation", name="Sections of")).to_be_visible()
    if device == "phone":
        click(page.get_by_role("button", name="Show or hide the sidebar"))
    click(page.get_by_role("link", name="Home").first)
    click(page.get_by_role("link", name="Make the first call").first)
    page.get_by_label("Prompt").fill("Say hello.")
    click(page.get_by_role("button", name="Ask"))

    expect(page.locator(".audition .answer")).to_be_visible()
    assert AIProviderUsageLog.objects.get().status == "success"
    assert len(clicks) <= 10


@each_device
def test_an_open_home_says_what_broke_and_when_it_is_mended(visit_as, super_admin, settings, device):
    settings.WORKERS_EXPECTED = False
    config = make_config(display_name="Main account")
    page = visit_as(super_admin, device)
    page.clock.install()
    page.goto("/admin/")
    settle(page)
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("All is well.")

    def a_minute_later():
        # A look within five seconds of another one tells what that one saw.
        AlertRun.objects.update(state_judged_at=timezone.now() - timedelta(minutes=1))
        page.clock.fast_forward(60_000)

    AIProviderConfig.flag(config.pk, "auth")
    a_minute_later()
    expect(verdict.get_by_role("link", name="Main account")).to_be_visible()
    wrong = wrong_with(page)
    AIProviderConfig.objects.update(flagged_at=None, flag_reason="")
    a_minute_later()

    expect(verdict).to_contain_text("All is well.")
    assert wrong == []


@each_device
def test_three_models_are_tried_side_by_side(visit_as, super_admin, sandbox, device):
    ModelPrice.objects.create(provider_type="openai", model_name="sandbox-mini", input_mtok=1, output_mtok=2)
    names = ("Gets it right", "Also answers", "Has no key")
    keys = ("sk-test-0123456789abcdef", "sk-test-0123456789abcdef", "sk-invalid-0123456789")
    configs = [
        make_config(display_name=name, api_key=key, base_url=sandbox.openai, model_name="sandbox-mini")
        for name, key in zip(names, keys, strict=True)
    ]
    page = visit_as(super_admin, device)
    page.goto(address_of(configs[0].pk, "try"))

    page.get_by_label("Second model").select_option(label="Also answers: sandbox-mini")
    page.get_by_label("Third model").select_option(label="Has no key: sandbox-mini")
    page.get_by_label("Prompt").fill("Say hello.")
    page.get_by_role("button", name="Ask").click()

    expect(page.locator(".audition")).to_have_count(3)
    expect(page.locator(".audition .answer")).to_have_count(2)
    expect(page.locator(".audition", has_text="Has no key").get_by_text("no answer")).to_be_visible()
    assert wrong_with(page) == []


@each_device
def test_every_section_of_a_provider_is_accessible_and_fits(visit_as, super_admin, sandbox, device):
    config = make_config(display_name="Main account", daily_token_limit=1000, base_url=sandbox.openai)
    page = visit_as(super_admin, device)

    wrong = []
    for slug in (*SECTIONS, "prices", "try", "history"):
        page.goto(address_of(config.pk, slug))
        settle(page)
        expect(page.get_by_role("navigation", name="Sections of").locator("[aria-current]")).to_have_count(1)
        wrong += wrong_with(page)

    assert wrong == []


def test_what_the_shares_of_two_periods_differ_by_is_called_points(visit_as, super_admin):
    now = timezone.now()
    for moment, statuses in (
        (now - timedelta(days=1), ("success", "success", "success", "error")),
        (now - timedelta(days=35), ("success", "error")),
    ):
        for status in statuses:
            make_call(moment, status=status, error_kind="server" if status == "error" else "")
    page = visit_as(super_admin)
    page.goto("/admin/")
    tiles = page.locator(".panel-summary .tile")

    expect(tiles.filter(has_text="Success")).to_contain_text("+25 points on the period before")
    expect(tiles.filter(has_text="Calls").first).to_contain_text("+100 % on the period before")
