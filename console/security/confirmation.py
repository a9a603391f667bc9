"""Asking for a code before a page of the console is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import second_factor
from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.models import User
from accounts.permissions import REFUSED
from accounts.refusals import record_refusal
from accounts.step_up import StepUpRequired, mark_verified
from console.security import held_forms
from console.security.forms import CodeForm


class SessionEnded(DomainError):
    code = "session_ended"
    status = 401
    message = "Your session has ended. Save the form: you are asked to log in, and what you typed is kept."


EXPIRED = "That took too long, so the form was not kept. Go back and send it again."


def run(request: HttpRequest, serve: Callable[[], HttpResponse]) -> HttpResponse:
    """Serve the page; where it asks for a fresh second factor, ask for a code and keep the form meanwhile."""
    if request.method == "POST" and held_forms.FIELD in request.POST:
        refused = _release(request)
        if refused is not None:
            return refused
    try:
        return serve()
    except StepUpRequired as error:
        return _ask_for_fresh(request, error)


def ask_first(request: HttpRequest, *, next_url: str) -> HttpResponse:
    """To the page that asks for a code, or that sets an authenticator up, and from there to `next_url`."""
    if wants_json(request):
        return refusal_as_json(StepUpRequired())
    page = "admin:confirm" if cast(User, request.user).has_second_factor else "admin:enrol"
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': next_url})}")


def came_for(request: HttpRequest) -> str:
    """Where to go once the person has confirmed: here, or the front page when here is no page."""
    return request.get_full_path() if request.method == "GET" else reverse("admin:index")


def safe_next(request: HttpRequest) -> str:
    """The `next` of the address when it is on this site, else the front page."""
    target = request.GET.get("next", "")
    # The test also refuses the empty text.
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if allowed else reverse("admin:index")


def check(request: HttpRequest) -> DomainError | None:
    """Take the posted code; the session counts as fresh from now on. The refusal otherwise."""
    code = request.POST.get(held_forms.CODE_FIELD, "")
    try:
        second_factor.verify(user=cast(User, request.user), code=code, actor=Actor.of_request(request))
    except DomainError as error:
        return error
    mark_verified(request)
    return None


def page(request: HttpRequest, *, error: DomainError | None = None, held_form: str = "") -> HttpResponse:
    """The page that asks for a code. It posts to the address it is shown at, and like every form of the
    console it comes with status 200, with an error in it too; only a throttle says 429."""
    form, status = CodeForm(), 200
    if error is not None:
        form = CodeForm({"otp": ""})
        form.full_clean()
        form.errors.clear()
        form.add_error("otp", error.message)
        status = 429 if error.status == 429 else 200
    context = {
        **admin.site.each_context(request),
        "title": "Confirm that it is you",
        "form": form,
        "held_field": held_forms.FIELD,
        "held_form": held_form,
    }
    return TemplateResponse(request, "console/security/confirm.html", context, status=status)


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def refusal_as_json(error: DomainError) -> JsonResponse:
    """For scripts of the console, in the shape of the API's errors."""
    body = {"code": error.code, "message": error.message, "details": error.details}
    return JsonResponse({"success": False, "error": body}, status=error.status)


def _ask_for_fresh(request: HttpRequest, error: StepUpRequired) -> HttpResponse:
    if request.method != "GET":
        record_refusal(request=request, door="admin", action=REFUSED, reason=error.code)
    if wants_json(request):
        return refusal_as_json(error)
    if held_forms.can_hold(request):
        return page(request, held_form=held_forms.hold(request))
    return ask_first(request, next_url=request.get_full_path())


def _release(request: HttpRequest) -> HttpResponse | None:
    form = held_forms.released(request)
    if form is None:
        return page(request, error=StepUpRequired(EXPIRED))
    if error := check(request):
        return page(request, error=error, held_form=request.POST[held_forms.FIELD])
    request.POST = form  # type: ignore[assignment]
    return None
