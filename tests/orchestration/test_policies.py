"""What is set for a task, from the page to the next call."""

import pytest

from accounts.models import AuditEntry
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import PolicyInForce, current_snapshot
from providers.adapters.manner import PLAIN, Manner
from usage.models import AIProviderUsageLog

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


def test_how_models_are_asked_is_set_in_the_console_and_holds_for_the_next_call(console):
    wishes = {"reasoning_effort": "high", "service_tier": "flex", "prompt_cache": "1h"}
    assert current_snapshot().policy_of("extraction").manner is PLAIN

    assert console.post(ADD, filled_in(**wishes)).status_code == 302

    assert current_snapshot().policy_of("extraction").manner == Manner("high", "flex", "1h")
    refused = console.post(ADD, filled_in(task="cv_draft", service_tier="batch"))
    assert (refused.status_code, TaskPolicy.objects.count()) == (200, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("provider_type", "asked"), [("openai", "flex"), ("claude", "")])
def test_a_row_names_the_tier_that_was_asked_for_where_the_vendor_has_it(
    ask, config_at, provider_type, asked
):
    config_at(provider_type=provider_type)
    TaskPolicy.objects.create(task="extraction", service_tier="flex")

    ask("Say hello.", prompt_version="brief")

    row = AIProviderUsageLog.objects.get()
    assert (row.requested_tier, row.prompt_version) == (asked, "brief")
    # The sandbox serves everybody alike, and says so.
    assert row.service_tier in {"default", "standard"}


@pytest.mark.django_db(transaction=True)
def test_an_answer_thought_out_less_is_not_given_again_when_more_is_wished(ask, config_at):
    config_at()
    policy = TaskPolicy.objects.create(task="extraction")
    ask("Say hello.", is_repeatable=True)

    policy.reasoning_effort = "high"
    policy.save()

    assert ask("Say hello.", is_repeatable=True).cached is False
    assert ask("Say hello.", is_repeatable=True).cached is True
