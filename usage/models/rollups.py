"""Sums over the usage rows, kept beside them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class UsageRollup(models.Model):
    """Sums over the settled usage rows of one hour or day (UTC), so that nobody adds up a million rows to
    look at a month. Made by `usage.stats.rollup`, always equal to the rows, but that it keeps the
    number of a user or provider that was deleted since; may be deleted and made again.

    One row per span, start, `dimension` and `key`; `provider` is a config's id, or one of the stand-ins in
    `usage.stats.cells`. The sums are those of `usage.stats.figures.Figures`; `latencies` maps a latency class
    to a number of calls.
    """

    span = models.CharField(max_length=4)
    start = models.DateTimeField()
    dimension = models.CharField(max_length=20)
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


class PersonRollup(models.Model):
    """What one person did on one day (UTC), by hour and task, kept beside `UsageRollup` and as exact. `hours`
    maps "hour/task" to the sums of `usage.stats.figures.Figures` in the order of their names; answers from
    the cache are left out. Goes with the person."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    start = models.DateTimeField(db_index=True)
    hours = models.JSONField()

    class Meta:
        db_table = "usage_person_rollups"
        constraints = [
            models.UniqueConstraint(fields=["user", "start"], name="usage_person_rollups_one_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d} user {self.user_id}"


class RollupState(models.Model):
    """The one row that says how far the rollups go: whole hours before `until` (null: none), as the usage
    rows stood at `as_of`, when `last_row` was the newest id. `shape` is that of `usage.stats.rollup` by which
    they were made. Rows before `pruned_before` may be deleted: their rollups are never made again. Of days
    before `nobody_before` a rule forgets for whom calls were made, of rows and rollups alike.
    `pruning_held_up_by` is why the latest pruning of rows did not come as far as it was asked to; `pruner` is
    the run that prunes until `pruner_until` at least (`usage.pruning_lease`)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField(null=True)
    as_of = models.DateTimeField(null=True)
    last_row = models.BigIntegerField(default=0)
    shape = models.PositiveSmallIntegerField(default=0, db_default=0)
    pruned_before = models.DateTimeField(null=True)
    nobody_before = models.DateTimeField(null=True)
    pruning_held_up_by = models.CharField(max_length=300, blank=True, db_default="")
    pruner = models.CharField(max_length=32, blank=True, default="", db_default="")
    pruner_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "usage_rollup_state"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="usage_rollup_state_single_row")]

    def __str__(self) -> str:
        return f"until {self.until}"
