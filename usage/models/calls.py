"""The account of every call."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from providers.tasks import TASKS


class Status(models.TextChoices):
    STARTED = "started", "Started"
    SUCCESS = "success", "Success"
    ERROR = "error", "Error"
    TIMEOUT = "timeout", "Timeout"
    ABORTED = "aborted", "Aborted"


class UsageSource(models.TextChoices):
    VENDOR = "vendor", "Reported by the vendor"
    ESTIMATED = "estimated", "Estimated"
    NONE = "none", "No tokens were used"


class AIProviderUsageLog(models.Model):
    """One attempt at a vendor, written before the call and settled after it.

    `attempt` counts from 1; 0 marks a call that was refused before any vendor was asked (nothing configured,
    quota exhausted). Tokens follow `providers.adapters.base.TokenUsage`. Prices are USD per million tokens as
    they were when the call was made; a null cost means that the price was not known, never that it was free.
    `model_name` is the model that was asked for, `reported_model` the one that the vendor says answered;
    `unit_prices` names the one whose price was used, or says as `unpriced` what has no price.
    `requested_tier` is the service tier that was asked for, `service_tier` what the vendor says it was.
    """

    # Found by the indexes that begin with them, below.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="usage_logs",
        db_index=False,
    )
    provider_config = models.ForeignKey(
        "providers.AIProviderConfig",
        on_delete=models.SET_NULL,
        null=True,
        related_name="usage_logs",
        db_index=False,
    )
    provider_type = models.CharField(max_length=20, blank=True)
    model_name = models.CharField(max_length=200, blank=True)
    reported_model = models.CharField(max_length=200, blank=True, default="", db_default="")
    task_type = models.CharField(max_length=50)
    plan = models.CharField(max_length=50, blank=True)
    request_id = models.CharField(max_length=36)
    attempt = models.PositiveSmallIntegerField(default=1)
    prompt_version = models.CharField(max_length=50, blank=True, default="", db_default="")

    input_tokens = models.PositiveBigIntegerField(default=0)
    cached_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_1h_tokens = models.BigIntegerField(
        default=0, db_default=0, help_text="The part of what was written to the cache that is kept an hour."
    )
    output_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    total_tokens = models.PositiveBigIntegerField(default=0)
    usage_source = models.CharField(max_length=10, choices=UsageSource.choices, default=UsageSource.NONE)

    estimated_cost_usd = models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)
    unit_prices = models.JSONField(
        default=dict, blank=True, help_text="USD per million tokens by class, as used for the cost."
    )
    is_free = models.BooleanField(
        default=False, editable=False, help_text="The price in force makes these tokens cost nothing."
    )
    requested_tier = models.CharField(max_length=30, blank=True, default="", db_default="")
    service_tier = models.CharField(max_length=30, blank=True)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.STARTED)
    error_kind = models.CharField(max_length=30, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    cached = models.BooleanField(default=False)
    # The arm of an experiment that this call belongs to; experiments are made above this app.
    experiment_arm = models.BigIntegerField(null=True, blank=True, editable=False)
    # The personal access token that it was made with; the row outlives it.
    personal_token = models.BigIntegerField(null=True, blank=True, editable=False)

    reserved_tokens = models.PositiveBigIntegerField(default=0, editable=False)
    reserved_input_tokens = models.PositiveBigIntegerField(default=0, editable=False)
    # The counters this attempt moved; they outlive a deleted user or config. [scope, window] of tokens, of
    # which it holds `reserved_tokens`; [scope, window, pico-dollars] of money.
    quota_keys = models.JSONField(default=list, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    swept = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(db_index=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "ai_provider_usage_logs"
        verbose_name = "usage row"
        ordering = ["-created_at", "-id"]
        # Each is written twice with every call, so each has a reader: a request's attempts, the log and
        # figures of a user, those of a provider, the sweeper (a handful of millions is open), the rollup's
        # new rows, the refused calls whose users an alert counts, an experiment's calls.
        indexes = [
            models.Index(fields=["request_id"], name="usage_request"),
            models.Index(fields=["user", "created_at"], name="usage_user_created"),
            models.Index(fields=["provider_config", "created_at"], name="usage_config_created"),
            models.Index(fields=["expires_at"], name="usage_open_expires", condition=Q(status="started")),
            models.Index(fields=["settled_at"], name="usage_settled", condition=Q(settled_at__isnull=False)),
            models.Index(
                fields=["error_kind", "created_at"], name="usage_failed", condition=~Q(error_kind="")
            ),
            models.Index(
                fields=["experiment_arm"], name="usage_arm", condition=Q(experiment_arm__isnull=False)
            ),
            models.Index(
                fields=["personal_token", "created_at"],
                name="usage_personal_token",
                condition=Q(personal_token__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(total_tokens=F("input_tokens") + F("output_tokens")), name="usage_total_is_sum"
            ),
            models.CheckConstraint(
                condition=Q(estimated_cost_usd=None) | Q(estimated_cost_usd__gte=Decimal(0)),
                name="usage_cost_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    input_tokens__gte=F("cached_tokens") + F("cache_write_tokens"),
                    output_tokens__gte=F("reasoning_tokens"),
                ),
                name="usage_parts_within_whole",
            ),
            models.CheckConstraint(
                condition=Q(cache_write_1h_tokens__gte=0, cache_write_tokens__gte=F("cache_write_1h_tokens")),
                name="usage_hour_within_cache_writes",
            ),
            # Tokens that cost nothing need somebody to have said so: a lost price is null, never 0.
            models.CheckConstraint(
                condition=Q(estimated_cost_usd=None)
                | Q(estimated_cost_usd__gt=Decimal(0))
                | Q(total_tokens=0)
                | Q(is_free=True)
                | Q(cached=True),
                name="usage_no_silent_zero_cost",
            ),
        ]

    def __str__(self) -> str:
        task = TASKS[self.task_type].label if self.task_type in TASKS else self.task_type
        return f"{task}, {self.model_name or 'no model'}: {self.get_status_display().lower()}"
