"""The one admin site: super-admins only, with their second factor, and every refusal in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from accounts.audit import Actor, record_alone
from accounts.permissions import REFUSED, is_super_admin
from accounts.refusals import record_refusal
from accounts.step_up import missing_factor, require_fresh
from console import queries, saved_views, search
from console.choices import AmountFields
from console.labels import FieldLabels
from console.lists import ListPage
from console.security import confirmation, ended_sessions, pages
from console.security.forms import ConsoleLoginForm
from console.security.passwords import OwnPasswordView

View = Callable[..., HttpResponse]


class ConsoleSite(UnfoldAdminSite):
    """Views of the console may raise StepUpRequired (`accounts.step_up.require_fresh`) anywhere: the person
    is asked for a code, and then the view runs again with the form that was sent."""

    login_form = ConsoleLoginForm

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Every list has what `console.lists` gives it, every form what `console.choices` does, and both
        the labels of `console.labels`."""
        own = admin_class or ModelAdmin
        super().register(
            model_or_iterable, type(own.__name__, (ListPage, AmountFields, FieldLabels, own), {}), **options
        )

    def has_permission(self, request: HttpRequest) -> bool:
        return is_super_admin(request.user) and missing_factor(request) is None

    def get_urls(self) -> list[Any]:
        from console.prompts import pages as prompts  # late: its pages are of this site

        own = [
            path("confirm/", pages.half_open(pages.confirm), name="confirm"),
            path("security/", self.admin_view(pages.security), name="security"),
            path("security/authenticator/", pages.half_open(pages.enrol), name="enrol"),
            path("security/backup-codes/", self.admin_view(pages.backup_codes), name="backup_codes"),
            path("security/remove/", self.admin_view(pages.remove), name="remove_second_factor"),
            path("security/sign-out/", self.admin_view(pages.sign_out), name="sign_out_everywhere"),
        ]
        return own + saved_views.urls(self.admin_view) + prompts.urls() + super().get_urls()

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().login(request, extra_context)
        if getattr(request, "axes_locked_out", False):
            response.status_code = 429
        elif request.method == "POST" and isinstance(response, HttpResponseRedirect):
            record_alone(action="login", actor=Actor.of_request(request), target=request.user)
            if missing_factor(request):
                return confirmation.ask_first(request, next_url=response.url)
        return response

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """What is there now: unfold's keeps for five minutes what was found."""
        term = request.GET.get("s", "")
        context = {"term": term, "results": search.found(term)}
        return TemplateResponse(request, "unfold/helpers/command_results.html", context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        require_fresh(request)
        request.current_app = self.name
        context = {**self.each_context(request), **(extra_context or {})}
        return OwnPasswordView.as_view(extra_context=context)(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        if self.has_permission(request):
            context["given_back"] = ended_sessions.give_back(request)
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
                response = confirmation.run(
                    request, lambda: queries.serve(request, lambda: inner(request, *args, **kwargs))
                )
                if self.has_permission(request):
                    ended_sessions.remember_person(request, response)
                return response
            except PermissionDenied:
                self._write_refusal(request, "permission_denied")
                raise

        return update_wrapper(door, inner)

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        """What a person who may not pass gets, where Django's own redirect to the login is not enough."""
        if not request.user.is_authenticated:
            return self._after_the_end(request) if request.method == "POST" else None
        if not is_super_admin(request.user):
            self._write_refusal(request, "not_super_admin")
            return None
        missing = missing_factor(request)
        if missing is None:
            return None
        if request.path == reverse("admin:logout"):
            return self.logout(request)
        self._write_refusal(request, missing.code)
        if request.method == "POST" and not confirmation.wants_json(request):
            return confirmation.ask_first(request, next_url=ended_sessions.hold(request))
        return confirmation.ask_first(request, next_url=confirmation.came_for(request))

    @staticmethod
    def _after_the_end(request: HttpRequest) -> HttpResponse | None:
        """What a form or a script gets whose session has ended."""
        if request.path == reverse("admin:logout"):
            return None
        if confirmation.wants_json(request):
            return confirmation.refusal_as_json(confirmation.SessionEnded())
        return redirect_to_login(ended_sessions.hold(request), reverse("admin:login"))

    @staticmethod
    def _write_refusal(request: HttpRequest, reason: str) -> None:
        record_refusal(request=request, door="admin", action=REFUSED, reason=reason)
