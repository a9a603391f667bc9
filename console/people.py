"""People, plans, subscriptions and the audit trail in the console."""

from datetime import UTC
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import UserChangeForm, UserCreationForm

from accounts.audit import Actor, record
from accounts.models import AuditEntry, Plan, Subscription, User
from accounts.passwords import PersonChanged
from accounts.step_up import require_fresh
from console.audit_history import in_words
from console.audited import AuditedAdmin
from console.security.passwords import PersonPasswordForm

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(AuditedAdmin, BaseUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Changing or deleting a person asks for a fresh second factor. Nobody takes their own access away: the
    last super-admin could otherwise lock everybody out."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = PersonPasswordForm
    audit_leaves_out = ("password", "last_login", "token_version", "kept_quota_windows")

    list_display = ["email", "full_name", "role", "is_active", "date_joined"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "full_name"]
    ordering = ["email"]

    _access_fields = ("role", "groups", "user_permissions")
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        ("Person", {"fields": ["full_name", "time_zone", "is_active", "last_login", "date_joined"]}),
        ("Access", {"fields": _access_fields}),
    ]
    add_fieldsets = (  # type: ignore[assignment]
        (None, {"classes": ["wide"], "fields": ["email", "full_name", "password1", "password2"]}),
    )
    readonly_fields = ["last_login", "date_joined"]
    filter_horizontal = ["groups", "user_permissions"]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        own = ["is_active", *self._access_fields] if obj == request.user else []
        return [*self.readonly_fields, *own]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return (obj is None or obj != request.user) and super().has_delete_permission(request, obj)

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _fresh_to_send(request)
        response: HttpResponse = super().change_view(request, *args, **kwargs)
        return response

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _fresh_to_send(request)
        response: HttpResponse = super().delete_view(request, *args, **kwargs)
        return response

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        require_fresh(request)
        super().delete_queryset(request, queryset)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002 - Django's name
        form_url: str = "",
    ) -> HttpResponse:
        _fresh_to_send(request)
        try:
            with transaction.atomic():
                response: HttpResponse = super().user_change_password(request, id, form_url)
                if request.method == "POST" and isinstance(response, HttpResponseRedirect):
                    person = User.objects.get(pk=id)
                    record(action="user.password_set", actor=Actor.of_request(request), target=person)
        except PersonChanged as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return response


def _fresh_to_send(request: HttpRequest) -> None:
    if request.method == "POST":
        require_fresh(request)


@admin.register(Group)
class GroupAdmin(AuditedAdmin, BaseGroupAdmin, ModelAdmin):  # type: ignore[misc]
    pass


@admin.register(Plan)
class PlanAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    list_display = [
        "name",
        "slug",
        "daily_token_limit",
        "monthly_token_limit",
        "daily_cost_limit_usd",
        "monthly_cost_limit_usd",
        "requests_per_minute",
        "max_concurrent_calls",
        "is_default",
    ]
    search_fields = ["name", "slug"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # The slug is the primary key: writing another one would make a second plan.
        return ["slug"] if obj else []


@admin.register(Subscription)
class SubscriptionAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    list_display = ["user", "plan", "status", "started_at", "current_period_end"]
    list_filter = ["status", "plan"]
    search_fields = ["user__email"]
    list_select_related = ["user", "plan"]
    autocomplete_fields = ["user", "plan"]


@admin.register(AuditEntry)
class AuditEntryAdmin(ModelAdmin):
    """Read-only, for super-admins too: entries are written by `accounts.audit` and never changed."""

    list_display = ["when", "who", "action", "what", "outcome_badge", "where_from"]
    list_display_links = ["when"]
    list_filter = ["outcome", "door", "action", "actor_email", "created_at"]
    search_fields = ["actor_email", "action", "target_label", "target_id", "ip_address", "request_id"]
    list_per_page = 50
    show_full_result_count = False

    _what_fields = (
        "when",
        "action",
        "outcome",
        "target_label",
        "target_type",
        "target_id",
        "before_after",
    )
    _who_fields = ("actor_email", "door", "ip_address", "user_agent", "request_id")
    _chain_fields = ("number", "own_hash", "hash_before")
    fieldsets = [
        ("What", {"fields": _what_fields}),
        ("Who", {"fields": _who_fields}),
        ("Chain", {"fields": _chain_fields}),
    ]
    readonly_fields = [*_what_fields, *_who_fields, *_chain_fields]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="when (UTC)", ordering="number")
    def when(self, entry: AuditEntry) -> str:
        return entry.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")

    @display(description="who", ordering="actor_email")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_email or "somebody not logged in"

    @display(description="what", ordering="target_label")
    def what(self, entry: AuditEntry) -> str:
        return entry.target_label

    @display(description="from", ordering="ip_address")
    def where_from(self, entry: AuditEntry) -> str:
        return f"{entry.get_door_display()} {entry.ip_address}".strip()

    @display(
        description="outcome",
        ordering="outcome",
        label={"Done": "success", "Refused": "warning", "Failed": "danger"},
    )
    def outcome_badge(self, entry: AuditEntry) -> str:
        return entry.get_outcome_display()

    @display(description="hash")
    def own_hash(self, entry: AuditEntry) -> SafeString:
        return _breakable(entry.hash)

    @display(description="hash of the entry before")
    def hash_before(self, entry: AuditEntry) -> SafeString:
        return _breakable(entry.previous_hash)

    @display(description="before and after")
    def before_after(self, entry: AuditEntry) -> SafeString:
        rows = format_html_join("", "<div><strong>{}</strong>: {} → {}</div>", in_words(entry))
        return rows or SafeString("nothing")


def _breakable(text: str) -> SafeString:
    """Fits a phone, and is copied without gaps."""
    return format_html_join("", "{}<wbr>", [(text[at : at + 8],) for at in range(0, len(text), 8)])
