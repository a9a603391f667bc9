"""The page of what each task costs and would cost, with a button that proposes an experiment."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import Actor
from accounts.errors import DomainError
from orchestration.experiments.proposals import propose
from providers.tasks import TASKS
from usage.recommendations import DEFAULT_DAYS, compared_models


@require_safe
def recommendations(request: HttpRequest) -> HttpResponse:
    """GET → each pattern of the last 30 days, the dearest first, and every model that could do it."""
    if not request.user.has_perm("usage.view_aiproviderusagelog"):
        raise PermissionDenied
    found = compared_models(now=timezone.now())
    context = {
        **admin.site.each_context(request),
        "title": "Recommendations",
        "days": DEFAULT_DAYS,
        "patterns": [
            {
                "one": one,
                "task": TASKS[one.pattern.task_type].label
                if one.pattern.task_type in TASKS
                else one.pattern.task_type,
                "compared": [(other, other in one.alternatives) for other in one.compared],
            }
            for one in found
        ],
        "can_propose": request.user.has_perm("orchestration.add_experiment"),
    }
    return TemplateResponse(request, "console/usage/recommendations.html", context)


@require_POST
def propose_experiment(request: HttpRequest) -> HttpResponse:
    """POST proposal="task config model" → a draft experiment, and its form."""
    if not request.user.has_perm("orchestration.add_experiment"):
        raise PermissionDenied
    task, _, rest = request.POST.get("proposal", "").partition(" ")
    config, _, model = rest.partition(" ")
    try:
        experiment, is_new = propose(
            actor=Actor.of_request(request),
            created_by=request.user,  # type: ignore[arg-type]  # the console's site lets nobody else in
            task=task,
            config_id=int(config) if config.isdecimal() and len(config) < 19 else 0,
            model_name=model[:200],
        )
    except DomainError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(reverse("admin:usage_recommendations"))
    said = "is a draft now. Look it over, then start it." if is_new else "was proposed before."
    messages.success(request, f"{experiment} {said}")
    return HttpResponseRedirect(reverse("admin:orchestration_experiment_change", args=[experiment.pk]))
