"""What pages of the console look like while somebody does something: each step brings a page there.

A step is given the open page of a super-admin, or of nobody yet, and may be taken several times.
"""

from datetime import timedelta

from playwright.sync_api import expect

from accounts.audit import Actor
from accounts.models import Authenticator, User
from providers.configs import changes
from providers.models import AIProviderConfig
from tests.browser.visitors import PASSWORD, enrol_authenticator, fill_provider, log_in, message
from tests.factories import make_config, make_user

USERS = "/admin/accounts/user/"
LOG = "/admin/usage/aiproviderusagelog/"
PROVIDERS = "/admin/providers/aiproviderconfig/"
NEWCOMER = "ada@aditus.example"
VENDORS_TEST = "Sandbox account"


def log_in_page(page, sandbox):
    page.goto("/admin/")


def refused_log_in(page, sandbox):
    page.goto("/admin/")
    page.get_by_label("Email").fill("nobody@aditus.example")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("do not open the console")).to_be_visible()


def first_log_in(page, sandbox):
    """Of somebody who has no second factor yet."""
    if not User.objects.filter(email=NEWCOMER).exists():
        make_user(NEWCOMER, role="SUPER_ADMIN", password=PASSWORD)
    Authenticator.objects.filter(user__email=NEWCOMER).delete()
    log_in(page, NEWCOMER)
    expect(page.get_by_text("Cannot scan it?")).to_be_visible()


def second_factor(page, sandbox):
    first_log_in(page, sandbox)
    enrol_authenticator(page)
    page.goto("/admin/confirm/")
    page.get_by_role("textbox", name="Code").fill("12345")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("This code is not right")).to_be_visible()


def logged_out(page, sandbox):
    first_log_in(page, sandbox)
    enrol_authenticator(page)
    page.goto("/admin/confirm/")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out")).to_be_visible()


def search(page, sandbox):
    page.goto("/admin/")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Search").press_sequentially("gemini")
    expect(page.locator("#command-results a").first).to_be_visible()


def filters(page, sandbox):
    page.goto(USERS)
    page.get_by_role("button", name="Filters").press("Enter")
    expect(page.locator("#changelist-filter")).to_be_visible()


def several_deleted(page, sandbox):
    page.goto(USERS)
    page.get_by_role("row", name="freemium").get_by_role("checkbox").check()
    page.locator("[name=action]").select_option("delete_selected")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("button", name="Delete")).to_be_visible()


def live_tail(page, sandbox):
    page.goto(LOG)
    page.get_by_role("button", name="Follow new rows").click()
    expect(page.get_by_text("Following.")).to_be_visible()


def conflict(page, sandbox):
    """Somebody else saved the same field meanwhile."""
    config = AIProviderConfig.objects.get(is_default=True)
    name = config.display_name
    admin = User.objects.get(role="SUPER_ADMIN", email__startswith="admin")
    page.goto(f"{PROVIDERS}{config.pk}/change/")
    page.locator('[name="display_name"]').fill("Gemini, ours")
    actor = Actor(door="admin", user=admin, email=admin.email)
    changes.update(actor=actor, config_id=config.pk, fields={"display_name": "Gemini, invoiced"})
    # The clock stands still, and by it a change is known.
    AIProviderConfig.objects.filter(pk=config.pk).update(updated_at=config.updated_at + timedelta(seconds=1))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This was changed after you opened it").first).to_be_visible()
    AIProviderConfig.objects.filter(pk=config.pk).update(display_name=name, updated_at=config.updated_at)


def mistakes(page, sandbox):
    """A form that was sent with nothing in it."""
    page.goto("/admin/usage/quotarule/add/")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist, .errornote, .problem").first).to_be_visible()


def not_found(page, sandbox):
    page.goto("/admin/nothing/here/")


def key_tested(page, sandbox):
    _new_provider(page, sandbox, "sk-test-0123456789-abcd")
    expect(page.locator("#test-result.good")).to_be_visible()


def key_refused(page, sandbox):
    _new_provider(page, sandbox, "sk-invalid-0123456789")
    expect(page.locator("#test-result.bad")).to_be_visible()


def _new_provider(page, sandbox, key):
    page.goto(f"{PROVIDERS}add/")
    page.locator('[name="provider_type"]').select_option("openai")
    fill_provider(
        page,
        api_key=key,
        display_name=VENDORS_TEST,
        base_url=sandbox.openai,
        model_name="sandbox-mini",
    )
    page.get_by_role("button", name="Test credentials").click()


def answers(page, sandbox):
    """Two models of one vendor beside each other; the provider is here for this picture only."""
    config = make_config(
        display_name=VENDORS_TEST,
        model_name="sandbox-mini",
        quality_model_name="sandbox-large",
        base_url=sandbox.openai,
    )
    page.goto(f"{PROVIDERS}{config.pk}/try/")
    page.locator('[name="prompt"]').fill("Say in a sentence what a data engineer does.")
    page.locator('[name="model_2"]').select_option(f"{config.pk} sandbox-large")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".audition").first).to_be_visible()


def provider_tested(page, sandbox):
    """What a button on a row of the list says when it is done."""
    make_config(display_name=VENDORS_TEST, model_name="sandbox-mini", base_url=sandbox.openai)
    page.goto(PROVIDERS)
    page.get_by_role("button", name=f"Test {VENDORS_TEST}").click()
    expect(message(page, f"{VENDORS_TEST}:")).to_be_visible()


def empty(address):
    def nothing_yet(page, sandbox):
        page.goto(address)

    return nothing_yet


# By the picture. Nobody is logged in for the first ones.
WAY_IN = {
    "log-in": log_in_page,
    "log-in-refused": refused_log_in,
    "second-factor-first": first_log_in,
    "second-factor-asked": second_factor,
    "logged-out": logged_out,
}
AT_WORK = {
    "search": search,
    "filters": filters,
    "several-deleted": several_deleted,
    "live-tail": live_tail,
    "two-people": conflict,
    "mistakes": mistakes,
    "not-found": not_found,
    "key-tested": key_tested,
    "key-refused": key_refused,
    "provider-tested": provider_tested,
    "provider-try-it-answers": answers,
}
EMPTY = {
    "home-empty": empty("/admin/"),
    "providers-empty": empty(PROVIDERS),
    "usage-log-empty": empty(LOG),
    "statistics-empty": empty("/admin/statistics/"),
    "experiments-empty": empty("/admin/orchestration/experiment/"),
}
ALL = {**WAY_IN, **AT_WORK, **EMPTY}
