"""The page on which somebody looks after the providers, in their hands."""

import pytest
from playwright.sync_api import expect

from orchestration.models import ProviderProbe
from tests.browser.visitors import message, settle
from tests.factories import make_config

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

PAGE = "/admin/orchestration/providerprobe/health/"


def test_a_double_click_probes_once_and_the_page_shows_what_came_of_it(visit_as, super_admin, sandbox):
    make_config(display_name="Sandbox account", model_name="sandbox-mini", base_url=sandbox.openai)
    page = visit_as(super_admin, "phone")
    page.goto(PAGE)
    expect(page.get_by_text("Never probed")).to_be_visible()
    sandbox.fault("auth@slow=2", on="models")

    page.get_by_role("button", name="Probe Sandbox account now").dblclick(delay=150)
    expect(message(page, "The provider refused the API key.")).to_be_visible()
    settle(page)

    assert sandbox.hits()["model_lists"] == {"openai": 1}
    assert page.url.endswith(PAGE)
    expect(page.get_by_text("The vendor refused the key. Enter a new one.")).to_be_visible()
    assert ProviderProbe.objects.get().error_kind == "auth"
