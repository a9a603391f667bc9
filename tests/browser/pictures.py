"""The pictures of docs/images/console, as `python -m tests.browser.screenshots` takes them.

Not a test_ file: pictures are taken when somebody wants them, not whenever the suite runs. Each shows its
page in light, in the dark and on a phone; the figures are invented. The clock stands still meanwhile, so that
a picture changes when its page does. An error on a page's console and a request that leaves the host fail
it, and so does what axe finds in the states that no test looks at.
"""

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from PIL import Image
from playwright.sync_api import Error

from providers.models import AIProviderConfig
from tests.browser import album, console_pages, states
from tests.browser.accessibility import switch_to, wrong_with
from tests.browser.installation import furnish
from tests.browser.visitors import settle
from tests.factories import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.timeout(3600)]

IMAGES = Path(os.environ.get("SCREENSHOTS", Path(__file__).parents[2] / "docs" / "images" / "console"))
ONLY = set(filter(None, os.environ.get("ONLY", "").split(",")))
MOMENT = datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
DESKTOP, PHONE, GAP = 1280, 390, 16
# In CSS pixels: a page that is longer is cut off there.
LEAST_HEIGHT, MOST_HEIGHT = 844, 1400
_WANTED = """() => Math.max(...[...document.querySelectorAll("html, .stays-in-sight")]
    .map((one) => innerHeight + one.scrollHeight - one.clientHeight))"""
SCALE, QUALITY = 0.75, 62
MOST_BYTES = 250_000


@pytest.fixture
def stopped_clock():
    with time_machine.travel(MOMENT, tick=False):
        yield


def shot(page):
    image = page.screenshot(animations="disabled", caret="hide", scale="css")
    return Image.open(io.BytesIO(image)).convert("RGB")


def fit_height(page, most=MOST_HEIGHT):
    """Make the window as high as what the page has to show, but no higher than `most`; its height.

    A part that scrolls by itself grows with the window, and only then the page.
    """
    width, height = page.viewport_size["width"], LEAST_HEIGHT
    for _ in range(4):
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        wanted = min(page.evaluate(_WANTED), most)
        if wanted <= height:
            break
        height = wanted
    return height


def keep(name, views):
    """Store the views side by side as one file."""
    width = sum(view.width for view in views) + GAP * (len(views) - 1)
    sheet = Image.new("RGB", (width, max(view.height for view in views)), "white")
    left = 0
    for view in views:
        sheet.paste(view, (left, 0))
        left += view.width + GAP
    size = (round(sheet.width * SCALE), round(sheet.height * SCALE))
    path = IMAGES / f"{name}.webp"
    sheet.resize(size, Image.Resampling.LANCZOS).save(path, quality=QUALITY, method=5)
    assert path.stat().st_size < MOST_BYTES, f"{path.name} is too large for the repository"


def take(name, visitors, go, *, judge=False):
    """`go` brings each visitor's page to what is pictured.

    Returns what went wrong, for the other pictures are taken all the same, and with `judge` what axe finds.
    """
    if ONLY and name not in ONLY:
        return []
    try:
        return _take(name, visitors, go, judge=judge)
    except (AssertionError, Error) as error:
        return [f"{name}: {error}"]


def _take(name, visitors, go, *, judge):
    desktop, phone = visitors
    views, wrong, height = [], [], MOST_HEIGHT
    for page, themes in ((desktop, ("light", "dark")), (phone, ("light",))):
        page.set_viewport_size({"width": page.viewport_size["width"], "height": LEAST_HEIGHT})
        switch_to(page, "light")
        go(page)
        height = fit_height(page, height)
        for theme in themes:
            switch_to(page, theme)
            settle(page)
            views.append(shot(page))
        wrong += wrong_with(page) if judge else []
        switch_to(page, "light")
    keep(name, views)
    return wrong


def visitors_of(opener, *args):
    pages = [opener(*args, device) for device in ("desktop", "phone")]
    for page in pages:
        page.clock.set_fixed_time(MOMENT)
        # What a state is about, and Chromium logs each as an error.
        for status in (400, 403, 404, 409, 422):
            page.watch.expect(status)
        page.goto("/healthz")
    return pages


@pytest.fixture(autouse=True, scope="module")
def folder():
    IMAGES.mkdir(parents=True, exist_ok=True)
    if not ONLY:
        for picture in IMAGES.glob("*.webp"):
            picture.unlink()


def test_it_pictures_the_console_at_work(visit_as, sandbox, stopped_clock):
    admin = furnish(calls_a_day=240)
    console_pages.furnish_rows()
    visitors = visitors_of(visit_as, admin)

    wrong = []
    for name, step in states.AT_WORK.items():
        AIProviderConfig.objects.filter(display_name=states.VENDORS_TEST).delete()
        wrong += take(name, visitors, lambda page, step=step: step(page, sandbox), judge=True)

    assert wrong == []


def test_it_pictures_the_way_in(visit, sandbox, stopped_clock):
    wrong = []
    for name, step in states.WAY_IN.items():
        wrong += take(name, visitors_of(visit), lambda page, step=step: step(page, sandbox), judge=True)

    assert wrong == []


def test_it_pictures_an_empty_console(visit_as, sandbox, stopped_clock):
    visitors = visitors_of(visit_as, make_user("root@aditus.example", role="SUPER_ADMIN"))

    wrong = []
    for name, step in states.EMPTY.items():
        wrong += take(name, visitors, lambda page, step=step: step(page, sandbox), judge=True)

    assert wrong == []


def test_it_pictures_the_console(visit_as, sandbox, stopped_clock):
    admin = furnish(calls_a_day=240)
    console_pages.furnish_rows()
    visitors = visitors_of(visit_as, admin)

    wrong = []
    for name in album.PAGES:
        wrong += take(name, visitors, lambda page, name=name: page.goto(album.address_of(name)))

    assert wrong == []
