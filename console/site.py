"""The one admin site: super-admins only, with their second factor, and every refusal in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from unfold.sites import UnfoldAdminSite

from accounts.audit import Actor, record_alone
from accounts.permissions import REFUSED, is_super_admin
from accounts.refusals import record_refusal
from accounts.step_up import missing_factor, require_fresh
from console import queries
from console.security import confirmation, pages
from console.security.forms import ConsoleLoginForm
from console.security.passwords import OwnPasswordView

View = Callable[..., HttpResponse]


class ConsoleSite(UnfoldAdminSite):
    """Views of the console may raise StepUpRequired (`accounts.step_up.require_fresh`) anywhere: the person
    is asked for a code, and then the view runs again with the form that was sent."""

    login_form = ConsoleLoginForm

    def has_permission(self, request: HttpRequest) -> bool:
        return is_super_admin(request.user) and missing_factor(request) is None

    def get_urls(self) -> list[Any]:
        own = [
            path("confirm/", pages.half_open(pages.confirm), name="confirm"),
            path("security/", self.admin_view(pages.security), name="security"),
            path("security/authenticator/", pages.half_open(pages.enrol), name="enrol"),
            path("security/backup-codes/", self.admin_view(pages.backup_codes), name="backup_codes"),
            path("security/remove/", self.admin_view(pages.remove), name="remove_second_factor"),
            path("security/sign-out/", self.admin_view(pages.sign_out), name="sign_out_everywhere"),
        ]
        return own + super().get_urls()

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().login(request, extra_context)
        if getattr(request, "axes_locked_out", False):
            response.status_code = 429
        elif request.method == "POST" and isinstance(response, HttpResponseRedirect):
            record_alone(action="login", actor=Actor.of_request(request), target=request.user)
            if missing_factor(request):
                return confirmation.ask_first(request, next_url=response.url)
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        require_fresh(request)
        request.current_app = self.name
        context = {**self.each_context(request), **(extra_context or {})}
        return OwnPasswordView.as_view(extra_context=context)(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        if self.has_permission(request):
            context["account_links"] = [
                {"title": "Security", "link": reverse("admin:security")},
                {"title": "Change password", "link": reverse("admin:password_change")},
                *context["account_links"],
            ]
        return context

    def admin_view(self, view: View, cacheable: bool = False) -> Any:  # type: ignore[override]  # noqa: FBT001
        inner = super().admin_view(view, cacheable)

        def door(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if refused := self._refuse(request):
                return refused
            try:
                return confirmation.run(
                    request, lambda: queries.serve(request, lambda: inner(request, *args, **kwargs))
                )
            except PermissionDenied:
                self._write_refusal(request, "permission_denied")
                raise

        return update_wrapper(door, inner)

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        """What a person who may not pass gets, where Django's own redirect to the login is not enough."""
        if not request.user.is_authenticated:
            return None
        if not is_super_admin(request.user):
            self._write_refusal(request, "not_super_admin")
            return None
        missing = missing_factor(request)
        if missing is None:
            return None
        if request.path == reverse("admin:logout"):
            return self.logout(request)
        self._write_refusal(request, missing.code)
        return confirmation.ask_first(request, next_url=confirmation.came_for(request))

    @staticmethod
    def _write_refusal(request: HttpRequest, reason: str) -> None:
        record_refusal(request=request, door="admin", action=REFUSED, reason=reason)
