"""The buttons of the providers console, and its API keys page. Every change comes by POST."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.permissions import REFUSED
from accounts.refusals import record_refusal
from accounts.step_up import require_fresh
from console.providers import held_keys
from console.providers.forms import TypedKeyForm
from providers.configs import changes
from providers.configs.consequences import of_deactivating, of_making_default
from providers.credentials import trials
from providers.credentials.checks import ConfigNotFound
from providers.models import AIProviderConfig

if TYPE_CHECKING:
    from console.providers.config import AIProviderConfigAdmin

View = Callable[..., HttpResponse]
STALE = (
    "Testing what is typed needs a fresh code of your authenticator app. Open /admin/confirm/ in another "
    "tab, enter one, and test again."
)
TOO_LONG = "This is longer than a key, an address or the name of a model can be. Copy it again."
# By the tone of a check.
LEVELS = {"good": messages.SUCCESS, "warning": messages.WARNING, "bad": messages.ERROR}


def act(model_admin: AIProviderConfigAdmin) -> View:
    """POST `<id>/do/<action>/`: one of ACTIONS on one provider, then back to where the button was. What may
    leave calls without an answer is asked about first."""

    @require_POST
    def view(request: HttpRequest, config_id: int, action: str) -> HttpResponse:
        if not model_admin.has_change_permission(request):
            raise PermissionDenied
        if action not in ACTIONS:
            raise Http404
        if question := question_about(request, action, [config_id]):
            return question
        try:
            level, sentence = ACTIONS[action](Actor.of_request(request), config_id)
        except (trials.AlreadyTesting, ConfigNotFound) as error:
            level, sentence = messages.ERROR, error.message
        model_admin.message_user(request, sentence, level)
        return HttpResponseRedirect(way_back(request))

    return view


def check(model_admin: AIProviderConfigAdmin) -> View:
    """POST `check/`: test what is typed in the form of a new provider; the answer is JSON. A refusal is an
    answer like the others: status 200, `is_valid` false, and the sentence to show."""

    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        if not model_admin.has_change_permission(request):
            raise PermissionDenied
        try:
            require_fresh(request)
        except DomainError as error:
            record_refusal(request=request, door="admin", action=REFUSED, reason=error.code)
            return JsonResponse({"is_valid": None, "tone": "warning", "message": STALE})
        posted = request.POST.copy()
        posted["api_key"] = held_keys.typed_or_held(request)
        form = TypedKeyForm(posted)
        if not form.is_valid():
            return _refused(TOO_LONG)
        typed = form.cleaned_data
        try:
            outcome = trials.try_out(
                actor=Actor.of_request(request),
                provider_type=typed["provider_type"],
                api_key=typed["api_key"],
                base_url=typed["base_url"],
                model_name=typed["model_name"],
            )
        except DomainError as error:
            return _refused(error.message)
        return JsonResponse(
            {
                "is_valid": outcome.is_valid,
                "outcome": outcome.outcome,
                "tone": outcome.tone,
                "message": outcome.message,
                "latency_ms": outcome.latency_ms,
                "models": outcome.models,
            }
        )

    return view


def _refused(message: str) -> JsonResponse:
    return JsonResponse({"is_valid": False, "outcome": "refused", "tone": "bad", "message": message})


def question_about(request: HttpRequest, action: str, config_ids: list[int]) -> HttpResponse | None:
    """The page that tells what `action` on these providers leads to, which sends the same form once more with
    a yes; None when there is nothing to tell, or it was told."""
    if action not in _QUESTIONS or "sure" in request.POST:
        return None
    configs = list(AIProviderConfig.objects.filter(pk__in=config_ids))
    told = _QUESTIONS[action][1](configs)
    if not told:
        return None
    names = ", ".join(map(str, configs))
    verb = _QUESTIONS[action][0]
    again = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name != "csrfmiddlewaretoken"
    ]
    context = {
        **admin.site.each_context(request),
        "title": f"{verb} {names}?",
        "verb": verb,
        "consequences": told,
        "again": [*again, ("sure", "yes")],
        "back": way_back(request),
    }
    return TemplateResponse(request, "console/confirm.html", context)


def way_back(request: HttpRequest) -> str:
    """The page of this console that the form names in `next`, or the provider list."""
    wanted = request.POST.get("next", "")
    if wanted and url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    ):
        return wanted
    return reverse("admin:providers_aiproviderconfig_changelist")


def _test(actor: Actor, config_id: int) -> tuple[int, str]:
    check = trials.test(actor=actor, config_id=config_id)
    return LEVELS[check.tone], f"{_name(config_id)}: {check.message} ({check.latency_ms} ms)"


def _activate(actor: Actor, config_id: int) -> tuple[int, str]:
    changes.set_active(actor=actor, config_ids=[config_id], is_active=True)
    return messages.SUCCESS, f"{_name(config_id)} is active."


def _deactivate(actor: Actor, config_id: int) -> tuple[int, str]:
    changes.set_active(actor=actor, config_ids=[config_id], is_active=False)
    return messages.SUCCESS, f"{_name(config_id)} is inactive; no call goes to it."


def _make_default(actor: Actor, config_id: int) -> tuple[int, str]:
    config = changes.make_default(actor=actor, config_id=config_id)
    return messages.SUCCESS, f"{config} is now the default."


def _duplicate(actor: Actor, config_id: int) -> tuple[int, str]:
    copy = changes.duplicate(actor=actor, config_id=config_id)
    return messages.SUCCESS, f"{copy} was added, inactive. Choose its model, then activate it."


# What is asked about: its verb, and what there is to tell of it.
_QUESTIONS: dict[str, tuple[str, Callable[[list[AIProviderConfig]], list[str]]]] = {
    "deactivate": ("Deactivate", lambda configs: of_deactivating([config.pk for config in configs])),
    "make-default": (
        "Make default",
        lambda configs: [told for one in configs for told in of_making_default(one, now=timezone.now())],
    ),
}

ACTIONS: dict[str, Callable[[Actor, int], tuple[int, str]]] = {
    "test": _test,
    "activate": _activate,
    "deactivate": _deactivate,
    "make-default": _make_default,
    "duplicate": _duplicate,
}


def _name(config_id: int) -> str:
    config = AIProviderConfig.objects.filter(pk=config_id).first()
    if config is None:
        raise ConfigNotFound
    return str(config)
