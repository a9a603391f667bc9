"""People in the console: a page each, with what they may use, what they used, and what lets them in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import UserChangeForm, UserCreationForm

from accounts import leaving, logins, personal_tokens, tokens
from accounts.audit import Actor, record
from accounts.models import Role, User
from accounts.passwords import PersonChanged
from accounts.step_up import require_fresh
from console.audited import AuditedAdmin
from console.choices import ZoneSelect
from console.people.deletion import consequences
from console.people.person import person_page
from console.people.trouble import LOCKED_OUT, NEARLY, USED_UP, people_in_trouble
from console.security.passwords import PersonPasswordForm

# What a person may do follows from the role alone.
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(AuditedAdmin, BaseUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Changing or deleting a person asks for a fresh second factor. Nobody takes their own access away: the
    last super-admin could otherwise lock everybody out."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = PersonPasswordForm
    change_form_template = "console/people/person.html"
    delete_confirmation_template = delete_selected_confirmation_template = "console/people/delete.html"
    audit_leaves_out = ("password", "last_login", "token_version", "kept_quota_windows")

    comes_first = "who is locked out, then whose quota is used up, then whose is nearly"
    list_display = ["email", "full_name", "role", "trouble", "is_active", "joined"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "full_name"]
    ordering = ["email"]

    fieldsets = [
        ("Account", {"fields": ["email", "full_name", "time_zone", "role", "is_active"]}),
    ]
    add_fieldsets = (  # type: ignore[assignment]
        (None, {"classes": ["wide"], "fields": ["email", "full_name", "password1", "password2"]}),
    )

    class Media:
        css = {"all": ("console/usage.css", "console/people.css")}

    def worst_ids(self, request: HttpRequest) -> list[int]:
        return [pk for ids in _trouble_of(request).values() for pk in ids]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        words = {pk: word for word, ids in _trouble_of(request).items() for pk in ids}
        for person in changelist.result_list:
            person.in_words = words.get(person.pk, "")
        return changelist

    @display(
        description="trouble",
        label={LOCKED_OUT: "danger", USED_UP: "danger", NEARLY: "warning"},
    )
    def trouble(self, person: Any) -> str:
        return str(person.in_words)

    @admin.display(description="joined (UTC)", ordering="date_joined")
    def joined(self, person: User) -> str:
        return f"{person.date_joined:%Y-%m-%d}"

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "time_zone":
            kwargs["widget"] = ZoneSelect
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/end-login/<uuid:of>/", wrap(self._ending(_end_login)), name="end_login"),
            path("<int:pk>/end-token/<int:of>/", wrap(self._ending(_end_token)), name="end_token"),
            path("<int:pk>/sign-out/", wrap(self._ending(_sign_out)), name="sign_person_out"),
        ]
        return own + super().get_urls()

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return ["is_active", "role"] if obj == request.user else []

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return (obj is None or obj != request.user) and super().has_delete_permission(request, obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        _fresh_to_send(request)
        person = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if person is not None and request.method == "GET":
            context["person"] = person_page(user=person, now=timezone.now())
        response: HttpResponse = super().change_view(request, object_id, form_url, context)
        return response

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        _fresh_to_send(request)
        response: HttpResponse = super().delete_view(request, *args, **kwargs)
        return response

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], Any, set[str], list[str]]:
        """What goes and what stays, in sentences; who runs the installation is protected."""
        people = list(objs)
        in_charge = [str(person) for person in people if person.role != Role.USER]
        return consequences(people), {}, set(), in_charge

    # In place of what AuditedAdmin does: an entry with the person's data would keep what is to be forgotten.

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        leaving.forget(users=[obj], actor=Actor.of_request(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        require_fresh(request)
        leaving.forget(users=list(queryset), actor=Actor.of_request(request))

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

    def _ending(self, end: Callable[[User, Any, Actor], str]) -> Callable[..., HttpResponse]:
        """POST: end what lets the person in, and show what came of it."""

        @require_POST
        def view(request: HttpRequest, pk: int, of: Any = None) -> HttpResponse:
            person = self.get_object(request, str(pk))
            if person is None:
                raise Http404
            if not self.has_change_permission(request, person):
                raise PermissionDenied
            require_fresh(request)
            messages.success(request, end(person, of, Actor.of_request(request)))
            return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[pk]))

        return view


def _end_login(person: User, of: Any, actor: Actor) -> str:
    ended = tokens.end_login(user=person, family_id=of, actor=actor)
    return "This login was ended." if ended else "This login had ended before."


def _end_token(person: User, of: Any, actor: Actor) -> str:
    token = person.personal_tokens.filter(pk=of).first()
    if token is None:
        raise Http404
    ended = personal_tokens.revoke(token=token, actor=actor)
    return f"{token} was revoked." if ended else f"{token} had been revoked before."


def _sign_out(person: User, of: Any, actor: Actor) -> str:
    logins.sign_out_everywhere(user=person, actor=actor)
    return f"Every session and login of {person} was ended."


def _trouble_of(request: Any) -> dict[str, list[int]]:
    """Judged once for a page: its order and its column are of the same moment."""
    if not hasattr(request, "people_in_trouble"):
        request.people_in_trouble = people_in_trouble(now=timezone.now())
    found: dict[str, list[int]] = request.people_in_trouble
    return found


def _fresh_to_send(request: HttpRequest) -> None:
    if request.method == "POST":
        require_fresh(request)
