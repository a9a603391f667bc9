"""Pages for one's own second factor and logins."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import segno
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from accounts import second_factor
from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.logins import sign_out_everywhere
from accounts.models import User
from accounts.permissions import is_super_admin
from accounts.step_up import mark_verified, missing_factor, require_fresh
from console.security import confirmation
from console.security.forms import CodeForm

View = Callable[..., HttpResponse]


def half_open(view: View) -> View:
    """For super-admins who have given their password and not yet their second factor."""

    @wraps(view)
    def door(request: HttpRequest) -> HttpResponse:
        if not is_super_admin(request.user):
            return redirect("admin:login")
        return view(request)

    guarded: View = never_cache(csrf_protect(door))
    return guarded


def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for a code and go on to `next`."""
    if not _me(request).has_second_factor:
        return redirect("admin:enrol")
    if request.method != "POST":
        return confirmation.page(request)
    if error := confirmation.check(request):
        return confirmation.page(request, error=error)
    return HttpResponseRedirect(confirmation.safe_next(request))


def enrol(request: HttpRequest) -> HttpResponse:
    """Set an authenticator app up, the first or another one; then show the backup codes."""
    if _me(request).has_second_factor and missing_factor(request):
        return confirmation.ask_first(request, next_url=request.get_full_path())
    return confirmation.run(request, lambda: _enrol(request))


def _enrol(request: HttpRequest) -> HttpResponse:
    user = _me(request)
    if user.has_second_factor:
        require_fresh(request)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        try:
            codes = second_factor.finish_enrolment(
                user=user, code=form.cleaned_data["otp"], actor=Actor.of_request(request)
            )
        except DomainError as error:
            form.add_error("otp", error.message)
        else:
            update_session_auth_hash(request, user)
            mark_verified(request)
            return _show_backup_codes(request, codes, next_url=confirmation.safe_next(request))
    prepared = second_factor.begin_enrolment(user=user)
    context = {
        "title": "Set up your authenticator app",
        "form": form,
        "qr_code": _qr_code(prepared.uri),
        "secret": " ".join(prepared.secret[at : at + 4] for at in range(0, len(prepared.secret), 4)),
        "uri": prepared.uri,
        "required": settings.MFA_REQUIRED and not user.has_second_factor,
    }
    return _page(request, "console/security/enrol.html", context)


def security(request: HttpRequest) -> HttpResponse:
    """What protects one's own account, and the buttons to change it."""
    user = _me(request)
    context = {
        "title": "Security of your account",
        "enrolled": user.has_second_factor,
        "codes_left": second_factor.backup_codes_left(user=user),
        "required": settings.MFA_REQUIRED,
        "minutes": settings.STEP_UP_SECONDS // 60,
    }
    return _page(request, "console/security/security.html", context)


@require_POST
def backup_codes(request: HttpRequest) -> HttpResponse:
    require_fresh(request)
    codes = second_factor.renew_backup_codes(user=_me(request), actor=Actor.of_request(request))
    return _show_backup_codes(request, codes)


@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Go back to the password alone, where that is allowed."""
    require_fresh(request)
    user = _me(request)
    if settings.MFA_REQUIRED:
        messages.error(
            request, "This installation asks for an authenticator app. Set up another one instead."
        )
        return redirect("admin:security")
    second_factor.remove(user=user, actor=Actor.of_request(request))
    update_session_auth_hash(request, user)
    messages.success(request, "Your account is protected by its password alone now.")
    return redirect("admin:security")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End every session and token of one's own, this one too."""
    sign_out_everywhere(user=_me(request), actor=Actor.of_request(request))
    logout(request)
    return redirect("admin:login")


def _show_backup_codes(request: HttpRequest, codes: list[str], next_url: str = "") -> HttpResponse:
    context = {"title": "Your backup codes", "codes": codes, "next_url": next_url}
    return _page(request, "console/security/backup_codes.html", context)


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})


def _qr_code(uri: str) -> str:
    svg = segno.make(uri, error="m").svg_inline(scale=5, border=3, dark="#000", light="#fff", omitsize=True)
    return mark_safe(svg)  # noqa: S308 - drawn by segno: paths and numbers, none of the text in it


def _me(request: HttpRequest) -> User:
    return cast(User, request.user)
