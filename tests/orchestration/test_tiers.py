"""The plan x task matrix, from the page to the next call."""

from itertools import product

import pytest

from accounts.audit import Actor
from accounts.models import AuditEntry, Plan
from orchestration.models import PlanTaskTier
from orchestration.routing import tiers
from orchestration.routing.snapshot import current_snapshot
from orchestration.routing.tiers import TiersChanged, UnknownTier, matrix, set_matrix
from providers.tasks import TASKS
from tests.factories import make_user

pytestmark = pytest.mark.django_db

PAGE = "/admin/orchestration/plantasktier/matrix/"
ACTOR = Actor.of_command("test")


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def cells():
    return {(cell.plan, cell.task): cell.tier for _, row in matrix().rows for cell in row}


def form(**changed):
    """What the browser sends: every cell, some of them changed, by plan__task."""
    values = {cell.name: cell.tier for _, row in matrix().rows for cell in row}
    for place, tier in changed.items():
        plan, task = place.split("__")
        values[f"tier:{plan}:{task}"] = tier
    return values | {"fingerprint": matrix().fingerprint}


def test_the_matrix_has_a_cell_for_every_plan_and_task():
    plans = Plan.objects.values_list("slug", flat=True)

    assert cells().keys() == set(product(plans, TASKS))
    assert cells()["paygo", "cv_draft"] == "quality"
    assert cells()["freemium", "cv_draft"] == tiers.DEFAULT
    assert matrix().tasks == tuple(TASKS.values())
    for _, row in matrix().rows:
        assert [(cell.task, cell.default) for cell in row] == [(one.slug, one.tier) for one in matrix().tasks]


def test_it_says_how_many_cells_it_changed_and_what_the_default_was_before_and_after():
    def change(**wanted):
        tiers = {("freemium", task): tier for task, tier in wanted.items()}
        return set_matrix(tiers=tiers, read=matrix().fingerprint, actor=ACTOR)

    assert change(extraction="quality", cv_draft="fast") == 2
    assert change(extraction="quality", cv_draft="fast") == 0
    assert change(extraction="", cv_draft="fast") == 1

    latest = AuditEntry.objects.filter(action="tiers.changed").order_by("-number")[0]
    assert latest.changes == {"freemium extraction": ["quality", "default"]}
    assert (latest.actor_email, latest.target_label) == (ACTOR.email, "Plan tiers")


def test_a_changed_cell_counts_for_the_next_call(console):
    assert current_snapshot().tier_for("freemium", "extraction") == "fast"

    response = console.post(PAGE, form(freemium__extraction="quality", paygo__cv_draft=""))

    assert response.status_code == 302
    assert current_snapshot().tier_for("freemium", "extraction") == "quality"
    assert current_snapshot().tier_for("paygo", "cv_draft") == "fast"
    assert not PlanTaskTier.objects.filter(plan="paygo", task="cv_draft").exists()


def test_one_entry_in_the_audit_trail_tells_every_cell_before_and_after(console, super_admin):
    console.post(PAGE, form(freemium__extraction="quality", paygo__cv_draft="fast"))

    entry = AuditEntry.objects.get(action="tiers.changed")
    assert entry.actor == super_admin
    assert entry.changes == {
        "freemium extraction": ["default", "quality"],
        "paygo cv_draft": ["quality", "fast"],
    }


def test_saving_without_a_change_writes_nothing(console):
    console.post(PAGE, form())

    assert not AuditEntry.objects.filter(action="tiers.changed").exists()


def test_two_people_do_not_overwrite_each_other(console):
    seen = form(freemium__extraction="quality")
    set_matrix(tiers={("freemium", "cv_draft"): "quality"}, read=matrix().fingerprint, actor=ACTOR)

    response = console.post(PAGE, seen)

    assert response.status_code == 409
    assert "Somebody else changed the tiers" in response.content.decode()
    assert cells()["freemium", "extraction"] == tiers.DEFAULT
    assert cells()["freemium", "cv_draft"] == "quality"


@pytest.mark.parametrize(
    ("place", "tier"),
    [(("freemium", "extraction"), "best"), (("gold", "extraction"), "fast"), (("freemium", "poems"), "fast")],
)
def test_it_refuses_tiers_plans_and_tasks_that_do_not_exist(place, tier):
    before = cells()

    with pytest.raises(UnknownTier):
        set_matrix(tiers={place: tier}, read=matrix().fingerprint, actor=ACTOR)

    assert cells() == before


def test_a_stale_page_may_not_even_repeat_an_old_change():
    read = matrix().fingerprint
    set_matrix(tiers={("freemium", "extraction"): "quality"}, read=read, actor=ACTOR)

    with pytest.raises(TiersChanged):
        set_matrix(tiers={("freemium", "extraction"): "fast"}, read=read, actor=ACTOR)


def test_the_page_shows_each_cell_with_its_name_for_screen_readers(console):
    page = console.get(PAGE).content.decode()

    assert page.count("<select") == Plan.objects.count() * len(TASKS)
    assert 'for="tier:paygo:cv_draft"' in page


def test_the_old_list_leads_to_the_matrix(console):
    assert console.get("/admin/orchestration/plantasktier/")["Location"] == PAGE


@pytest.mark.parametrize("role", [None, "USER", "STAFF"])
def test_nobody_but_super_admins_changes_tiers(client, role):
    values = form(freemium__extraction="quality")
    if role:
        client.force_login(make_user("someone@example.com", role=role))

    response = client.post(PAGE, values)

    assert response.status_code in (302, 403)
    assert cells()["freemium", "extraction"] == tiers.DEFAULT
