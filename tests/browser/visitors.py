"""What a person at the console does with hands and phone, in steps that several tests take."""

from importlib import import_module

from django.conf import settings
from playwright.sync_api import expect

from accounts.step_up import SESSION_KEY
from tests.accounts.authenticator import Phone

PASSWORD = "correct horse battery"


def log_in(page, email):
    """Give the password; the console then asks for the second factor."""
    page.goto("/admin/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def enrol_authenticator(page, meanwhile=lambda: None):
    """From the page with the QR code, by hand, to the front page; the phone that shows the codes now.
    `meanwhile` is called while the backup codes are shown."""
    page.get_by_text("Cannot scan it?").click()
    phone = Phone(page.locator("#totp-secret").inner_text())
    page.get_by_role("textbox", name="Code").fill(phone.code())
    page.get_by_role("button", name="Start using it").click()
    expect(page.get_by_role("list", name="Backup codes").locator("li")).to_have_count(10)
    meanwhile()
    page.get_by_role("link", name="I have saved them").click()
    return phone


def fill_provider(page, *, api_key, **fields):
    """Type into the provider form, fields by their names."""
    for name, value in {"api_key": api_key, **fields}.items():
        page.locator(f'[name="{name}"]').fill(value)


def message(page, text):
    """The message of the console that says this."""
    return page.locator(".console-messages li", has_text=text)


def stale_second_factor(page):
    """Let the last code be an hour old."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    store = import_module(settings.SESSION_ENGINE).SessionStore(cookies[settings.SESSION_COOKIE_NAME])
    store[SESSION_KEY] -= 3600
    store.save()


def settle(page):
    """Wait until the page has fetched what it shows."""
    page.wait_for_load_state()
    page.wait_for_function("document.querySelector('[aria-busy=true]') === null")
