"""What models are told, in the console: read, compared, tried, written anew, put in force and taken back."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.audit import Actor
from accounts.concurrency import run
from accounts.errors import DomainError
from accounts.models import User
from console.prompts.forms import NewVersionForm, SampleForm
from console.prompts.words import compared
from orchestration.calls.prompt_samples import samples
from orchestration.experiments.proposals import propose_prompt
from orchestration.models import Experiment
from orchestration.routing.prompts import (
    consequences_of,
    prompt_before,
    prompt_in_force,
    put_prompt_in_force,
)
from providers.models import StoredPrompt
from providers.stored_prompts import add_version, prompts_of
from providers.tasks import CHAT, TASKS, PromptVersion, TaskType


def urls() -> list[Any]:
    """The pages, for the console's site."""
    wrap = admin.site.admin_view
    at = "prompts/<slug:task>/<str:version>/"
    return [
        path("prompts/", wrap(listing), name="prompts"),
        path(at, wrap(version_page), name="prompt_version"),
        path(f"{at}new/", wrap(new_version), name="prompt_new"),
        path(f"{at}try/", wrap(sample_page), name="prompt_try"),
        path(f"{at}use/", wrap(use), name="prompt_use"),
        path(f"{at}experiment/", wrap(experiment), name="prompt_experiment"),
    ]


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """GET: every task with its versions."""
    written = {(row.task, row.version): row for row in StoredPrompt.objects.select_related("created_by")}
    tasks = [
        (
            task,
            prompt_in_force(task),
            [(prompt, written.get((task.slug, name))) for name, prompt in prompts_of(task).items()],
        )
        for task in TASKS.values()
        if task.slug != CHAT
    ]
    return _page(request, "list", "Prompts", tasks=tasks, can_change=_may_change(request))


@require_safe
def version_page(request: HttpRequest, task: str, version: str) -> HttpResponse:
    """GET: what a version says; with `beside`, the words in which another one differs."""
    kind, known, prompt = _found(task, version)
    other = known.get(request.GET.get("beside", ""))
    in_force = prompt_in_force(kind)
    return _page(
        request,
        "version",
        f"{kind.label}: {version}",
        kind=kind,
        prompt=prompt,
        others=[name for name in known if name != version],
        beside=other,
        texts=[(name, text, _differences(other, prompt, name)) for name, text in prompt.texts.items()],
        in_force=in_force,
        before=prompt_before(kind) if in_force == version else "",
        written=StoredPrompt.objects.filter(task=task, version=version).select_related("created_by").first(),
        running=Experiment.objects.filter(task=task, status=Experiment.Status.RUNNING).first(),
        can_change=_may_change(request),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new_version(request: HttpRequest, task: str, version: str) -> HttpResponse:
    """GET: the texts of a version in a form. POST: store them as another one."""
    if not _may_change(request):
        raise PermissionDenied
    kind, _, prompt = _found(task, version)
    form = NewVersionForm(request.POST or None, based_on=prompt)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_version(
                actor=Actor.of_request(request),
                task=kind,
                version=form.cleaned_data["version"],
                based_on=version,
                about=form.cleaned_data["about"],
                texts=form.texts,
            )
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            told = f"{made.version} is stored. Nobody is asked by it until it is put in force."
            messages.success(request, told)
            return HttpResponseRedirect(_address("prompt_version", task, made.version))
    return _page(
        request, "new", f"{kind.label}: a version after {version}", kind=kind, prompt=prompt, form=form
    )


@require_http_methods(["GET", "HEAD", "POST"])
def sample_page(request: HttpRequest, task: str, version: str) -> HttpResponse:
    """GET: a form for an input. POST: what is answered to it by this version, and by another beside it."""
    if not _may_change(request):
        raise PermissionDenied
    kind, known, prompt = _found(task, version)
    form = SampleForm(request.POST or None, prompt=prompt, others=[name for name in known if name != version])
    answers = []
    if request.method == "POST" and form.is_valid():
        asked = [known[name] for name in (version, form.cleaned_data["other"]) if name]
        try:
            answers = run(
                samples(
                    user=cast(User, request.user),
                    task=kind,
                    versions=asked,
                    text=form.cleaned_data["text"],
                    values=form.values,
                    said=form.cleaned_data["said"],
                )
            )
        except DomainError as error:
            form.add_error(None, error.message)
    return _page(
        request, "try", f"Try {kind.label}: {version}", kind=kind, prompt=prompt, form=form, answers=answers
    )


@require_http_methods(["GET", "HEAD", "POST"])
def use(request: HttpRequest, task: str, version: str) -> HttpResponse:
    """GET: what follows from putting a version in force. POST: put it there."""
    if not _may_change(request):
        raise PermissionDenied
    kind, _, _ = _found(task, version)
    if request.method != "POST":
        context = {
            **admin.site.each_context(request),
            "title": f"Put {kind.label}: {version} in force?",
            "verb": "Put in force",
            "consequences": consequences_of(kind, version),
            "back": _address("prompt_version", task, version),
        }
        return TemplateResponse(request, "console/confirm.html", context)
    was = put_prompt_in_force(actor=Actor.of_request(request), kind=kind, version=version)
    messages.success(
        request, f"{kind.label} is asked by {version} from the next call on; before it was {was}."
    )
    return HttpResponseRedirect(_address("prompt_version", task, version))


@require_POST
def experiment(request: HttpRequest, task: str, version: str) -> HttpResponse:
    """POST: propose an experiment with a version, and go to it."""
    if not request.user.has_perm("orchestration.add_experiment"):
        raise PermissionDenied
    _found(task, version)
    actor = Actor.of_request(request)
    try:
        made, is_new = propose_prompt(actor=actor, created_by=actor.user, task=task, version=version)
    except DomainError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(_address("prompt_version", task, version))
    said = (
        "The experiment is a draft: look at it, then start it."
        if is_new
        else "This experiment was a draft already."
    )
    messages.info(request, said)
    return HttpResponseRedirect(_address("orchestration_experiment_change", made.pk))


def _found(task: str, version: str) -> tuple[TaskType, dict[str, PromptVersion], PromptVersion]:
    kind = TASKS.get(task)
    known = prompts_of(kind) if kind else {}
    if kind is None or version not in known:
        raise Http404
    return kind, known, known[version]


def _differences(other: PromptVersion | None, prompt: PromptVersion, name: str) -> Any:
    if other is None or name not in other.texts:
        return []
    return compared(other.texts[name].text, prompt.texts[name].text)


def _may_change(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("orchestration.change_taskpolicy"))


def _address(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)


def _page(request: HttpRequest, template: str, title: str, **facts: Any) -> HttpResponse:
    if not request.user.has_perm("orchestration.view_taskpolicy"):
        raise PermissionDenied
    context = {**admin.site.each_context(request), "title": title, **facts}
    return TemplateResponse(request, f"console/prompts/{template}.html", context)
