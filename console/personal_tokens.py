"""Personal access tokens in the console: seen by super-admins, and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import PersonalToken
from console.read_only import ReadOnlyAdminMixin

EXPIRES_SOON = timedelta(days=14)


@admin.register(PersonalToken)
class PersonalTokenAdmin(ReadOnlyAdminMixin, ModelAdmin):  # type: ignore[misc]
    """People make their own; what a super-admin does with one is to end it."""

    comes_first = "tokens that expire within two weeks, then those in use; what was revoked stands last"
    list_display = ["name", "begins_with", "user", "state", "may_use", "last_use", "expiry"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), ("expires_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["user__email", "name", "hint"]
    search_help_text = "An email, a name, or how the token begins."
    actions = ["revoke"]
    exclude = ["digest", "hint", "tasks", "model_names"]
    readonly_fields = ["begins_with", "state", "may_use"]

    def in_trouble(self, request: HttpRequest) -> list[Q]:
        now = timezone.now()
        counts = Q(revoked_at=None)
        is_over, soon = Q(expires_at__lte=now), Q(expires_at__gt=now, expires_at__lte=now + EXPIRES_SOON)
        return [counts & soon, counts & ~is_over, counts]

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[PersonalToken]) -> None:
        actor = Actor.of_request(request)
        ended = [personal_tokens.revoke(token=token, actor=actor) for token in queryset]
        self.message_user(request, f"Revoked: {sum(ended)}. Their next calls are refused.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="begins with", ordering="hint")
    def begins_with(self, token: PersonalToken) -> str:
        return f"{token.hint}…"

    @display(description="state", label={"active": "success", "expired": "warning", "revoked": "danger"})
    def state(self, token: PersonalToken) -> str:
        return token.state_at(timezone.now())

    @display(description="may use")
    def may_use(self, token: PersonalToken) -> str:
        tasks = ", ".join(token.tasks) or "all tasks"
        return f"{tasks}; {', '.join(token.model_names) or 'all models'}"

    @display(description="last used", ordering="last_used_at")
    def last_use(self, token: PersonalToken) -> str:
        return _moment(token.last_used_at) or "never"

    @display(description="expires", ordering="expires_at")
    def expiry(self, token: PersonalToken) -> str:
        return _moment(token.expires_at) or "never"


def _moment(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if value else ""
