"""Which tier of model a plan gets for a task."""

from django.db import models

from accounts.models import Plan
from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import task_choices


class PlanTaskTier(RoutedModel):
    """A row overrides the task's own default tier for users of a plan; editable without a release."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="task_tiers")
    task = models.CharField(max_length=50, choices=task_choices)
    tier = models.CharField(max_length=10, choices=[("fast", "Fast"), ("quality", "Quality")])

    objects = RoutedQuerySet["PlanTaskTier"].as_manager()

    class Meta:
        db_table = "plan_task_tiers"
        constraints = [
            models.UniqueConstraint(fields=["plan", "task"], name="plan_task_tiers_one_per_plan_task")
        ]

    def __str__(self) -> str:
        return f"{self.plan_id} {self.task}: {self.tier}"
