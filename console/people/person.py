"""What a person's page shows beside the form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts import tokens
from accounts.models import NoDefaultPlan, PersonalToken, User, plan_until
from orchestration.experiments.assignment import assigned_arm, running_experiments
from orchestration.models import Experiment, ExperimentArm
from providers.tasks import task_type
from usage.ledger.limits import in_words
from usage.models import AIProviderUsageLog
from usage.stats import Figures, quota_status
from usage.stats.own import own_usage
from usage.stats.quotas import QuotaStatus

DAYS = 30
MOST_REQUESTS = 10
MOST_TOKENS = 50


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One quota in words; `percent` is what is taken of its limit, None without one."""

    title: str
    taken: str
    limit: str
    percent: float | None
    tone: str
    resets_at: datetime

    @classmethod
    def of(cls, status: QuotaStatus) -> QuotaLine:
        quota = status.quota
        title = "Today" if quota.period == "day" else "This month"
        task = f", {task_type(quota.task).label}" if quota.task else ""
        percent = 100 * status.taken / status.limit if status.limit else None
        if status.limit == 0:
            percent = 100.0
        return cls(
            title=f"{title}{task}",
            taken=in_words(quota.unit, status.taken),
            limit="no limit" if status.limit is None else in_words(quota.unit, status.limit),
            percent=percent,
            tone="bad" if (percent or 0) >= 100 else "warning" if status.warning else "good",
            resets_at=quota.resets_at,
        )


@dataclass(frozen=True, slots=True)
class PersonPage:
    """`plan_name` is empty where nobody has a plan. `spend` are the figures of the last DAYS days."""

    plan_name: str
    plan_ends_at: datetime | None
    quotas: list[QuotaLine]
    today: Figures
    month: Figures
    spend: Figures
    requests: list[AIProviderUsageLog]
    logins: list[tokens.Login]
    tokens: list[tuple[PersonalToken, str]]
    experiments: list[tuple[Experiment, ExperimentArm]]


def person_page(*, user: User, now: datetime) -> PersonPage:
    """Everything about one person, by a fixed number of queries."""
    quotas: list[QuotaLine] = []
    plan_name, ends_at = "", None
    try:
        plan, ends_at = plan_until(user.pk)
    except NoDefaultPlan:
        pass
    else:
        plan_name = plan.name
        quotas = [QuotaLine.of(status) for status in quota_status(user=user, plan=plan, now=now)]
    usage = own_usage(user=user, days=DAYS, now=now)
    calls = AIProviderUsageLog.objects.filter(user=user).select_related("provider_config")
    return PersonPage(
        plan_name=plan_name,
        plan_ends_at=ends_at,
        quotas=quotas,
        today=usage.today,
        month=usage.month,
        spend=sum(usage.days.values(), Figures()),
        requests=list(calls.defer("provider_config__api_key_encrypted")[:MOST_REQUESTS]),
        logins=tokens.logins_of(user, now=now),
        tokens=[(token, token.state_at(now)) for token in user.personal_tokens.all()[:MOST_TOKENS]],
        experiments=_experiments(user),
    )


def _experiments(user: User) -> list[tuple[Experiment, ExperimentArm]]:
    """The running ones, with the arm that the person is in."""
    chosen = [arm.id for one in running_experiments().values() if (arm := assigned_arm(one, user.pk))]
    arms = ExperimentArm.objects.filter(pk__in=chosen).select_related("experiment")
    return [(arm.experiment, arm) for arm in arms]
