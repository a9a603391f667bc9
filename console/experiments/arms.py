"""The arms in the form of an experiment."""

from __future__ import annotations

from typing import Any

from django import forms
from unfold.admin import StackedInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminSelectWidget

from console.choices import ModelNameInput
from orchestration.experiments.errors import ArmInUse
from orchestration.models import Experiment, ExperimentArm
from providers.stored_prompts import names_by_task, prompts_of
from providers.tasks import TASKS

# What an arm's figures are about.
_WAYS = frozenset({"provider_config", "model_name", "prompt_version"})


class ArmForm(forms.ModelForm):  # type: ignore[type-arg]
    prompt_version = forms.ChoiceField(required=False, label="Prompt", widget=UnfoldAdminSelectWidget)

    class Meta:
        model = ExperimentArm
        fields = ("name", "weight", "provider_config", "model_name", "prompt_version")
        labels = {"model_name": "Model"}
        widgets = {"model_name": ModelNameInput(models_of="provider_config")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["prompt_version"].choices = _prompt_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        if typed.get("model_name") and not typed.get("provider_config"):
            self.add_error("model_name", "Choose the provider whose model this is.")
        return typed


class ArmFormSet(PaginationInlineFormSet):
    # What somebody else changed of the same fields (`console.inline_conflicts`).
    refusal = ""

    def clean(self) -> None:
        super().clean()
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        for form in self.forms:
            if form in self.deleted_forms:
                self._refuse_to_lose(form)
            else:
                self._refuse_to_change(form)
                self._refuse_unknown_prompt(form)

    def _refuse_to_lose(self, form: forms.BaseForm) -> None:
        if self._has_run(form):
            raise forms.ValidationError(ArmInUse.message)

    def _refuse_to_change(self, form: forms.BaseForm) -> None:
        if self._has_run(form):
            for name in _WAYS.intersection(form.changed_data):
                form.add_error(name, ArmInUse.message)

    def _refuse_unknown_prompt(self, form: forms.BaseForm) -> None:
        task = TASKS.get(self.instance.task)
        version = getattr(form, "cleaned_data", {}).get("prompt_version")
        if task and version and version not in (known_ones := prompts_of(task)):
            known = ", ".join(known_ones)
            form.add_error("prompt_version", f"{task.label} has no such prompt, but {known}.")

    def _has_run(self, form: Any) -> bool:
        return bool(form.instance.pk and self.instance.started_at)


class ArmInline(StackedInline):
    model = ExperimentArm
    form = ArmForm
    formset = ArmFormSet
    fk_name = "experiment"
    fields = (("name", "weight"), ("provider_config", "model_name"), "prompt_version")
    verbose_name = "arm"

    def get_extra(self, request: Any, obj: Experiment | None = None, **kwargs: Any) -> int:
        return 0 if obj else 2

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.is_relation:
            # The links beside it would lead out of a form that is half filled in.
            for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
                setattr(field.widget, link, False)
        return field


def _prompt_choices() -> list[tuple[str, str]]:
    """Every version there is; those that not every task has say which do."""
    tasks_of: dict[str, list[str]] = {}
    for slug, versions in names_by_task().items():
        for version in versions:
            tasks_of.setdefault(version, []).append(TASKS[slug].label)
    named = [
        (version, version if len(labels) == len(TASKS) else f"{version} ({', '.join(labels)})")
        for version, labels in tasks_of.items()
    ]
    return [("", "As in force"), *named]
