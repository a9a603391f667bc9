"""Enlarged to 200 %, without motion, and by keyboard: what people who need it have of the console."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import User
from providers.models import AIProviderConfig
from tests.browser.accessibility import overhang
from tests.browser.installation import furnish
from tests.browser.visitors import settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

# Texts that a box cuts off, without a title that has the whole, and not for screen readers only.
CUT = """() => [...document.querySelectorAll("#main *")].filter((one) => {
    const style = getComputedStyle(one);
    const isCut = one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1;
    const isShown = one.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const hasText = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    return isCut && isShown && hasText && ["hidden", "clip"].includes(style.overflowX)
        && !one.title && !one.closest(".for-screen-readers");
}).map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 60)}`)"""


def pages():
    config = AIProviderConfig.objects.get(is_default=True)
    person = User.objects.exclude(role="SUPER_ADMIN").first()
    return [
        reverse("admin:index"),
        reverse("admin:providers_aiproviderconfig_changelist"),
        reverse("admin:providers_aiproviderconfig_change", args=[config.pk]),
        reverse("admin:usage_aiproviderusagelog_changelist"),
        reverse("admin:usage_statistics"),
        reverse("admin:usage_price_list"),
        reverse("admin:accounts_user_change", args=[person.pk]),
        reverse("admin:accounts_auditentry_changelist"),
    ]


def test_enlarged_to_200_percent_nothing_is_cut_or_beside_the_window(visit_as):
    """A window of 1280 px that is enlarged to 200 % has 640 px of its own."""
    page = visit_as(furnish(days=3, calls_a_day=6))
    page.set_viewport_size({"width": 640, "height": 450})

    wrong = []
    for address in pages():
        page.goto(address)
        settle(page)
        wrong += [f"{address} is {overhang(page)} px wider than its window"] if overhang(page) > 0 else []
        wrong += [f"{address} cuts {what}" for what in page.evaluate(CUT)]

    assert wrong == []


def test_who_wants_no_motion_gets_none(visit_as):
    """The visitors of these tests ask for none; of one who does not, the same element moves."""
    page = visit_as(furnish(days=1, calls_a_day=2))
    page.goto(reverse("admin:index"))
    settle(page)
    page.evaluate("""() => {
        const moving = document.createElement("div");
        moving.id = "moving";
        moving.style.cssText = "animation: spin 2s infinite; transition: opacity 2s; scroll-behavior: smooth";
        document.body.append(moving);
    }""")
    motion = """() => {
        const { transitionDuration, animationDuration, animationIterationCount, scrollBehavior } =
            getComputedStyle(document.getElementById("moving"));
        const durations = [transitionDuration, animationDuration].map(parseFloat);
        return [...durations, animationIterationCount, scrollBehavior];
    }"""

    still = page.evaluate(motion)
    page.emulate_media(reduced_motion="no-preference")
    moving = page.evaluate(motion)

    assert max(still[:2]) <= 0.00001
    assert still[2:] == ["1", "auto"]
    assert moving == [2, 2, "infinite", "smooth"]


def test_a_keyboard_goes_through_a_page_in_the_order_it_is_read(visit_as):
    page = visit_as(furnish(days=1, calls_a_day=2))
    page.goto(reverse("admin:providers_aiproviderconfig_changelist"))
    settle(page)
    is_in = "selector => document.activeElement.closest(selector) !== null"
    place = """() => {
        const order = [...document.querySelectorAll("*")];
        return [order.indexOf(document.activeElement), document.activeElement.getAttribute("tabindex")];
    }"""

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    seen = []
    for _ in range(25):
        page.keyboard.press("Tab")
        seen.append((*page.evaluate(place), page.evaluate(is_in, "#main")))

    assert all(is_within for _, _, is_within in seen), "past the skip link the sidebar is behind"
    assert [at for at, _, _ in seen] == sorted({at for at, _, _ in seen})
    assert {tabindex for _, tabindex, _ in seen} <= {None, "0"}
