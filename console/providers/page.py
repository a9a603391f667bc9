"""The page of one provider: its sections, and the form for a new one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.audit import Actor
from accounts.edit_conflicts import EditConflict
from accounts.errors import DomainError
from accounts.step_up import require_fresh
from console.audit_history import AuditHistory
from console.edit_conflicts import SeenStateForm
from console.providers import held_keys
from console.providers.forms import AIProviderConfigForm
from console.providers.sections import address_of, head_of, section_of
from providers.adapters.credential_check import CredentialCheck
from providers.capabilities.shortcomings import shortcomings_of
from providers.configs import changes
from providers.configs.consequences import contradictions_in
from providers.credentials import trials
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES

_NEW = (
    (None, {"fields": ("provider_type", "display_name")}),
    ("Key", {"fields": ("api_key", "base_url", "credential_test", "save_anyway", "key_expires_at")}),
    ("Models", {"fields": ("model_name", "quality_model_name")}),
    ("Routing", {"fields": ("tasks", "is_active")}),
)
_ONE_WAY_TO_SAVE = {"show_save_and_continue": False, "show_save_and_add_another": False}


class ProviderPage(AuditHistory):
    """Mix in before ModelAdmin. Each section is a form of its own with its own address, so that a mistake in
    one cannot lose what was typed in another; a key that exists changes by `api_keys.rotate` only."""

    form = AIProviderConfigForm
    change_form_before_template = "console/providers/kept.html"
    object_history_template = "console/providers/history.html"

    def get_fieldsets(self, request: HttpRequest, obj: AIProviderConfig | None = None) -> Any:
        if obj is None:
            return _NEW
        section = section_of(request)
        return ((None, {"fields": (*section.fields, *section.shown)}),)

    def get_readonly_fields(
        self, request: HttpRequest, obj: AIProviderConfig | None = None
    ) -> tuple[str, ...]:
        return ("credential_test", "use_so_far")

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # noqa: FBT001 - Django's
        **kwargs: Any,
    ) -> type[AIProviderConfigForm]:
        form: Any = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        bases = (SeenStateForm, form) if obj else (form,)
        own = {"key_check": getattr(request, "key_check", None), "state_of": staticmethod(_state_of)}
        answered: type[AIProviderConfigForm] = type(form.__name__, bases, own)
        return answered

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        obj = self._shown(request, object_id)
        extra_context = {**(extra_context or {}), **_ONE_WAY_TO_SAVE}
        if obj is not None:
            extra_context |= self._context_of(request, obj, section_of(request).slug)
        token = self._ask_vendor(request) if request.method == "POST" and object_id is None else ""
        try:
            response = super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc]
        except (EditConflict, changes.KeyNeeded) as error:
            # Saved by somebody else in the moment between this form's check and its own saving.
            self.message_user(request, error.message, messages.ERROR)  # type: ignore[attr-defined]
            return HttpResponseRedirect(request.get_full_path())
        if token and "adminform" in (getattr(response, "context_data", None) or {}):
            response.context_data["adminform"].form.keep_key(token)
        return response

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self._shown(request, object_id)
        own = self._context_of(request, obj, "history") if obj else {}
        return super().history_view(request, object_id, {**(extra_context or {}), **own})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor = Actor.of_request(request)
        if change:
            saved = changes.update(
                actor=actor,
                config_id=obj.pk,
                fields=form.console_fields(),
                version=parse_datetime(form.checked_state),
            )
            if form.kept:
                self.message_user(request, form.kept, messages.WARNING)  # type: ignore[attr-defined]
        else:
            saved = changes.create(
                actor=actor,
                provider_type=form.cleaned_data["provider_type"],
                api_key=form.cleaned_data["api_key"],
                fields=form.console_fields(),
                check=form.key_check,
            )
        obj.pk = saved.pk
        obj.refresh_from_db()
        told = [shortcoming.message for shortcoming in shortcomings_of(saved)]
        if form.key_check is not None and form.key_check.lacks_model:
            told.insert(0, form.key_check.message)
        for sentence in (*told, *contradictions_in(saved)):
            self.message_user(request, sentence, messages.WARNING)  # type: ignore[attr-defined]

    def response_post_save_add(self, request: HttpRequest, obj: AIProviderConfig) -> HttpResponse:
        return HttpResponseRedirect(address_of(obj.pk, "overview"))

    def response_post_save_change(self, request: HttpRequest, obj: AIProviderConfig) -> HttpResponse:
        return HttpResponseRedirect(address_of(obj.pk, section_of(request).slug))

    def credential_test(self, obj: AIProviderConfig | None) -> str:
        return render_to_string("console/providers/credential_test.html")

    credential_test.short_description = "test"  # type: ignore[attr-defined]

    def use_so_far(self, obj: AIProviderConfig | None) -> str:
        return render_to_string("console/providers/use_so_far.html", {"config": obj})

    use_so_far.short_description = "used so far"  # type: ignore[attr-defined]

    def _shown(self, request: HttpRequest, object_id: str | None) -> AIProviderConfig | None:
        """The provider of this address, for who may look at it."""
        if object_id is None:
            return None
        obj: AIProviderConfig | None = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        may = obj is not None and self.has_view_or_change_permission(request, obj)  # type: ignore[attr-defined]
        return obj if may else None

    def _context_of(self, request: HttpRequest, obj: AIProviderConfig, current: str) -> dict[str, Any]:
        return {
            "head": head_of(obj, current, now=timezone.now()),
            "section": current,
            "can_change": self.has_change_permission(request, obj),  # type: ignore[attr-defined]
            "key_is_optional": PROVIDER_TYPES[obj.provider_type].base_url_required,
        }

    def _ask_vendor(self, request: HttpRequest) -> str:
        """Ask about a new provider's key before the add view opens its transaction; the form heeds the
        answer. Returns the key as a sealed token, should the form be shown again."""
        if not self.has_add_permission(request):  # type: ignore[attr-defined]
            return ""
        api_key = held_keys.typed_or_held(request)
        typed = request.POST.copy()
        typed["api_key"] = api_key
        request.POST = typed  # type: ignore[assignment]
        token = held_keys.hold(request, api_key) if api_key else ""
        form = self.get_form(request)(typed)
        if not form.is_valid():
            return token
        require_fresh(request)
        given = form.cleaned_data
        try:
            check = trials.try_out(
                actor=Actor.of_request(request),
                provider_type=given["provider_type"],
                api_key=given["api_key"],
                base_url=given["base_url"],
                model_name=given["model_name"],
            )
        except DomainError as error:
            check = CredentialCheck(is_valid=False, message=error.message, latency_ms=0)
        request.key_check = check  # type: ignore[attr-defined]
        return token


def _state_of(config: AIProviderConfig) -> str:
    """Moved by every change of a setting, but not by a test, which nobody need be told of."""
    return config.updated_at.isoformat()
