"""Every page of the console: quiet, readable for everybody in light and dark, and no wider than a phone."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from console.navigation import SECTIONS, links_of
from tests.browser import console_pages
from tests.browser.accessibility import wrong_with
from tests.browser.chromium import DEVICES
from tests.browser.installation import furnish
from tests.browser.visitors import enrol_authenticator, log_in, settle
from tests.factories import make_user
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

each_device = pytest.mark.parametrize("device", DEVICES)


def open_settled(page, address, *, status=200):
    answer = page.goto(address)
    settle(page)
    return [] if answer.status == status else [f"{address} answered {answer.status}"]


@pytest.mark.parametrize("pages", console_pages.PAGES)
def test_it_is_accessible_and_fits(visit_as, pages):
    """On each device, in the installation that takes longer to furnish than many of its pages to open."""
    admin = furnish(days=3, calls_a_day=6)
    console_pages.furnish_rows()

    wrong = []
    for device in DEVICES:
        page = visit_as(admin, device)
        page.watch.expect(404)
        for address in console_pages.PAGES[pages]():
            wrong += open_settled(page, address, status=404 if "nothing/here" in address else 200)
            wrong += [f"{device}: {what}" for what in wrong_with(page)]

    assert wrong == []


def test_a_page_that_is_registered_is_looked_at(registered):
    looked_at = console_pages.looked_at()

    assert {f"{registered}_{page}" for page in ("changelist", "add", "change")} <= set(looked_at)
    assert console_pages.stale_reasons() == []


@each_device
def test_the_way_in_is_accessible_and_fits(visit, device, super_admin):
    page = visit(device)

    page.goto("/admin/")
    wrong = wrong_with(page)
    page.get_by_label("Email").fill(super_admin.email)
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("do not open the console")).to_be_visible()
    wrong += wrong_with(page)
    log_in(page, super_admin.email)
    expect(page.get_by_text("Cannot scan it?")).to_be_visible()
    wrong += wrong_with(page)
    enrol_authenticator(page, meanwhile=lambda: wrong.extend(wrong_with(page)))
    page.goto("/admin/confirm/")
    wrong += wrong_with(page)
    page.get_by_role("textbox", name="Code").fill("12345")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    wrong += wrong_with(page)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out")).to_be_visible()
    wrong += wrong_with(page)

    assert wrong == []


@each_device
def test_what_opens_over_a_page_is_accessible_and_fits(visit_as, device):
    page = visit_as(furnish(days=1, calls_a_day=2), device)
    users = "/admin/accounts/user/"

    page.goto(users)
    page.get_by_role("button", name="Filters").press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()
    wrong = wrong_with(page)
    page.goto(users)
    if device == "phone":
        page.get_by_role("button", name="Show or hide the sidebar").click()
    page.get_by_role("button", name="admin@aditus.example").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    wrong += wrong_with(page)
    page.goto(users)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search").press_sequentially("plan")
    expect(page.locator("#command-results a").first).to_be_visible()
    wrong += wrong_with(page)
    page.goto(users)
    page.get_by_role("row", name="freemium").get_by_role("checkbox").check()
    page.locator("[name=action]").select_option("delete_selected")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()
    wrong += wrong_with(page)

    assert wrong == []


def test_an_empty_installation_is_fine_too(visit_as):
    page = visit_as(make_user("root@example.com", role="SUPER_ADMIN"))

    wrong = []
    for address in (link for section in SECTIONS for _, link in links_of(section)):
        wrong += open_settled(page, address)
        wrong += wrong_with(page)

    assert wrong == []


def test_the_usage_log_shows_every_column_without_a_sideways_scroll(visit_as):
    """Long names are cut, and nothing is pushed out of a window of 1280 px."""
    admin = furnish(days=3, calls_a_day=6)
    AIProviderUsageLog.objects.update(
        user=make_user(f"{'a-rather-long-name.' * 3}@example.com"),
        model_name="models/a-model-with-a-name-that-goes-on-and-on-2026-11-21",
        task_type="extraction_validation",
        error_kind="provider_quota_exceeded",
        attempt=3,
    )
    page = visit_as(admin)

    page.goto(reverse("admin:usage_aiproviderusagelog_changelist"))
    settle(page)

    ends = page.eval_on_selector_all(
        "#result_list thead th", "cells => cells.map(cell => cell.getBoundingClientRect().right)"
    )
    assert len(ends) >= 8
    assert max(ends) <= page.viewport_size["width"] == 1280
    table = "document.querySelector('#result_list')"
    assert page.evaluate(f"{table}.scrollWidth <= {table}.parentElement.clientWidth")
