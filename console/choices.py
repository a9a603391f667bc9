"""Fields of forms: those that offer what there is to choose from, where a column takes any text; amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django.db import models
from django.urls import reverse
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget


def zones() -> list[str]:
    """The time zones that people know by a place, and UTC."""
    return sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


class ZoneSelect(UnfoldAdminSelectWidget):
    """The zones, and the one that is stored whatever it is."""

    def __init__(self, attrs: Any = None) -> None:
        super().__init__(attrs, choices=[(zone, zone) for zone in zones()])

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> Any:
        known = {choice for choice, _ in self.choices}
        own = [(one, one) for one in value if one and one not in known]
        if own:
            self.choices = [*own, *self.choices]
        return super().optgroups(name, value, attrs)


class ModelNameInput(UnfoldAdminTextInputWidget):
    """A name of a model, with those suggested that the vendor has; any other may be typed. `models_of` is the
    field of the same form that says whose: `provider_type`, or `provider_config`."""

    class Media:
        js = ("console/model_names.js",)

    def __init__(self, models_of: str) -> None:
        super().__init__(attrs={"data-models-of": models_of, "autocomplete": "off"})

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        catalogue = {"data-catalogue": reverse("model_catalogue")}
        return {**super().build_attrs(base_attrs, extra_attrs), **catalogue}


class AmountInput(UnfoldAdminDecimalFieldWidget):
    """An amount as a person would type it, whatever places its column has: "5", and not "5.0000"; "0", and
    not "0E-9"."""

    def format_value(self, value: Any) -> str | None:
        if isinstance(value, Decimal) and value.is_finite():
            return f"{value.normalize():f}"
        shown: str | None = super().format_value(value)
        return shown


class AmountFields:
    """Put before a ModelAdmin by `ConsoleSite.register`: amounts have an AmountInput."""

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if isinstance(db_field, models.DecimalField):
            kwargs.setdefault("widget", AmountInput)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
