"""The console served on loopback, as people on a desktop and on a phone see it."""

import time
from importlib import import_module

import pytest
from django.conf import settings as django_settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connections
from unfold.admin import ModelAdmin

from accounts.step_up import SESSION_KEY
from tests.browser.chromium import DEVICES, TIMEOUT_MS, Watch, running_chromium


@pytest.fixture(scope="module")
def chromium():
    """One browser for a module, because its event loop may not meet the one of an async test elsewhere."""
    with running_chromium() as browser:
        yield browser
        # Django keeps these apart from the connections of a thread without a loop; nobody else closes them.
        connections.close_all()


@pytest.fixture(autouse=True)
def second_factor_required(settings):
    """As in production."""
    settings.MFA_REQUIRED = True


@pytest.fixture
def visit(chromium, live_server):
    """A function that opens a page for a new visitor: own cookies, a device, light or dark.

    `page.watch` tells what the visitor's pages did. At the end every visitor's pages must have been quiet: no
    error on the console, no request that left this machine.
    """
    contexts = []

    def open_page(device="desktop", *, color_scheme="light"):
        context = chromium.new_context(
            base_url=live_server.url,
            color_scheme=color_scheme,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",
            **DEVICES[device],
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        watch = Watch(context)
        page = context.new_page()
        page.watch = watch
        return page

    yield open_page
    watches = [context.pages[0].watch for context in contexts if context.pages]
    for context in contexts:
        context.close()
    for watch in watches:
        watch.assert_quiet()


@pytest.fixture
def visit_as(visit, live_server):
    """`visit` for somebody who has logged in with both factors a moment ago."""

    def open_page(user, device="desktop", **options):
        page = visit(device, **options)
        page.context.add_cookies([session_cookie(user, live_server.url)])
        return page

    return open_page


@pytest.fixture
def registered():
    """A model in the console that no test has heard of."""
    admin.site.register(LogEntry, ModelAdmin)
    yield "admin_logentry"
    admin.site.unregister(LogEntry)


def session_cookie(user, url):
    """The cookie of a session as the login leaves it."""
    session = import_module(django_settings.SESSION_ENGINE).SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session[SESSION_KEY] = int(time.time())
    session.create()
    return {"name": django_settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": url}
