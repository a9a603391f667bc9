"""Quotas beside those of a plan's own columns: for one task, or for one user."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Plan
from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import task_choices
from usage.ledger.limits import MOST_PICOS, picos


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
