"""The capability matrix in the console: what each model can do, who says so, and the admin's own word."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from console.audited import AuditedAdmin
from providers.capabilities.facts import FACTS, FEATURES
from providers.capabilities.matrix import facts_of
from providers.model_names import plain_name
from providers.models import AIProviderConfig, ModelCapability, RoutingRevision
from providers.registry import PROVIDER_TYPES

_VENDOR_COLUMNS = tuple(f"vendor_{name}" for name in FACTS)
_OPEN, _YES, _NO = "", "true", "false"


class CapabilityForm(forms.ModelForm):  # type: ignore[type-arg]
    """The admin's word on each fact; an empty field leaves it to the vendor's list and the rules."""

    class Meta:
        model = ModelCapability
        fields = ("provider_type", "model_name", *FACTS, "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        facts = facts_of(_without_overrides(self.instance)) if self.instance.pk else {}
        for name in FACTS:
            found = facts.get(name)
            without = _in_words(found.value, found.origin) if found else "what is found"
            field = self.fields[name]
            if name in FEATURES:
                self.fields[name] = forms.TypedChoiceField(
                    label=field.label,
                    required=False,
                    choices=[(_OPEN, f"As found: {without}"), (_YES, "Yes"), (_NO, "No")],
                    coerce=lambda value: value == _YES,
                    empty_value=None,
                    widget=UnfoldAdminSelectWidget,
                )
                word = self.initial.get(name)
                self.initial[name] = _OPEN if word is None else _YES if word else _NO
            else:
                field.help_text = f"Tokens. Empty: {without}."

    def clean_model_name(self) -> str:
        """As routing looks it up; a second row for the same model would be a matter of luck."""
        name = plain_name(self.cleaned_data["model_name"])
        provider_type = self.cleaned_data.get("provider_type")
        others = ModelCapability.objects.filter(provider_type=provider_type).exclude(pk=self.instance.pk)
        if name in map(plain_name, others.values_list("model_name", flat=True)):
            raise forms.ValidationError("This model has a row already. Change that one.")
        return name


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"
    _conditions = {
        "listed": Q(seen_at__isnull=False, retired_at=None),
        "retired": Q(retired_at__isnull=False),
        "unlisted": Q(seen_at=None),
        "overridden": Q(*((f"{name}__isnull", False) for name in FACTS), _connector=Q.OR),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("listed", "in the vendor's list"),
            ("retired", "no longer listed"),
            ("unlisted", "never listed"),
            ("overridden", "overridden"),
        ]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ModelCapability]
    ) -> QuerySet[ModelCapability]:
        condition = self._conditions.get(self.value() or "")
        return queryset.filter(condition) if condition else queryset


@admin.register(ModelCapability)
class ModelCapabilityAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    form = CapabilityForm
    comes_first = "models in use that their vendor no longer lists, then the others in use"
    list_display = ("which", "sees", "fills_forms", "streams", "tokens", "listed")
    list_filter = ("provider_type", StateFilter)
    search_fields = ("model_name", "note")
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    audit_leaves_out = (
        *_VENDOR_COLUMNS,
        "refused_parameters",
        "seen_at",
        "retired_at",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": ("provider_type", "model_name", "note")}),
        ("What it can do", {"fields": (*FEATURES, "left_out")}),
        ("How much at once", {"fields": ("context_window", "max_output_tokens")}),
    )

    class Media:
        css = {"all": ("console/providers.css",)}

    def get_readonly_fields(
        self, request: HttpRequest, obj: ModelCapability | None = None
    ) -> tuple[str, ...]:
        # Another model is another row.
        return ("provider_type", "model_name", "left_out") if obj else ("left_out",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        RoutingRevision.hold()
        if change:
            # A vendor's list may have come in since this row was read.
            obj.refresh_from_db(fields=[*_VENDOR_COLUMNS, "refused_parameters", "seen_at", "retired_at"])
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        RoutingRevision.hold()
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ModelCapability]) -> None:
        with transaction.atomic():
            RoutingRevision.hold()
            super().delete_queryset(request, queryset)

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        in_use = Q()
        for config in AIProviderConfig.objects.filter(is_active=True):
            names = [plain_name(name) for name in (config.model_name, config.quality_model_name) if name]
            in_use |= Q(provider_type=config.provider_type, model_name__in=names)
        return [in_use & Q(retired_at__isnull=False), in_use] if in_use else []

    @display(description="Model", ordering="model_name")
    def which(self, row: ModelCapability) -> str:
        kind = PROVIDER_TYPES[row.provider_type]
        return render_to_string(
            "console/providers/listed_model.html", {"row": row, "vendor": kind.label, "colour": kind.colour}
        )

    @display(description="Images")
    def sees(self, row: ModelCapability) -> str:
        return _cell(row, "vision")

    @display(description="Structured")
    def fills_forms(self, row: ModelCapability) -> str:
        return _cell(row, "structured_output")

    @display(description="Streams")
    def streams(self, row: ModelCapability) -> str:
        return _cell(row, "streaming")

    @display(description="Tokens")
    def tokens(self, row: ModelCapability) -> str:
        facts = facts_of(row)
        sizes = [("reads", facts["context_window"]), ("writes", facts["max_output_tokens"])]
        shown = [(word, fact.value, _SAID_BY[fact.origin]) for word, fact in sizes]
        return render_to_string("console/providers/sizes.html", {"sizes": shown})

    @display(description="Left out of requests")
    def left_out(self, row: ModelCapability) -> str:
        """What calls found that the model refuses (`providers.capabilities.parameters`)."""
        return ", ".join(sorted(row.refused_parameters)) or "nothing"

    @display(description="Vendor's list", ordering="seen_at")
    def listed(self, row: ModelCapability) -> str:
        return render_to_string("console/providers/listed.html", {"row": row})


def _cell(row: ModelCapability, name: str) -> str:
    fact = facts_of(row)[name]
    return render_to_string("console/providers/fact.html", {"fact": fact, "said_by": _SAID_BY[fact.origin]})


_SAID_BY = {"admin": "set here", "vendor": "vendor's list", "rule": "by name", "": ""}


def _without_overrides(row: ModelCapability) -> ModelCapability:
    found = {name: getattr(row, name) for name in _VENDOR_COLUMNS}
    return ModelCapability(provider_type=row.provider_type, model_name=row.model_name, **found)


def _in_words(value: bool | int | None, origin: str) -> str:  # noqa: FBT001 - a value, not a switch
    if value is None:
        return "not known, which counts as no"
    word = {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:,}"
    return f"{word} ({_SAID_BY[origin]})"
