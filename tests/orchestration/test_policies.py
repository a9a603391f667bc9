"""What is set for a task, from the page to the next call."""

import pytest

from accounts.models import AuditEntry
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import PolicyInForce, current_snapshot

pytestmark = pytest.mark.django_db

ADD = "/admin/orchestration/taskpolicy/add/"
LIST = "/admin/orchestration/taskpolicy/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def filled_in(**changed):
    return {
        "task": "extraction", "strategy": "least_cost", "votes": "3", "deadline_seconds": "20",
        "cache_seconds": "", "prompt_version": "",
    } | changed  # fmt: skip


def test_without_a_row_the_registry_decides(settings):
    policy = current_snapshot().policy_of("extraction")

    assert policy == PolicyInForce(
        strategy="weighted",
        is_sticky=False,
        deadline=float(settings.CALL_DEADLINE_SECONDS),
        cache_seconds=86_400,
        votes=1,
        prompt_version="standard",
    )
    assert current_snapshot().policy_of("cv_draft").cache_seconds == 0


def test_what_is_set_counts_for_the_next_call_and_stands_in_the_audit_trail(console):
    current_snapshot()

    assert console.post(ADD, filled_in()).status_code == 302

    policy = current_snapshot().policy_of("extraction")
    assert (policy.strategy, policy.votes, policy.deadline, policy.cache_seconds) == (
        "least_cost",
        3,
        20.0,
        86_400,
    )
    assert AuditEntry.objects.filter(action="taskpolicy.created").count() == 1


def test_a_task_has_one_policy_and_keeps_its_task(console):
    row = TaskPolicy.objects.create(task="extraction")

    assert 'value="extraction"' not in console.get(ADD).content.decode()
    console.post(f"{LIST}{row.pk}/change/", filled_in(task="cv_draft"))

    row.refresh_from_db()
    assert (row.task, row.strategy) == ("extraction", "least_cost")


@pytest.mark.parametrize(
    ("field", "value"),
    [("votes", "9"), ("votes", "0"), ("deadline_seconds", "0"), ("prompt_version", "none")],
)
def test_what_makes_no_sense_is_refused(console, field, value):
    page = console.post(ADD, filled_in(**{field: value}))

    assert page.status_code == 200
    assert not TaskPolicy.objects.exists()


def test_a_prompt_of_the_task_can_be_chosen(console):
    row = TaskPolicy.objects.create(task="extraction")

    console.post(f"{LIST}{row.pk}/change/", filled_in(prompt_version="brief"))

    row.refresh_from_db()
    assert row.prompt_version == "brief"
    assert "brief" in console.get(LIST).content.decode()
