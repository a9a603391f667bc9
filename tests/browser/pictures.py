"""The pictures of docs/images, which `python -m tests.browser.screenshots` takes; the figures are invented.

Not a test_ file: pictures are taken when somebody wants them, not whenever the suite runs.
"""

import os
from pathlib import Path

import pytest
from django.urls import reverse

from orchestration.models import Experiment
from providers.models import AIProviderConfig
from tests.browser.installation import furnish
from tests.browser.visitors import PASSWORD, log_in, settle
from tests.factories import make_user
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

IMAGES = Path(os.environ.get("SCREENSHOTS", Path(__file__).parents[2] / "docs" / "images"))
MOST_BYTES = 300_000
PROVIDERS = reverse("admin:providers_aiproviderconfig_changelist")


# In CSS pixels; a page whose charts begin below the fold is pictured in a taller window.
HEIGHT, TALL = 900, 1500


def take(page, name, *, height=HEIGHT):
    page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    settle(page)
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled", scale="css")
    assert path.stat().st_size < MOST_BYTES, f"{path.name} is too large for the repository"


def test_it_pictures_the_console(visit_as):
    admin = furnish(calls_a_day=240)
    config = AIProviderConfig.objects.get(is_default=True)
    row = AIProviderUsageLog.objects.filter(status="success").first()
    experiment = Experiment.objects.get()
    pages = [
        ("console", PROVIDERS, 1000),
        ("dashboard", reverse("admin:index"), TALL),
        ("statistics", reverse("admin:usage_statistics"), TALL),
        ("provider-form", reverse("admin:providers_aiproviderconfig_change", args=[config.pk]), TALL),
        ("provider-delete", reverse("admin:providers_aiproviderconfig_delete", args=[config.pk]), HEIGHT),
        ("api-keys", reverse("api_keys"), HEIGHT),
        ("usage-log", reverse("admin:usage_aiproviderusagelog_changelist"), HEIGHT),
        ("usage-row", reverse("admin:usage_aiproviderusagelog_change", args=[row.pk]), TALL),
        ("tiers", reverse("admin:orchestration_tiers"), HEIGHT),
        ("health", reverse("admin:orchestration_health"), HEIGHT),
        ("experiment", reverse("admin:orchestration_experiment_results", args=[experiment.pk]), TALL),
        ("task-policies", reverse("admin:orchestration_taskpolicy_changelist"), HEIGHT),
        ("capabilities", reverse("admin:providers_modelcapability_changelist"), HEIGHT),
        ("quota-rules", reverse("admin:usage_quotarule_changelist"), HEIGHT),
        ("alerts", reverse("admin:usage_alerts"), HEIGHT),
        ("users", reverse("admin:accounts_user_changelist"), HEIGHT),
        ("audit-trail", reverse("admin:accounts_auditentry_changelist"), HEIGHT),
        ("security", reverse("admin:security"), HEIGHT),
    ]
    page = visit_as(admin)

    for name, address, height in pages:
        page.goto(address)
        take(page, name, height=height)

    page = visit_as(admin, color_scheme="dark")
    page.goto(reverse("admin:index"))
    take(page, "dashboard-dark", height=TALL)
    page = visit_as(admin, "phone")
    page.goto(PROVIDERS)
    take(page, "console-phone")


def test_it_pictures_the_way_in(visit):
    admin = make_user("ada@aditus.example", role="SUPER_ADMIN", password=PASSWORD)
    page = visit()

    log_in(page, admin.email)
    take(page, "second-factor")
