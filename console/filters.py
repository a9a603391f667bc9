"""Filters of the usage log. Their choices come from what Aditus knows, never from a walk over every row."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter, TextFilter
from unfold.utils import parse_date_str

from accounts.models import Plan, User
from providers.errors import FORMER_KINDS, ErrorKind
from providers.models import AIProviderConfig
from providers.registry import provider_choices
from providers.tasks import task_choices
from usage.models import AIProviderUsageLog, Status, UsageRollup
from usage.stats import reach
from usage.stats.dimensions import ALL_PROVIDERS, Dimension

_RECENT = timedelta(days=90)
# Rollups have whole hours, a little after their end.
_NOT_COUNTED_YET = timedelta(hours=2)


class _ColumnFilter(DropdownFilter):
    """A dropdown over one column; `parameter_name` is the lookup. `dimension` is what the rollups of the
    column are called."""

    dimension: Dimension | None = None

    def key(self, value: str) -> Q:
        """The rollups' cells of a value."""
        return Q(key=value)

    def has_output(self) -> bool:
        # A filter without choices would be dropped, and a link that asks for it would show everything.
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[AIProviderUsageLog]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        if self.dimension is not None and (oldest := reach.oldest(self.dimension, self.key(str(value)))):
            queryset = queryset.filter(created_at__gte=oldest)
        return queryset.filter(**{str(self.parameter_name): value})


class DayRangeFilter(RangeDateFilter):
    """From one day (UTC) to another, both included. unfold's own compares naive moments, and loses the last
    day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for suffix, lookup, days in (("_from", "gte", 0), ("_to", "lt", 1)):
            asked = self.used_parameters.get(f"{self.parameter_name}{suffix}")
            if asked and (day := parse_date_str(str(asked))):
                moment = datetime.combine(day, time.min, tzinfo=UTC) + timedelta(days=days)
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": moment})
        return queryset


class VendorFilter(_ColumnFilter):
    title = "vendor"
    parameter_name = "provider_type"
    dimension = Dimension.MODEL

    def key(self, value: str) -> Q:
        return Q(key__startswith=f"{value}/")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return provider_choices()


class StatusFilter(_ColumnFilter):
    title = "status"
    # As Django's own filter of a column with choices has it, for links that were kept.
    parameter_name = "status__exact"
    dimension = Dimension.STATUS
    # A row is told apart as this where it is; see `Dimension`.
    _ALSO = {Status.SUCCESS.value: "cached", Status.ERROR.value: "refused"}

    def key(self, value: str) -> Q:
        return Q(key__in=[value, self._ALSO.get(value, value)])

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Status.choices]


class ProviderFilter(_ColumnFilter):
    title = "provider"
    # The name the providers console links by.
    parameter_name = "provider_config__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (str(config.pk), str(config)) for config in AIProviderConfig.objects.defer("api_key_encrypted")
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AIProviderUsageLog]) -> QuerySet[Any]:
        value = str(self.value() or "")
        return queryset.filter(provider_config_id=int(value)) if value.isdecimal() else queryset


class ModelFilter(_ColumnFilter):
    """Models that are configured or were called within 90 days."""

    title = "model"
    parameter_name = "model_name"
    dimension = Dimension.MODEL

    def key(self, value: str) -> Q:
        return Q(key__endswith=f"/{value}")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        called = UsageRollup.objects.filter(
            dimension=Dimension.MODEL.value,
            span="day",
            start__gte=timezone.now() - _RECENT,
            provider=ALL_PROVIDERS,
        ).values_list("key", flat=True)
        names = {key.partition("/")[2] for key in called.distinct()}
        for pair in AIProviderConfig.objects.values_list("model_name", "quality_model_name"):
            names.update(pair)
        return [(name, name) for name in sorted(names) if name]


class TaskTypeFilter(_ColumnFilter):
    title = "task"
    parameter_name = "task_type"
    dimension = Dimension.TASK

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return task_choices()


class PlanFilter(_ColumnFilter):
    title = "plan"
    parameter_name = "plan"
    dimension = Dimension.PLAN

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Plan.objects.values_list("slug", "name"))


class ErrorKindFilter(_ColumnFilter):
    """What vendors report, and what calls were refused for or ended by within 90 days."""

    title = "error kind"
    parameter_name = "error_kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        now = timezone.now()
        kinds = {kind.value for kind in ErrorKind} | FORMER_KINDS.keys()
        counted = UsageRollup.objects.filter(
            dimension=Dimension.ERROR.value,
            span__in=["hour", "day"],
            start__gte=now - _RECENT,
            provider=ALL_PROVIDERS,
        )
        kinds.update(counted.values_list("key", flat=True).distinct())
        fresh = AIProviderUsageLog.objects.filter(created_at__gte=now - _NOT_COUNTED_YET)
        kinds.update(fresh.exclude(error_kind="").order_by().values_list("error_kind", flat=True).distinct())
        return [(kind, kind.replace("_", " ")) for kind in sorted(kinds) if kind]


class UserFilter(TextFilter):
    title = "user's email"
    parameter_name = "email"

    def queryset(self, request: HttpRequest, queryset: QuerySet[AIProviderUsageLog]) -> QuerySet[Any]:
        value = str(self.value() or "").strip().lower()
        if not value:
            return queryset
        return queryset.filter(
            user_id__in=list(User.objects.filter(email=value).values_list("pk", flat=True))
        )
