"""The usage log while calls come in, the box behind Ctrl-K by keyboard, and a person's page."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.tokens import issue_pair, logins_of
from tests.browser.visitors import message, settle
from tests.factories import make_config, make_user
from tests.usage.ended import make_call

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
LOG = "/admin/usage/aiproviderusagelog/"


def test_new_rows_of_the_usage_log_come_by_themselves_until_it_is_paused(visit_as, super_admin):
    make_call(timezone.now(), model_name="the-first")
    page = visit_as(super_admin)
    page.clock.install()
    page.goto(f"{LOG}?status__exact=success")
    rows = page.locator("#result_list tbody")

    page.get_by_role("button", name="Follow new rows").click()
    expect(page.get_by_text("Following.")).to_be_visible()
    make_call(timezone.now(), model_name="the-second")
    make_call(timezone.now(), model_name="another-filter", status="error", error_kind="server")
    page.clock.fast_forward(5100)
    expect(page.get_by_text("1 new row.")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    make_call(timezone.now(), model_name="the-third")
    page.clock.fast_forward(60_000)

    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("the-second")


def test_what_is_asked_for_when_it_is_paused_changes_nothing_and_starts_nothing(visit_as, super_admin):
    make_call(timezone.now(), model_name="the-first")
    page = visit_as(super_admin)
    page.clock.install()
    page.goto(LOG)
    asked = []
    page.route(f"**{LOG}", lambda route: asked.append(route))

    for _ in range(2):
        with page.expect_request(f"**{LOG}"):
            page.get_by_role("button", name="Follow new rows").click()
        page.get_by_role("button", name="Pause").click()
    with page.expect_request(f"**{LOG}"):
        page.get_by_role("button", name="Follow new rows").click()
    make_call(timezone.now(), model_name="the-second")
    for route in asked:
        route.continue_()
    expect(page.locator("#result_list tbody")).to_have_count(2)
    with page.expect_request(f"**{LOG}"):
        page.clock.fast_forward(5100)
    page.get_by_role("button", name="Pause").click()
    make_call(timezone.now(), model_name="the-third")
    asked[-1].continue_()
    page.clock.fast_forward(60_000)

    expect(page.locator("#result_list tbody")).to_have_count(2)
    assert len(asked) == 4, "one look for each press, and one more of the run that was left"


def test_no_more_rows_stay_than_a_page_has_and_a_whole_page_of_new_ones_is_said(visit_as, super_admin):
    for _ in range(25):
        make_call(timezone.now(), model_name="an-old-one")
    page = visit_as(super_admin)
    page.clock.install()
    page.goto(f"{LOG}?rows=25")
    page.get_by_role("button", name="Follow new rows").click()
    expect(page.get_by_text("Following.")).to_be_visible()
    make_call(timezone.now(), model_name="a-new-one")
    page.clock.fast_forward(5100)
    expect(page.get_by_text("1 new row.")).to_be_visible()
    rows = page.locator("#result_list tbody")
    expect(rows).to_have_count(25)

    for _ in range(30):
        make_call(timezone.now(), model_name="the-newest")
    page.clock.fast_forward(5100)

    expect(page.get_by_text("A whole page of new rows")).to_be_visible()
    expect(rows.filter(has_text="the-newest")).to_have_count(25)
    expect(rows).to_have_count(25)


def test_an_ended_session_is_said_to_be_one(visit_as, super_admin):
    make_call(timezone.now())
    page = visit_as(super_admin)
    page.clock.install()
    page.goto(LOG)
    page.get_by_role("button", name="Follow new rows").click()
    expect(page.get_by_text("Following.")).to_be_visible()

    page.context.clear_cookies()
    page.clock.fast_forward(5100)

    expect(page.get_by_text("You are no longer logged in, so this is paused.")).to_be_visible()


def test_a_list_in_another_order_is_not_followed(visit_as, super_admin):
    make_call(timezone.now())
    page = visit_as(super_admin)

    page.goto(f"{LOG}?o=7")

    assert page.get_by_role("button", name="Follow new rows").count() == 0


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_row_is_found_and_opened_by_keys_alone(visit_as, super_admin, device):
    config = make_config(display_name="Main account")
    page = visit_as(super_admin, device)
    page.goto("/admin/accounts/plan/")

    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search")
    box.press_sequentially("nothing is called this")
    expect(page.get_by_text("Nothing is called")).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "false")
    # In one go: an answer to a part of it would take the choice back that the key makes.
    box.fill("main acc")
    found = page.get_by_role("listbox", name="Found").get_by_role("option")
    expect(found).to_contain_text("Main account")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert box.get_attribute("aria-activedescendant") is None
    box.press("ArrowDown")
    expect(found).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", found.get_attribute("id"))
    assert page.locator(f"#{box.get_attribute('aria-controls')}").get_attribute("role") == "listbox"
    expect(page.get_by_role("status").filter(has_text="1 found")).to_have_count(1)
    box.press("Enter")

    page.wait_for_url(f"**/admin/providers/aiproviderconfig/{config.pk}/change/")


def test_the_first_key_leads_past_the_sidebar(visit_as, super_admin):
    page = visit_as(super_admin)
    page.goto("/admin/accounts/plan/")
    settle(page)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_no_icon_s_name_is_read_out(visit_as, super_admin):
    page = visit_as(super_admin)
    page.goto(LOG)
    settle(page)

    assert page.locator(".material-symbols-outlined:not([aria-hidden=true])").count() == 0


@pytest.mark.parametrize("device", ["desktop", "phone"])
def test_a_device_is_ended_on_a_person_s_page(visit_as, super_admin, device):
    person = make_user("who@example.com", plan="pro_monthly")
    issue_pair(user=person, verified_at=None)
    page = visit_as(super_admin, device)
    page.goto(f"/admin/accounts/user/{person.pk}/change/")

    page.get_by_role("button", name="End the login of").click()

    expect(message(page, "This login was ended")).to_be_visible()
    assert logins_of(person, now=timezone.now()) == []
