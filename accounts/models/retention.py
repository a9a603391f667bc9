"""How long what tells of people is kept."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from accounts.retention.kinds import KINDS, kind_choices


class RetentionRule(models.Model):
    """What a kind of personal data is kept for; a kind without a rule is kept until its owner deletes it."""

    kind = models.CharField(max_length=30, unique=True, choices=kind_choices)
    days = models.PositiveIntegerField(help_text="What is older than so many days is forgotten, once a day.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "retention_rules"
        ordering = ["kind"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(days__gte=1, days__lte=36_500), name="retention_rules_days_in_range"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.days} days"

    def clean(self) -> None:
        super().clean()
        kind = KINDS.get(self.kind)
        if kind and self.days is not None and self.days < kind.least_days:
            message = f"Keep these for at least {kind.least_days} days: until then they are still needed."
            raise ValidationError({"days": message})
