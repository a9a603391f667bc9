"""How calls for one task are spread, bounded, cached and voted on."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import task_choices


class Strategy(models.TextChoices):
    WEIGHTED = "weighted", "By priority, then by weight"
    LEAST_LATENCY = "least_latency", "The fastest first"
    LEAST_COST = "least_cost", "The cheapest first"


class TaskPolicy(RoutedModel):
    """A row overrides what the task's registry entry says; empty fields leave it as it is there."""

    task = models.CharField(max_length=50, unique=True, choices=task_choices)
    strategy = models.CharField(max_length=20, choices=Strategy.choices, default=Strategy.WEIGHTED)
    is_sticky = models.BooleanField(
        default=False,
        verbose_name="sticky",
        help_text="A user keeps the same provider among those of equal rank.",
    )
    deadline_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="Seconds for a whole call, waiting and every attempt included.",
    )
    cache_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(30 * 86_400)],
        help_text="How long a reply may be given again to the same user for the same question; 0 is never.",
    )
    votes = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text="How many models answer a structured question; each answer is paid for.",
    )
    prompt_version = models.CharField(
        max_length=50, blank=True, help_text="One of the task's prompts; empty uses the first."
    )
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoutedQuerySet["TaskPolicy"].as_manager()

    class Meta:
        db_table = "task_policies"
        verbose_name_plural = "task policies"
        ordering = ["task"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(votes__gte=1, votes__lte=5), name="task_policies_votes_in_range"
            )
        ]

    def __str__(self) -> str:
        return self.get_task_display()
