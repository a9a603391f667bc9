"""How calls for one task are spread, bounded, put, cached and voted on."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import task_choices


class Strategy(models.TextChoices):
    WEIGHTED = "weighted", "By priority, then by weight"
    LEAST_LATENCY = "least_latency", "The fastest first"
    LEAST_COST = "least_cost", "The cheapest first"


class Effort(models.TextChoices):
    LOW = "low", "Low"
    MEDIUM = "medium", "Medium"
    HIGH = "high", "High"


class ServiceTier(models.TextChoices):
    FLEX = "flex", "Flex: cheaper, slower, and refused when the vendor is busy"
    PRIORITY = "priority", "Priority: faster, and dearer"


class PromptCache(models.TextChoices):
    FIVE_MINUTES = "5m", "For five minutes"
    HOUR = "1h", "For an hour, which costs more to write"


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
    reasoning_effort = models.CharField(
        max_length=10,
        blank=True,
        default="",
        choices=Effort.choices,
        help_text="How hard models think that can; empty is as little as each takes. Thoughts are paid for.",
    )
    service_tier = models.CharField(
        max_length=10,
        blank=True,
        default="",
        choices=ServiceTier.choices,
        help_text="The vendor's queue, at a price of its own, where there is one; empty is the usual one.",
    )
    prompt_cache = models.CharField(
        max_length=2,
        blank=True,
        default="",
        choices=PromptCache.choices,
        help_text="How long vendors are asked to keep what comes again in prompts; empty asks for nothing.",
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
