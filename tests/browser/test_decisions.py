"""An arm is promoted by hand, after its figures were read: on a desktop in light, on a phone in the dark."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from orchestration.models import Experiment
from tests.browser.accessibility import grave_findings
from tests.browser.installation import furnish
from tests.browser.visitors import message, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.parametrize(("device", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_an_arm_is_promoted_after_its_figures_were_read(visit_as, device, scheme):
    admin = furnish(days=3, calls_a_day=6)
    experiment = Experiment.objects.get()
    page = visit_as(admin, device, color_scheme=scheme)

    page.goto(reverse("admin:orchestration_experiment_results", args=[experiment.pk]))
    settle(page)
    page.get_by_role("link", name="Promote Evidence").click()
    expect(page.get_by_text("The experiment ends with this winner, for good.")).to_be_visible()
    wrong = grave_findings(page)
    page.get_by_role("button", name="Promote").click()
    expect(message(page, "is in force for everybody")).to_be_visible()

    experiment.refresh_from_db()
    assert (experiment.winner.name, wrong) == ("Evidence", [])
