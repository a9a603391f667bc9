"""What a super-admin is told to look at, what became of it, and by which figures it is judged."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from providers.models import AIProviderConfig


class Severity(models.TextChoices):
    CRITICAL = "critical", "Critical"
    WARNING = "warning", "Warning"
    INFO = "info", "Info"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


class AlertState(models.TextChoices):
    # Its condition has not held long enough to be told.
    WAITING = "waiting", "Waiting"
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    RESOLVED = "resolved", "Resolved"


STANDING = (AlertState.OPEN, AlertState.ACKNOWLEDGED)


class Alert(models.Model):
    """One thing that may be wrong: a kind, and what it is wrong with. The row is taken again each time it is;
    `episode` counts the times, and its events tell them apart."""

    kind = models.CharField(max_length=40)
    subject = models.CharField(
        max_length=250, help_text="What it is about, for programs; empty: the whole house."
    )
    group = models.CharField(max_length=20)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    message = models.TextField()
    figures = models.JSONField(default=dict)
    # The alert of a deleted provider keeps the number.
    provider_config_id = models.BigIntegerField(null=True)
    provider_type = models.CharField(max_length=20, blank=True)
    model_name = models.CharField(max_length=200, blank=True)

    state = models.CharField(max_length=12, choices=AlertState.choices, default=AlertState.WAITING)
    episode = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(help_text="When its condition began to hold.")
    seen_at = models.DateTimeField(help_text="When its condition last held.")
    clear_since = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    muted_until = models.DateTimeField(null=True)
    # Resolved by a person: it opens again when its condition comes back, not because it never went.
    is_settled_by_hand = models.BooleanField(default=False)

    class Meta:
        db_table = "alerts"
        ordering = ["-opened_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="alerts_one_per_subject")]

    def __str__(self) -> str:
        return self.message[:120]

    @property
    def is_standing(self) -> bool:
        return self.state in STANDING

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now


class AlertEvent(models.Model):
    """Something that became of an alert: who or what did it, and what the alert said then."""

    class What(models.TextChoices):
        OPENED = "opened", "Opened"
        WORSENED = "worsened", "Became worse"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        MUTED = "muted", "Muted"
        UNMUTED = "unmuted", "Heard again"
        RESOLVED = "resolved", "Resolved"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="events")
    what = models.CharField(max_length=12, choices=What.choices)
    episode = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=254, help_text="An email, or system.")
    note = models.CharField(max_length=300, blank=True)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    message = models.TextField()

    class Meta:
        db_table = "alert_events"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.message[:80]}"


class AlertRun(models.Model):
    """The one row that says when alerts were last judged, and that judging waits for; when a round last came
    to its end, which sends too, as a page that judges does not; and what the latest walk over the audit trail
    found, which takes too long for every minute."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    state_judged_at = models.DateTimeField(null=True)
    figures_judged_at = models.DateTimeField(null=True)
    round_at = models.DateTimeField(null=True)
    audit_verified_at = models.DateTimeField(null=True)
    audit_broken_at = models.BigIntegerField(null=True)
    audit_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "alert_run"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="alert_run_single_row")]

    def __str__(self) -> str:
        return f"judged at {self.figures_judged_at}"


class AlertThresholds(models.Model):
    """By which figures a provider's alerts are judged. Empty fields take what holds for all providers, and
    that, where it is empty, the built-in value."""

    provider_config = models.OneToOneField(
        AIProviderConfig,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_thresholds",
        verbose_name="provider",
        help_text="Empty: all providers that have none of their own.",
    )
    error_rate_percent = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.1), MaxValueValidator(99)]
    )
    p95_latency_ms = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    fewest_calls = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="With fewer nothing is judged."
    )
    cost_factor = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1.1), MaxValueValidator(1000)],
        help_text="How many times the usual cost of the hour is too much.",
    )
    cost_floor_usd = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="An hour that costs less is no concern.",
    )

    class Meta:
        db_table = "alert_thresholds"
        verbose_name = "alert threshold"

    def __str__(self) -> str:
        return str(self.provider_config) if self.provider_config else "All providers"

    def clean(self) -> None:
        super().clean()
        others = AlertThresholds.objects.filter(provider_config=None).exclude(pk=self.pk)
        if self.provider_config_id is None and others.exists():
            raise ValidationError({"provider_config": "There is a row for all providers already."})
