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
from providers.configs import changes
from providers.credentials import checks
from providers.health import key_state
from providers.models import AIProviderConfig
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS, task_choices

_MODEL_INPUT = UnfoldAdminTextInputWidget(attrs={"list": "known-models", "autocomplete": "off"})


class AIProviderConfigForm(forms.ModelForm):  # type: ignore[type-arg]
    """The key goes in and never comes out: an empty field keeps the one that is stored.

    `key_check` is what the vendor said of the key, asked before the form's transaction began; None when
    there was nothing to ask.
    """

    key_check: CredentialCheck | None = None

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
        self.fields["tasks"].initial = sorted(self.instance.default_tasks())
        if self.instance.pk:
            key = self.fields["api_key"]
            key.widget.attrs["placeholder"] = key_state(self.instance, now=self.instance.updated_at).shown
            key.help_text = "Leave empty to keep the stored key."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        provider_type = cleaned.get("provider_type") or self.instance.provider_type
        key, base_url = cleaned.get("api_key", ""), cleaned.get("base_url", "")
        if provider_type in PROVIDER_TYPES and "base_url" not in self.errors:
            self._refuse_unusable(provider_type, key, base_url)
        if self.key_check is not None and not self.errors:
            self._heed(self.key_check, save_anyway=bool(cleaned.get("save_anyway")))
        return cleaned

    def _refuse_unusable(self, provider_type: str, key: str, base_url: str) -> None:
        complaint = checks.validate_key_format(provider_type=provider_type, api_key=key, base_url=base_url)
        needs_address = PROVIDER_TYPES[provider_type].base_url_required and not base_url
        keeps_its_key = self.instance.pk and not key
        if complaint and (needs_address or not keeps_its_key):
            self.add_error("base_url" if needs_address else "api_key", complaint)
        elif keeps_its_key and "base_url" in self.changed_data and changes.has_key(self.instance):
            self.add_error("api_key", changes.KeyNeeded.message)

    def _heed(self, check: CredentialCheck, *, save_anyway: bool) -> None:
        if check.is_valid is False:
            self.add_error("api_key", f"{check.message} Nothing was stored.")
        elif not check.is_lasting and not save_anyway:
            self.fields["save_anyway"].widget = UnfoldBooleanWidget()
            sentence = f"{check.message} Nothing was stored. Try again, or tick this to save without a check."
            self.add_error("save_anyway", sentence)

    def needs_check(self) -> bool:
        """Whether saving this would store a key, or an address, that the vendor has not been asked about."""
        return not self.instance.pk or bool(self.cleaned_data["api_key"]) or "base_url" in self.changed_data

    def console_fields(self) -> dict[str, Any]:
        """What the console is to write: everything for a new provider, else what this person changed."""
        names = self.Meta.fields if not self.instance.pk else self.changed_data
        fields = {name: self.cleaned_data[name] for name in names if name in changes.EDITABLE}
        if not self.instance.pk or "tasks" in self.changed_data:
            fields |= _task_fields(self.instance, set(self.cleaned_data["tasks"]))
        return fields


def _task_fields(config: AIProviderConfig, chosen: set[str]) -> dict[str, Any]:
    """The columns behind the task checkboxes. A stored task that is not registered here stays."""
    fields: dict[str, Any] = {task.flag: task.slug in chosen for task in TASKS.values() if task.flag}
    unregistered = [slug for slug in config.extra_default_tasks if slug not in TASKS]
    added = [task.slug for task in TASKS.values() if not task.flag and task.slug in chosen]
    return {**fields, "extra_default_tasks": [*unregistered, *added]}


class RotateKeyForm(forms.Form):
    """A new key for one provider, typed on the API keys page."""

    api_key = forms.CharField(label="New API key", max_length=500)
    key_expires_on = forms.DateField(label="Expires on", required=False)
    save_anyway = forms.BooleanField(label="Save without a check", required=False)
