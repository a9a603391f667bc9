"""What the console does by itself while somebody works in it."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from providers.models import AIProviderConfig
from tests.browser.installation import furnish
from tests.browser.visitors import fill_provider, message, settle
from tests.factories import make_config, make_user
from usage.models import QuotaCounter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

LIST = "/admin/providers/aiproviderconfig/"


@pytest.fixture
def config(sandbox):
    return make_config(display_name="Sandbox account", model_name="sandbox-mini", base_url=sandbox.openai)


def model_lists(sandbox):
    """How often the vendor was asked for its models, which is how a key is tested."""
    return sum(sandbox.hits()["model_lists"].values())


# One for the key, and one for a key that is certainly wrong.
OF_ONE_TEST = 2


def double_click(button):
    """Two clicks as fingers do them, with time between for the first to be sent."""
    button.dblclick(delay=150)


def test_good_news_clears_after_five_seconds(visit_as, super_admin, config):
    page = visit_as(super_admin)
    page.clock.install()
    page.goto(LIST)

    page.get_by_role("button", name="Test Sandbox account").click()
    news = message(page, "Sandbox account:")
    expect(news).to_be_visible()
    # The clock runs on its own, too, while the browser is asked.
    page.clock.fast_forward(2000)
    still_there = news.count()
    page.clock.fast_forward(3100)

    expect(news).to_have_count(0)
    assert still_there == 1


def test_errors_stay(visit_as, super_admin, sandbox):
    make_config(display_name="Broken", api_key="sk-invalid-0123456789", base_url=sandbox.openai)
    page = visit_as(super_admin)
    page.clock.install()
    page.goto(LIST)

    page.get_by_role("button", name="Test Broken").click()
    news = message(page, "Broken:")
    expect(news).to_be_visible()
    page.clock.fast_forward(60_000)

    expect(news).to_be_visible()


def test_a_double_click_on_a_row_tests_once(visit_as, super_admin, sandbox, config):
    sandbox.fault("slow=4", on="models")
    page = visit_as(super_admin)
    page.goto(LIST)

    double_click(page.get_by_role("button", name="Test Sandbox account"))

    expect(message(page, "The key works")).to_have_count(1)
    expect(page.locator(".console-messages li")).to_have_count(1)
    assert model_lists(sandbox) == OF_ONE_TEST


@pytest.mark.parametrize(("is_guarded", "sent"), [(True, 1), (False, 2)], ids=["guarded", "guard removed"])
def test_a_double_click_in_the_form_tests_once(visit_as, super_admin, sandbox, is_guarded, sent):
    sandbox.fault("slow=4", on="models")
    page = visit_as(super_admin)
    page.goto(f"{LIST}add/")
    page.locator('[name="provider_type"]').select_option("openai")
    fill_provider(
        page, api_key="sk-test-0123456789abcdef", base_url=sandbox.openai, model_name="sandbox-mini"
    )
    button = page.get_by_role("button", name="Test credentials")
    if not is_guarded:
        button.evaluate("button => Object.defineProperty(button, 'disabled', { set() {}, get: () => false })")
    checks = []
    page.on("request", lambda request: checks.append(request) if request.url.endswith("/check/") else None)

    double_click(button)

    expect(page.locator("#test-result.good")).to_be_visible()
    assert len(checks) == sent
    assert OF_ONE_TEST <= model_lists(sandbox) <= sent * OF_ONE_TEST


def test_a_double_click_saves_once(visit_as, super_admin, sandbox):
    sandbox.fault("slow=4", on="models")
    page = visit_as(super_admin)
    page.goto(f"{LIST}add/")
    page.locator('[name="provider_type"]').select_option("openai")
    fill_provider(
        page,
        api_key="sk-test-0123456789abcdef",
        display_name="New",
        base_url=sandbox.openai,
        model_name="sandbox-mini",
    )

    double_click(page.get_by_role("button", name="Save", exact=True))

    expect(message(page, "New")).to_be_visible()
    assert AIProviderConfig.objects.count() == 1
    assert model_lists(sandbox) == OF_ONE_TEST


def test_two_people_do_not_overwrite_each_other_silently(visit_as, super_admin, config):
    other = make_user("other@example.com", role="SUPER_ADMIN")
    first, second = visit_as(super_admin), visit_as(other)
    for page in (first, second):
        page.goto(f"{LIST}{config.pk}/change/?section=routing")

    first.get_by_label("Priority").fill("5")
    first.get_by_role("button", name="Save", exact=True).click()
    expect(message(first, "Sandbox account")).to_be_visible()
    second.get_by_label("Priority").fill("9")
    second.get_by_role("button", name="Save", exact=True).click()

    expect(second.get_by_text("root@example.com changed priority from “0” to “5”")).to_be_visible()
    config.refresh_from_db()
    assert config.priority == 5


def test_who_has_read_the_warning_may_overwrite(visit_as, super_admin, config):
    page = visit_as(super_admin)
    page.goto(f"{LIST}{config.pk}/change/?section=routing")
    config.priority = 5
    config.save()

    page.get_by_label("Priority").fill("9")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed after you opened it")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(message(page, "Sandbox account")).to_be_visible()
    config.refresh_from_db()
    assert config.priority == 9


def test_saving_a_section_keeps_the_stored_key(visit_as, super_admin, config):
    page = visit_as(super_admin)
    page.goto(f"{LIST}{config.pk}/change/")

    page.get_by_label("Description").fill("Moved to the shared account")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(message(page, "Sandbox account")).to_be_visible()
    config.refresh_from_db()
    assert config.description == "Moved to the shared account"
    assert config.api_key_encrypted.reveal() == "sk-test-0123456789abcdef"


def test_the_form_shows_what_was_used_of_tokens_and_of_money(visit_as, super_admin, sandbox):
    limits = {"daily_token_limit": 10_000, "monthly_cost_limit_usd": "12.5"}
    config = make_config(model_name="sandbox-mini", base_url=sandbox.openai, **limits)
    today, month = f"day:{timezone.now():%Y-%m-%d}", f"month:{timezone.now():%Y-%m}"
    QuotaCounter.objects.create(scope=f"provider:{config.pk}", window=today, used=8_000, reserved=500)
    QuotaCounter.objects.create(scope=f"provider-usd:{config.pk}", window=month, used=3_250_000_000_000)
    page = visit_as(super_admin)

    page.goto(f"{LIST}{config.pk}/change/?section=limits")

    bars = page.locator("#use-so-far")
    expect(bars).to_contain_text("Today: 8,500 tokens, of 10,000")
    expect(bars).to_contain_text("This month: $3.25, of $12.5")
    assert bars.locator("meter").evaluate_all("all => all.map(one => one.value / one.max)") == [0.85, 0.26]


def test_every_chart_has_its_table_and_its_file(visit_as):
    page = visit_as(furnish(days=3, calls_a_day=6))
    page.goto("/admin/statistics/")
    settle(page)

    panels = page.locator("[data-panel]:has(canvas)")
    tables = panels.locator("table:has(tbody tr)")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of By model").click()

    assert panels.count() > 3
    assert tables.count() == panels.count()
    assert "gemini-2.5-flash" in download.value.path().read_text()


def test_charts_follow_the_switch_to_dark(visit_as):
    page = visit_as(furnish(days=3, calls_a_day=6))
    page.goto("/admin/statistics/")
    settle(page)

    light = page.locator("canvas").first.evaluate("canvas => canvas.toDataURL()")
    page.get_by_text("admin@aditus.example").first.click()
    page.get_by_text("Dark", exact=True).click()

    page.wait_for_function("light => document.querySelector('canvas').toDataURL() !== light", arg=light)
