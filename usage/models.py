"""The account of every call, and the counters that quotas are held by."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from usage.model_prices import ModelPrice
from usage.quota_rules import QuotaRule

__all__ = [
    "AIProviderUsageLog",
    "ModelPrice",
    "QuotaCounter",
    "QuotaRule",
    "RollupState",
    "Status",
    "UsageRollup",
    "UsageSource",
    "WorkRollup",
]


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
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="usage_logs"
    )
    provider_config = models.ForeignKey(
        "providers.AIProviderConfig", on_delete=models.SET_NULL, null=True, related_name="usage_logs"
    )
    provider_type = models.CharField(max_length=20, blank=True)
    model_name = models.CharField(max_length=200, blank=True)
    reported_model = models.CharField(max_length=200, blank=True, default="", db_default="")
    task_type = models.CharField(max_length=50)
    plan = models.CharField(max_length=50, blank=True)
    request_id = models.CharField(max_length=36, db_index=True)
    attempt = models.PositiveSmallIntegerField(default=1)

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
        # Each is written with every call, so each has a reader: the log and figures of a user, those of a
        # provider, the sweeper (a handful of millions is open), the rollup's new rows, the refused calls
        # whose users an alert counts, an experiment's calls.
        indexes = [
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
        return f"{self.task_type} {self.provider_type} {self.model_name} {self.status}"


class QuotaCounter(models.Model):
    """What one scope took in one window ("day:2026-11-21", "month:2026-11"): tokens ("user:7", "provider:3",
    "task:7:extraction", "access_token:5"), or pico-dollars ("user-usd:7" and so on; 10^12 are one USD).

    `reserved` belongs to calls in flight, `used` to settled ones. A new window is a new row, so a reset is
    nothing that runs: it cannot be missed, run twice or overwrite spending.
    """

    scope = models.CharField(max_length=100)
    window = models.CharField(max_length=20)
    used = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)

    class Meta:
        db_table = "quota_counters"
        constraints = [
            models.UniqueConstraint(fields=["scope", "window"], name="quota_counters_scope_window"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="quota_counters_reserved_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.window}"


class UsageRollup(models.Model):
    """Sums over the settled usage rows of one hour or day (UTC), so that nobody adds up a million rows to
    look at a month. Made by `usage.stats.rollup`, always equal to the rows; may be deleted and made again.

    One row per span, start, `dimension` and `key`; `provider` is a config's id, or one of the stand-ins in
    `usage.stats.cells`. The sums are those of `usage.stats.figures.Figures`; `latencies` maps a latency class
    to a number of calls.
    """

    span = models.CharField(max_length=4)
    start = models.DateTimeField()
    dimension = models.CharField(max_length=5)
    provider = models.BigIntegerField()
    key = models.CharField(max_length=250)

    calls = models.BigIntegerField()
    successes = models.BigIntegerField()
    errors = models.BigIntegerField()
    timeouts = models.BigIntegerField()
    aborted = models.BigIntegerField()
    refusals = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    reasoning_tokens = models.BigIntegerField()
    total_tokens = models.BigIntegerField()
    cost_picos = models.BigIntegerField(help_text="USD x 10^12.")
    unpriced_calls = models.BigIntegerField()
    latency_sum_ms = models.BigIntegerField()
    latency_calls = models.BigIntegerField()
    latencies = models.JSONField(default=dict)

    class Meta:
        db_table = "usage_rollups"
        constraints = [
            models.UniqueConstraint(
                fields=["dimension", "span", "start", "provider", "key"], name="usage_rollups_one_per_cell"
            )
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.start:%Y-%m-%d %H:%M} {self.dimension} {self.key}"


class WorkRollup(models.Model):
    """What one model did for one task within one hour or day (UTC); kept beside `UsageRollup` and as exact.
    The columns are those of `usage.stats.work.Work`."""

    span = models.CharField(max_length=4)
    start = models.DateTimeField()
    provider_type = models.CharField(max_length=20)
    model_name = models.CharField(max_length=200)
    task_type = models.CharField(max_length=50)

    calls = models.BigIntegerField()
    input_tokens = models.BigIntegerField()
    cached_tokens = models.BigIntegerField()
    cache_write_tokens = models.BigIntegerField()
    cache_write_1h_tokens = models.BigIntegerField(default=0, db_default=0)
    output_tokens = models.BigIntegerField()
    cost_picos = models.BigIntegerField(help_text="USD x 10^12.")
    largest_input_tokens = models.BigIntegerField()
    largest_output_tokens = models.BigIntegerField()

    class Meta:
        db_table = "usage_work_rollups"
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "provider_type", "model_name", "task_type"],
                name="usage_work_rollups_one_per_cell",
            )
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.start:%Y-%m-%d %H:%M} {self.model_name} {self.task_type}"


class RollupState(models.Model):
    """The one row that says how far the rollups go: whole hours before `until` (null: none), as the usage
    rows stood at `as_of`, when `last_row` was the newest id."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField(null=True)
    as_of = models.DateTimeField(null=True)
    last_row = models.BigIntegerField(default=0)

    class Meta:
        db_table = "usage_rollup_state"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="usage_rollup_state_single_row")]

    def __str__(self) -> str:
        return f"until {self.until}"
