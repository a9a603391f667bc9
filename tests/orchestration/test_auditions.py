"""A question put to chosen models: each by itself, counted and marked."""

import pytest
from asgiref.sync import async_to_sync

from accounts.models import Plan, Subscription
from orchestration.calls.auditions import TRY_IT, NotTryable, Subject, audition
from orchestration.models import TaskPolicy
from providers.adapters.schemas import AnyObject
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)


def tried(user, *configs, **more):
    subjects = [Subject(config.pk, config.model_name) for config in configs]
    return async_to_sync(audition)(user=user, task="chat", subjects=subjects, prompt="Hello", **more)


def test_each_model_answers_for_itself_and_counts_like_any_call(user, config_at):
    first, second = config_at("sandbox-mini"), config_at("sandbox-large")

    auditions = tried(user, first, second)

    rows = AIProviderUsageLog.objects.order_by("pk")
    assert [held.result.provider_config_id for held in auditions] == [first.pk, second.pk]
    assert [held.result.model_name for held in auditions] == ["sandbox-mini", "sandbox-large"]
    assert {row.prompt_version for row in rows} == {TRY_IT}
    assert len({row.request_id for row in rows}) == 2
    used = QuotaCounter.objects.get(scope=f"user:{user.pk}", window__startswith="day").used
    assert used == sum(row.total_tokens for row in rows) > 0


def test_no_other_provider_stands_in_for_one_that_fails(user, config_at):
    broken, other = config_at("sandbox-mini@auth"), config_at("sandbox-mini")

    (held,) = tried(user, broken)

    assert held.result is None
    assert held.error.status == 502
    assert {row.provider_config_id for row in held.attempts} == {broken.pk}
    assert not AIProviderUsageLog.objects.filter(provider_config=other).exists()


def test_a_task_that_is_voted_on_is_not_voted_on(user, config_at):
    TaskPolicy.objects.create(task="chat", votes=2)
    first, _ = config_at("sandbox-mini"), config_at("sandbox-large")

    (held,) = tried(user, first, form=AnyObject)

    assert held.result.provider_config_id == first.pk
    assert AIProviderUsageLog.objects.count() == 1


def test_a_quota_that_is_used_up_is_what_came_of_it(user, config_at):
    plan = Plan.objects.create(slug="tiny", name="Tiny", daily_token_limit=1)
    Subscription.objects.update_or_create(user=user, defaults={"plan": plan})

    (held,) = tried(user, config_at("sandbox-mini"))

    assert held.error.code == "quota_exceeded"


@pytest.mark.parametrize("change", [{"is_active": False}, {"model_name": "another"}])
def test_what_is_not_in_service_is_not_tried(user, config_at, change):
    config = config_at("sandbox-mini")
    type(config).objects.filter(pk=config.pk).update(**change)

    with pytest.raises(NotTryable):
        tried(user, config)

    assert not AIProviderUsageLog.objects.exists()
