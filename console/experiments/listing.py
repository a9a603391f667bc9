"""Experiments in the console: the list, the form with its arms, and where their buttons lead."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.errors import DomainError
from accounts.step_up import require_fresh
from console.audited import AuditedAdmin
from console.experiments import pages
from console.experiments.arms import ArmInline
from console.lists import figure
from orchestration.experiments import lifecycle
from orchestration.experiments.arms import describe
from orchestration.models import Experiment

Status = Experiment.Status
# Moved by starting, stopping and promoting only; the form must not write back what it read.
_STATE = ("status", "started_at", "ended_at", "winner_id")


@admin.register(Experiment)
class ExperimentAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    """A running or decided experiment is shown and not edited: its figures are about its arms as they are."""

    comes_first = "experiments that run, then drafts"
    list_display = ["name", "task", "status_badge", "arm_count", "started_at", "won_by", "buttons"]
    list_filter = ["status", "task"]
    search_fields = ["name"]
    list_per_page = 20
    show_facets = admin.ShowFacets.NEVER
    actions = None
    fields = ("name", "task")
    inlines = [ArmInline]

    class Media:
        css = {"all": ("console/experiments.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Experiment]:
        rows: QuerySet[Experiment] = super().get_queryset(request)
        return rows.select_related("winner").annotate(number_of_arms=Count("arms"))

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        return [Q(status=Status.RUNNING), Q(status=Status.DRAFT)]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "orchestration_experiment"
        own = [
            path("<int:pk>/results/", wrap(pages.results(self)), name=f"{name}_results"),
            path("<int:pk>/results/<slug:panel>.json", wrap(pages.panel_json(self)), name=f"{name}_panel"),
            path("<int:pk>/results/<slug:panel>.csv", wrap(pages.panel_csv(self)), name=f"{name}_panel_csv"),
            path("<int:pk>/start/", wrap(pages.start(self)), name=f"{name}_start"),
            path("<int:pk>/stop/", wrap(pages.stop(self)), name=f"{name}_stop"),
            path("<int:pk>/promote/<int:arm_id>/", wrap(pages.promote(self)), name=f"{name}_promote"),
        ]
        return own + super().get_urls()

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> tuple[str, ...]:
        # Another task is another experiment: what was counted so far belongs to this one.
        return ("task",) if obj and obj.started_at else ()

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        is_open = obj is None or (obj.status != Status.RUNNING and obj.winner_id is None)
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        is_over = obj is None or obj.status != Status.RUNNING
        return is_over and super().has_delete_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except DomainError as error:
            # Somebody started it in the moment between this form's check and its own saving.
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        if change:
            held = lifecycle.locked(obj.pk)
            lifecycle.refuse_unless_editable(held)
            for name in _STATE:
                setattr(obj, name, getattr(held, name))
        else:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            require_fresh(request)
        response: HttpResponse = super().delete_view(request, *args, **kwargs)
        return response

    def _facts_in_database(self, obj: Any) -> dict[str, Any]:
        arms = obj.arms.select_related("provider_config").order_by("pk")
        return super()._facts_in_database(obj) | {"arms": [describe(arm) for arm in arms]}

    @display(
        description="status",
        ordering="status",
        label={Status.DRAFT.label: "info", Status.RUNNING.label: "success", Status.ENDED.label: "warning"},
    )
    def status_badge(self, experiment: Experiment) -> str:
        return Status(experiment.status).label

    @figure
    @display(description="arms")
    def arm_count(self, experiment: Any) -> int:
        return int(experiment.number_of_arms)

    @display(description="winner")
    def won_by(self, experiment: Experiment) -> str:
        return experiment.winner.name if experiment.winner else "none"

    @display(description="actions")
    def buttons(self, experiment: Experiment) -> str:
        return render_to_string("console/experiments/buttons.html", {"experiment": experiment})
