"""The form of one provider, and the small one that rotates a key."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from providers.adapters.credential_check import CredentialCheck
from providers.addresses import validate_base_url
from providers.configs import changes
from providers.credentials import checks
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS, task_choices

_MODEL_INPUT = UnfoldAdminTextInputWidget(attrs={"list": "known-models", "autocomplete": "off"})


class AIProviderConfigForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new provider, or one section of one that exists: its key and address change by `RotateKeyForm` only.

    `key_check` is what the vendor said of a new key, asked before the form's transaction began; None when
    there was nothing to ask. `held_key` is the sealed key of a form that is shown again.
    """

    key_check: CredentialCheck | None = None
    held_key = ""

    api_key = forms.CharField(
        label="API key",
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    save_anyway = forms.BooleanField(
        label="Save without a check",
        required=False,
        # Offered only once the vendor said nothing about the key; see `_heed`.
        widget=forms.HiddenInput,
        help_text="The key is tested when you next press “Test”. A key the vendor refuses is never stored.",
    )
    tasks = forms.MultipleChoiceField(
        label="First choice for",
        required=False,
        choices=task_choices(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = AIProviderConfig
        # Not is_default: only one can be, so taking its place is an action of its own.
        fields = (
            "provider_type",
            "display_name",
            "description",
            "is_active",
            "key_expires_at",
            "model_name",
            "quality_model_name",
            "base_url",
            "timeout",
            "daily_token_limit",
            "monthly_token_limit",
            "daily_cost_limit_usd",
            "monthly_cost_limit_usd",
            "requests_per_minute",
            "max_concurrent_calls",
            "priority",
            "weight",
        )
        labels = {
            "is_active": "Active",
            "base_url": "Base URL",
            "quality_model_name": "Model for quality",
            "key_expires_at": "Key expires",
        }
        widgets = {
            "model_name": _MODEL_INPUT,
            "quality_model_name": _MODEL_INPUT,
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.base_fields.keys() - set(self._meta.fields or ()):
            del self.fields[name]
        if "tasks" in self.fields:
            self.fields["tasks"].initial = sorted(self.instance.default_tasks())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.instance.pk:
            self._refuse_unusable(cleaned)
        if self.key_check is not None and not self.errors:
            self._heed(self.key_check, save_anyway=bool(cleaned.get("save_anyway")))
        return cleaned

    def keep_key(self, token: str) -> None:
        """Show the form again with the key that was typed, as a sealed token, unless the key is at fault."""
        if token and "api_key" not in self.errors:
            self.held_key = token
            self.fields["api_key"].widget.attrs["placeholder"] = "kept as you typed it"
            self["api_key"].help_text = "The key you typed is kept. Type another one to replace it."

    def _refuse_unusable(self, cleaned: dict[str, Any]) -> None:
        provider_type, base_url = cleaned.get("provider_type", ""), cleaned.get("base_url", "")
        if provider_type not in PROVIDER_TYPES or "base_url" in self.errors or "api_key" in self.errors:
            return
        complaint = checks.validate_key_format(
            provider_type=provider_type, api_key=cleaned["api_key"], base_url=base_url
        )
        if complaint:
            needs_address = PROVIDER_TYPES[provider_type].base_url_required and not base_url
            self.add_error("base_url" if needs_address else "api_key", complaint)

    def _heed(self, check: CredentialCheck, *, save_anyway: bool) -> None:
        if check.is_valid is False:
            self.add_error("api_key", f"{check.message} Nothing was stored. Enter the key again.")
        elif not check.is_lasting and not save_anyway:
            self.fields["save_anyway"].widget = UnfoldBooleanWidget()
            sentence = f"{check.message} Nothing was stored. Try again, or tick this to save without a check."
            self.add_error("save_anyway", sentence)

    def console_fields(self) -> dict[str, Any]:
        """What the console is to write: everything for a new provider, else what this person changed."""
        names = self.changed_data if self.instance.pk else self.cleaned_data
        fields = {name: self.cleaned_data[name] for name in names if name in changes.EDITABLE}
        if "tasks" in names:
            fields |= _task_fields(self.instance, set(self.cleaned_data["tasks"]))
        return fields


def _task_fields(config: AIProviderConfig, chosen: set[str]) -> dict[str, Any]:
    """The columns behind the task checkboxes. A stored task that is not registered here stays."""
    fields: dict[str, Any] = {task.flag: task.slug in chosen for task in TASKS.values() if task.flag}
    unregistered = [slug for slug in config.extra_default_tasks if slug not in TASKS]
    added = [task.slug for task in TASKS.values() if not task.flag and task.slug in chosen]
    return {**fields, "extra_default_tasks": [*unregistered, *added]}


class TypedKeyForm(forms.Form):
    """What "Test credentials" is asked about, read as saving reads it."""

    provider_type = forms.CharField(required=False)
    api_key = forms.CharField(required=False, max_length=500)
    base_url = forms.CharField(required=False, max_length=500)
    model_name = forms.CharField(required=False, max_length=200)


class RotateKeyForm(forms.Form):
    """A new key for one provider, and the address it is for where the card has a field for that."""

    api_key = forms.CharField(label="New API key", required=False, max_length=500)
    base_url = forms.CharField(
        label="Base URL", required=False, max_length=500, validators=[validate_base_url]
    )
    key_expires_on = forms.DateField(label="Expires on", required=False)
    save_anyway = forms.BooleanField(label="Save without a check", required=False)
