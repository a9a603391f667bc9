"""Debian's chromium, driven by Playwright, with a watch on everything a page does."""

import os
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

from tests import services

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name that is not this machine's does not resolve, so a stray request fails as well as being seen.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
DEVICES = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
}
# Loading everything anew on two busy cores takes its time.
TIMEOUT_MS = 30_000
_LOCAL_HOSTS = {"localhost", "127.0.0.1"}


@contextmanager
def running_chromium():
    """A browser for the time of the block.

    Playwright keeps an event loop in this thread, in which Django then refuses the ORM although nothing of it
    runs inside the loop; the variable that permits it is set for this time only.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=TIMEOUT_MS)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=services.chromium(), args=list(ARGUMENTS), timeout=60_000
            )
            try:
                yield browser
            finally:
                browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Watch:
    """What the pages of one browser context said on the console, and whom they asked."""

    def __init__(self, context):
        self.hosts = set()
        self.complaints = []
        self._expected = set()
        context.on("request", self._on_request)
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))

    def expect(self, status):
        """From now on a reply of this status is what the test is about; Chromium logs each as an error."""
        self._expected.add(str(status))

    def assert_quiet(self):
        assert not self.complaints, "\n".join(self.complaints)
        assert self.hosts <= _LOCAL_HOSTS, f"asked {', '.join(sorted(self.hosts - _LOCAL_HOSTS))}"

    def _on_request(self, request):
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob"):
            self.hosts.add(address.hostname)

    def _on_console(self, message):
        if message.type not in ("error", "warning"):
            return
        said = message.text
        told = said.startswith("Failed to load resource") and any(
            f" {code} " in said for code in self._expected
        )
        if not told:
            self.complaints.append(f"{message.type} on {message.location.get('url', '')}: {said}")
