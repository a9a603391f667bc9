"""The watch on every page, without which the quiet of the others would prove nothing."""

import pytest

from tests.browser.accessibility import grave_findings, overhang

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

POOR = """
<p style="color: #ccc; background: #fff">pale</p>
<button></button>
<pre style="width: 900px">wide</pre>
"""


@pytest.fixture
def page(visit):
    page = visit("phone")
    page.goto("/admin/login/")
    yield page
    page.watch.complaints.clear()
    page.watch.hosts.clear()


def test_it_hears_what_goes_wrong_in_a_page(page):
    with page.expect_event("pageerror"):
        page.evaluate("console.error('lost the thread'); setTimeout(() => { throw new Error('fell over'); })")

    with pytest.raises(AssertionError, match=r"lost the thread(.|\n)*fell over"):
        page.watch.assert_quiet()


def test_it_sees_a_request_that_leaves_the_host(page):
    # Our own pages do not let it leave at all.
    page.goto("about:blank")
    page.evaluate("fetch('https://cdn.example/chart.js').catch(() => null)")

    page.watch.complaints.clear()
    with pytest.raises(AssertionError, match=r"asked cdn\.example"):
        page.watch.assert_quiet()


def test_it_finds_what_cannot_be_read_or_does_not_fit(page):
    page.locator("body").evaluate("(body, poor) => body.insertAdjacentHTML('beforeend', poor)", POOR)

    rules = {rule for rule, _, _ in grave_findings(page)}

    assert {"color-contrast", "button-name"} <= rules
    assert overhang(page) > 0
