"""Quotas beside those of a plan's own columns: for one task, or for one user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.calendars import Period
from accounts.models import Plan
from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import task_choices
from usage.ledger.limits import MOST_PICOS, Unit, picos


class QuotaRule(RoutedModel):
    """A limit of tokens or USD by day or month, for the users of a plan or for one user, for one task or for
    all together. Of rules for the same task, unit and period, the user's own stands before the plan's; what a
    plan allows over all tasks is in the plan's own columns, which a user's rule stands before.
    """

    plan = models.ForeignKey(
        Plan,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="quota_rules",
        help_text="For each user of this plan by themselves. Leave empty for a rule of one user.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="quota_rules",
        help_text="For this user alone; stands before what the plan says.",
    )
    task = models.CharField(
        max_length=50,
        blank=True,
        choices=task_choices,
        help_text="Empty: all tasks together. What a plan allows over all tasks is set on the plan itself.",
    )
    unit = models.CharField(
        max_length=6,
        choices=[("tokens", "Tokens"), ("usd", "USD")],
        help_text="While a limit in USD is in force, models whose price is not known are not used.",
    )
    period = models.CharField(
        max_length=5,
        choices=[("day", "Day"), ("month", "Month")],
        help_text="Calendar days and months in the user's time zone.",
    )
    limit = models.DecimalField(
        max_digits=20,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Tokens, or USD. 0 allows nothing; empty lifts the limit that would hold otherwise.",
    )
    note = models.CharField(max_length=200, blank=True, help_text="Why, for whoever reads this next.")
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoutedQuerySet["QuotaRule"].as_manager()

    class Meta:
        db_table = "quota_rules"
        verbose_name = "quota rule"
        ordering = ["plan", "user", "task", "unit", "period"]
        constraints = [
            models.CheckConstraint(
                condition=Q(plan__isnull=True, user__isnull=False)
                | (Q(plan__isnull=False, user__isnull=True) & ~Q(task="")),
                name="quota_rules_one_subject",
                violation_error_message="A rule is for one user, or for one task of a plan.",
            ),
            models.UniqueConstraint(
                fields=["plan", "task", "unit", "period"],
                condition=Q(plan__isnull=False),
                name="quota_rules_one_per_plan",
                violation_error_message="This plan has a rule for this task, unit and period already.",
            ),
            models.UniqueConstraint(
                fields=["user", "task", "unit", "period"],
                condition=Q(user__isnull=False),
                name="quota_rules_one_per_user",
                violation_error_message="This user has a rule for this task, unit and period already.",
            ),
            models.CheckConstraint(
                condition=Q(limit=None) | Q(limit__gte=Decimal(0)), name="quota_rules_limit_not_negative"
            ),
        ]

    def __str__(self) -> str:
        whose = str(self.plan or self.user)
        task = self.get_task_display() if self.task else "all tasks"
        return f"{whose}: {task}, {self.get_unit_display()} a {self.period}"

    def clean(self) -> None:
        super().clean()
        if (self.plan_id is None) == (self.user_id is None):
            raise ValidationError("Choose either a plan or a user.")
        if self.plan_id is not None and not self.task:
            raise ValidationError({"task": "What a plan allows over all tasks is set on the plan itself."})
        if self.unit == "tokens" and self.limit is not None and self.limit != self.limit.to_integral_value():
            raise ValidationError({"limit": "Tokens are whole."})

    @property
    def amount(self) -> int | None:
        """The limit in a counter's unit: tokens or pico-dollars."""
        if self.limit is None:
            return None
        return min(picos(self.limit), MOST_PICOS) if self.unit == "usd" else int(self.limit)


# (a plan's slug or a user's id, task, unit, period) -> limit in tokens or pico-dollars, None for no limit.
Limits = Mapping[tuple[Any, str, str, str], int | None]


class Capped(Protocol):
    """A plan, a provider, or a snapshot of one. Limits in tokens and in USD; None is none."""

    @property
    def daily_token_limit(self) -> int | None: ...
    @property
    def monthly_token_limit(self) -> int | None: ...
    @property
    def daily_cost_limit_usd(self) -> Decimal | None: ...
    @property
    def monthly_cost_limit_usd(self) -> Decimal | None: ...


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The rules, frozen and looked up without a query; part of what a process keeps per routing revision."""

    of_plans: Limits = field(default_factory=dict)
    of_users: Limits = field(default_factory=dict)

    @classmethod
    def load(cls, *, user_ids: list[int] | None = None) -> RuleBook:
        """Every rule, or those of all plans and of these users (one query)."""
        rules = QuotaRule.objects.all()
        if user_ids is not None:
            rules = rules.filter(Q(user=None) | Q(user__in=user_ids))
        of_plans, of_users = {}, {}
        for rule in rules.order_by():
            key = (rule.task, rule.unit, rule.period)
            if rule.user_id is not None:
                of_users[rule.user_id, *key] = rule.amount
            else:
                of_plans[rule.plan_id, *key] = rule.amount
        return cls(of_plans, of_users)

    def over_all_tasks(self, *, user_id: int, plan: Capped, unit: Unit, period: Period) -> int | None:
        """The user's limit for everything together, in the unit of its counter; None is no limit."""
        own = (user_id, "", unit, period)
        return self.of_users[own] if own in self.of_users else cap_of(plan, unit, period)

    def within_task(self, *, user_id: int, plan: Plan, task: str, unit: Unit, period: Period) -> int | None:
        """The user's limit for one task; None is no limit of its own."""
        own = (user_id, task, unit, period)
        if own in self.of_users:
            return self.of_users[own]
        return self.of_plans.get((plan.pk, task, unit, period))

    def tasks_limited_for(self, *, user_id: int, plan: Plan) -> set[str]:
        """The tasks for which the user may have limits of their own."""
        of_plan = {task for slug, task, _, _ in self.of_plans if slug == plan.pk}
        return of_plan | {task for owner, task, _, _ in self.of_users if owner == user_id and task}


NO_RULES = RuleBook()


def cap_of(holder: Capped, unit: Unit, period: Period) -> int | None:
    """A limit from the columns of a plan or a provider, in the unit of its counter."""
    if unit == "tokens":
        return holder.daily_token_limit if period == "day" else holder.monthly_token_limit
    usd = holder.daily_cost_limit_usd if period == "day" else holder.monthly_cost_limit_usd
    return None if usd is None else min(picos(Decimal(usd)), MOST_PICOS)
