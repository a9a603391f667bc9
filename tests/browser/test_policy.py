"""No page of ours does what its policy forbids, and the policy forbids what an attacker would do."""

import pytest
from django.urls import reverse

from tests.browser.visitors import settle
from tests.factories import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.timeout(600)]

INJECTED = """() => {
    const script = document.createElement("script");
    script.textContent = "window.injected = true";
    document.body.append(script);
    const link = document.createElement("a");
    link.setAttribute("onclick", "window.injected = true");
    document.body.append(link);
    link.click();
    return window.injected === true;
}"""


def test_a_script_that_was_slipped_into_a_page_does_not_run(visit_as):
    page = visit_as(make_user("root@example.com", role="SUPER_ADMIN"))

    page.goto(reverse("admin:index"))
    settle(page)
    ran = page.evaluate(INJECTED)

    assert ran is False
    assert len(page.watch.complaints) == 2
    assert all("Content Security Policy" in complaint for complaint in page.watch.complaints)
    page.watch.complaints.clear()


def test_the_description_of_the_api_opens_and_is_quiet(visit):
    """The console's pages are opened by the tests beside this one, which fail at the first violation."""
    page = visit()

    page.goto(reverse("docs"))

    page.get_by_text("auth_token", exact=False).first.or_(page.locator(".opblock").first).first.wait_for()
