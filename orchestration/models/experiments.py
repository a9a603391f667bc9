"""Which of several ways to answer a task serves users best."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from providers.models import AIProviderConfig
from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import task_choices


class Experiment(RoutedModel):
    """Shares the users of a task among its arms while it runs. At most one runs per task."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        ENDED = "ended", "Ended"

    name = models.CharField(max_length=100)
    task = models.CharField(max_length=50, choices=task_choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    winner = models.ForeignKey(
        "ExperimentArm", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RoutedQuerySet["Experiment"].as_manager()

    class Meta:
        db_table = "experiments"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(status="running"), name="experiments_one_running_per_task"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentArm(RoutedModel):
    """One way of answering. What is left empty is as it would be without the experiment."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(max_length=50)
    weight = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    provider_config = models.ForeignKey(
        AIProviderConfig, on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        verbose_name="provider",
    )  # fmt: skip
    model_name = models.CharField(
        max_length=200, blank=True, help_text="A model of the provider; empty uses the one for the tier."
    )
    prompt_version = models.CharField(
        max_length=50, blank=True, help_text="One of the task's prompts; empty uses the one in force."
    )

    objects = RoutedQuerySet["ExperimentArm"].as_manager()

    class Meta:
        db_table = "experiment_arms"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "name"], name="experiment_arms_one_per_name"),
            models.CheckConstraint(condition=Q(weight__gte=1), name="experiment_arms_weight_positive"),
            models.CheckConstraint(
                condition=Q(model_name="") | Q(provider_config__isnull=False),
                name="experiment_arms_model_of_a_provider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.experiment}: {self.name}"


class CallFeedback(models.Model):
    """What a user thought of one answer: 1 (useless) to 5 (perfect). The last word counts.

    A client may choose its request ids, so only together with the user do they name one request.
    """

    request_id = models.CharField(max_length=36)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    rating = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(5)])
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "call_feedback"
        verbose_name_plural = "call feedback"
        constraints = [
            models.UniqueConstraint(fields=["request_id", "user"], name="call_feedback_one_per_user"),
            models.CheckConstraint(condition=Q(rating__gte=1, rating__lte=5), name="call_feedback_rating"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.rating}"
