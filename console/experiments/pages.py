"""The pages of one experiment: its results, and the questions before it is started, stopped or decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import Actor, record_alone
from accounts.errors import DomainError
from accounts.percents import in_percent
from console.csv_export import as_csv
from console.experiments.panels import PANELS
from console.panel import Panel
from console.usage.statistics import as_json
from orchestration.experiments import lifecycle
from orchestration.experiments.arms import ways_of
from orchestration.experiments.promotion import promote as promote_arm
from orchestration.experiments.promotion import promotion_of
from orchestration.experiments.results import recent_results_of
from orchestration.experiments.verdicts import verdicts_of
from orchestration.models import Experiment

if TYPE_CHECKING:
    from console.experiments.listing import ExperimentAdmin

View = Callable[..., HttpResponse]


def results(model_admin: ExperimentAdmin) -> View:
    """GET: the figures, what they come to, and the buttons that decide."""

    @require_safe
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        experiment = _experiment(model_admin, request, pk)
        arms = list(experiment.arms.select_related("provider_config"))
        weights = sum(arm.weight for arm in arms)
        context = {
            **admin.site.each_context(request),
            "title": f"Results of {experiment}",
            "experiment": experiment,
            "can_decide": model_admin.has_change_permission(request) and _is_decidable(experiment),
            "arms": [(arm, ways_of(arm), arm.weight / weights) for arm in arms],
            "verdicts": verdicts_of(recent_results_of(experiment)),
            "panels": [(name, title) for name, (title, _) in PANELS.items()],
        }
        return TemplateResponse(request, "console/experiments/results.html", context)

    return view


def panel_json(model_admin: ExperimentAdmin) -> View:
    @require_safe
    def view(request: HttpRequest, pk: int, panel: str) -> HttpResponse:
        return JsonResponse(as_json(_panel(_experiment(model_admin, request, pk), panel)))

    return view


def panel_csv(model_admin: ExperimentAdmin) -> View:
    """GET: the table as a file; who took it is in the audit trail."""

    @require_safe
    def view(request: HttpRequest, pk: int, panel: str) -> HttpResponse:
        experiment = _experiment(model_admin, request, pk)
        text = as_csv(_panel(experiment, panel))
        record_alone(action="experiment.exported", actor=Actor.of_request(request), target=experiment)
        response = HttpResponse(text, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="experiment-{pk}-{panel}.csv"'
        return response

    return view


def start(model_admin: ExperimentAdmin) -> View:
    """GET asks, POST starts."""

    def ask(experiment: Experiment) -> list[str]:
        lifecycle.refuse_unless_editable(experiment)
        lifecycle.refuse_unless_startable(experiment)
        arms = list(experiment.arms.select_related("provider_config"))
        weights = sum(arm.weight for arm in arms)
        shares = [
            f"{in_percent(arm.weight / weights)} of the users get {arm.name}: {ways_of(arm)}." for arm in arms
        ]
        return [*shares, "Each user stays in one arm. It begins with the very next call."]

    def do(actor: Actor, experiment: Experiment) -> str:
        lifecycle.start(actor=actor, experiment_id=experiment.pk)
        return f"{experiment} is running."

    return _asking_first(model_admin, "Start", ask, do)


def stop(model_admin: ExperimentAdmin) -> View:
    """GET asks, POST stops."""

    def ask(experiment: Experiment) -> list[str]:
        return [
            "From the next call on, everybody is answered as without the experiment.",
            "Its figures remain. Started again, it goes on with everybody in the arm they were in.",
        ]

    def do(actor: Actor, experiment: Experiment) -> str:
        lifecycle.stop(actor=actor, experiment_id=experiment.pk)
        return f"{experiment} has ended."

    return _asking_first(model_admin, "Stop", ask, do)


def promote(model_admin: ExperimentAdmin) -> View:
    """GET tells what the figures say and what would change, POST changes it."""

    def ask(experiment: Experiment, *, arm_id: int) -> list[str]:
        promotion = promotion_of(experiment, arm_id=arm_id)
        return [*promotion.sentences, "The experiment ends with this winner, for good."]

    def do(actor: Actor, experiment: Experiment, *, arm_id: int) -> str:
        promote_arm(actor=actor, experiment_id=experiment.pk, arm_id=arm_id)
        return f"The winner of {experiment} is in force for everybody."

    return _asking_first(model_admin, "Promote", ask, do)


def _asking_first(
    model_admin: ExperimentAdmin, verb: str, ask: Callable[..., list[str]], do: Callable[..., str]
) -> View:
    """A view whose GET shows what `ask` says will happen and whose POST does it; what is refused leads back
    to the results with the reason."""

    @require_http_methods(["GET", "POST"])
    def view(request: HttpRequest, pk: int, **which: Any) -> HttpResponse:
        experiment = _experiment(model_admin, request, pk)
        if not model_admin.has_change_permission(request):
            raise PermissionDenied
        back = reverse("admin:orchestration_experiment_results", args=[pk])
        try:
            if request.method == "POST":
                done = do(Actor.of_request(request), experiment, **which)
                messages.success(request, done)
                return HttpResponseRedirect(back)
            consequences = ask(experiment, **which)
            evidence = verdicts_of(recent_results_of(experiment)) if which else ()
        except DomainError as error:
            messages.error(request, error.message)
            return HttpResponseRedirect(back)
        arm = experiment.arms.filter(pk=which["arm_id"]).first() if which else None
        context = {
            **admin.site.each_context(request),
            "title": f"{verb} {arm or experiment}?",
            "verb": verb,
            "consequences": consequences,
            "evidence": evidence,
            "back": back,
        }
        return TemplateResponse(request, "console/confirm.html", context)

    return view


def _experiment(model_admin: ExperimentAdmin, request: HttpRequest, pk: int) -> Experiment:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    experiment = Experiment.objects.select_related("winner").filter(pk=pk).first()
    if experiment is None:
        raise Http404("There is no such experiment.")
    return experiment


def _panel(experiment: Experiment, name: str) -> Panel:
    if name not in PANELS:
        raise Http404
    _, panel = PANELS[name]
    return panel(recent_results_of(experiment))


def _is_decidable(experiment: Experiment) -> bool:
    return experiment.started_at is not None and experiment.winner_id is None
