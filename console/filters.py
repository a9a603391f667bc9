"""Filters of the usage log. Their choices come from what Aditus knows, never from a walk over every row."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter, TextFilter
from unfold.utils import parse_date_str

from accounts.models import Plan, User
from providers.errors import FORMER_KINDS, ErrorKind
from providers.models import AIProviderConfig
from providers.registry import provider_choices
from providers.tasks import task_choices
from usage.models import AIProviderUsageLog, UsageRollup
from usage.stats.cells import ALL_PROVIDERS, Dimension

_RECENT = timedelta(days=90)


class _ColumnFilter(DropdownFilter):
    """A dropdown over one column; `parameter_name` is the lookup."""

    def has_output(self) -> bool:
        # A filter without choices would be dropped, and a link that asks for it would show everything.
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[AIProviderUsageLog]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


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

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return provider_choices()


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

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return task_choices()


class PlanFilter(_ColumnFilter):
    title = "plan"
    parameter_name = "plan"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Plan.objects.values_list("slug", "name"))


class ErrorKindFilter(_ColumnFilter):
    title = "error kind"
    parameter_name = "error_kind"

    # Kinds that no vendor reports: refusals before a call, and how our side may end one.
    _OURS = (
        "quota_exceeded",
        "provider_quota_exceeded",
        "no_active_provider",
        "no_capable_provider",
        "cancelled",
        "abandoned",
        "internal",
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        kinds = sorted({kind.value for kind in ErrorKind} | FORMER_KINDS.keys() | set(self._OURS))
        return [(kind, kind.replace("_", " ")) for kind in kinds]


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
