"""What the console calls the fields of rows: words that people use, where a column is named for programs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import cache, partial
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.utils import display_for_field

# What stands where a row has no value.
NOTHING = "-"
_NUMBERS = (models.IntegerField, models.DecimalField, models.FloatField)

# By the name of a column, on whichever page.
_LABELS = {
    "base_url": "Base URL",
    "cache_read_mtok": "Read from the cache",
    "cache_seconds": "Answers are kept",
    "cache_write_1h_mtok": "Written to the cache for an hour",
    "cache_write_mtok": "Written to the cache",
    "context_window": "Reads at most",
    "cost_factor": "Cost, times the usual",
    "cost_floor_usd": "Least cost of an hour",
    "current_period_end": "Runs until",
    "deadline_seconds": "Deadline",
    "display_name": "Name",
    "error_message": "Error",
    "error_rate_percent": "Failed calls",
    "input_mtok": "Input",
    "last_test_success": "Last test",
    "latency_ms": "Latency",
    "max_concurrent_calls": "Calls at once",
    "max_output_tokens": "Writes at most",
    "model_name": "Model",
    "output_mtok": "Output",
    "over_input_tokens": "More input than",
    "p95_latency_ms": "Latency, p95",
    "prompt_version": "Prompt",
    "provider_config": "Provider",
    "provider_name": "Provider",
    "provider_type": "Vendor",
    "quality_model_name": "Model for quality",
    "reported_model": "Model that the vendor names",
    "requested_tier": "Service tier asked for",
    "requests_per_minute": "Calls a minute",
    "source_kind": "Source",
    "source_url": "Address",
    "streaming": "Streams",
    "usage_source": "Counted by",
    "user_agent": "Browser or program",
    "vision": "Images",
}
# Where a column of the same name is something else.
_OWN = {
    "accounts.auditentry": {"actor_email": "Email", "target_id": "Id", "target_label": "Name"},
    "accounts.plan": {"slug": "Name for programs"},
    "accounts.retentionrule": {"kind": "What"},
    "usage.alert": {"message": "What is wrong"},
    "usage.alertchannel": {"form": "Sent as"},
}
# What rows are called, where it is not as their model is for programs.
_THINGS = {
    "accounts.personaltoken": ("access token", "access tokens"),
    "accounts.user": ("person", "people"),
}
# What figures are in. A form has it behind the label, every other page behind the figure.
_UNITS = {
    "cache_seconds": "seconds",
    "context_window": "tokens",
    "cost_floor_usd": "USD",
    "deadline_seconds": "seconds",
    "error_rate_percent": "%",
    "latency_ms": "ms",
    "max_output_tokens": "tokens",
    "over_input_tokens": "tokens",
    "p95_latency_ms": "ms",
    "timeout": "seconds",
}


def label_of(model: type[models.Model], name: str) -> str:
    """What the console calls a column of a model, which may have left it since."""
    own = _OWN.get(model._meta.label_lower, {}).get(name) or _LABELS.get(name)
    if own:
        return own
    try:
        # Rows that refer to these have no name of their own.
        return capfirst(str(getattr(_field(model, name), "verbose_name", name.replace("_", " "))))
    except FieldDoesNotExist:
        return capfirst(name.replace("_", " "))


def things(model: type[models.Model]) -> tuple[str, str]:
    """What one row of a model is called, and what several are."""
    names = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    return _THINGS.get(model._meta.label_lower, names)


def lowered(label: str) -> str:
    """A label within a sentence: "Base URL" as "base URL", "USD" as it is."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def figure_of(number: int | float | Decimal, unit: str = "") -> str:
    """A number with its thousands told apart and its unit: "1,234 ms", "$5.00"."""
    exact = Decimal(str(number))
    if unit == "USD":
        return f"${exact:,.2f}"
    text = f"{exact.quantize(Decimal(1)) if exact == exact.to_integral() else exact.normalize():,f}"
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


@cache
def column(model: type[models.Model], name: str) -> Callable[[models.Model], Any]:
    """A column of a list under its label, each value with its unit. The same one for the same column, for
    Django tells by that whether a list may be sorted by it."""
    field = _field(model, name)

    def shown(row: models.Model) -> Any:
        value = getattr(row, name)
        if value is None or value == "":
            return None
        if _is_number(field):
            return figure_of(value, _UNITS.get(name, ""))
        return value if field.is_relation else display_for_field(value, field, NOTHING)

    shown.__name__ = name
    shown.short_description = label_of(model, name)  # type: ignore[attr-defined]
    shown.admin_order_field = name  # type: ignore[attr-defined]
    shown.field = field  # type: ignore[attr-defined]
    return shown


class FieldLabels:
    """Put before a ModelAdmin by `ConsoleSite.register`: its columns, fields and filters have their labels,
    and figures that are only read their units."""

    model: type[models.Model]

    @property
    def readonly_preprocess_fields(self) -> dict[str, Callable[[str], str]]:
        numbers = [field.name for field in self.model._meta.fields if _is_number(field)]
        return {name: partial(_read_figure, unit=_UNITS.get(name, "")) for name in numbers}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        own = form._meta.labels or {}
        read = set(self.get_readonly_fields(request, obj))  # type: ignore[attr-defined]
        if obj and not self.has_change_permission(request, obj):  # type: ignore[attr-defined]
            read = {field.name for field in self.model._meta.fields}
        form._meta.labels = {
            field.name: label_of(self.model, field.name) if field.name in read else _typed(self.model, field)
            for field in self.model._meta.fields
        } | own
        for name, field in form.base_fields.items():
            if name not in form.declared_fields and name in form._meta.labels:
                field.label = form._meta.labels[name]
        return form

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        shown = super().get_list_display(request)  # type: ignore[misc]
        return [self._labelled(one) for one in shown]

    def _labelled(self, name: Any) -> Any:
        if not isinstance(name, str):
            return name
        try:
            field = _field(self.model, name)
        except FieldDoesNotExist:
            return name
        is_well_named = label_of(self.model, name) == capfirst(str(field.verbose_name))
        return name if is_well_named and not _is_number(field) else column(self.model, name)


def _typed(model: type[models.Model], field: Any) -> str:
    unit = _UNITS.get(field.name)
    return f"{label_of(model, field.name)} ({unit})" if unit else label_of(model, field.name)


def _read_figure(contents: str, *, unit: str) -> str:
    """What Django wrote of a number; anything else, such as the word for none, is left as it is."""
    try:
        return figure_of(Decimal(contents), unit)
    except InvalidOperation:
        return contents


def _is_number(field: Any) -> bool:
    return isinstance(field, _NUMBERS) and not field.choices


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)
