"""How each task is spread, bounded, put, cached and voted on, in the console."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from console.audited import AuditedAdmin
from console.lists import figure
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import PolicyInForce
from providers.stored_prompts import prompts_of, stored_versions
from providers.tasks import TASKS, task_type, version_in_force


class TaskPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Offers the tasks that have no policy yet, and a policy only the prompts of its task."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "task" in self.fields:
            taken = set(TaskPolicy.objects.values_list("task", flat=True))
            free = [(task.slug, task.label) for task in TASKS.values() if task.slug not in taken]
            self.fields["task"].widget.choices = [("", "Choose a task"), *free]
        versions = tuple(prompts_of(task_type(self.instance.task))) if self.instance.task else ()
        if versions:
            choices = [("", f"{versions[0]} (the task's first)"), *((name, name) for name in versions)]
            self.fields["prompt_version"].widget = UnfoldAdminSelectWidget(choices=choices)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        task, version = self.instance.task or data.get("task"), data.get("prompt_version")
        if task and version and version not in prompts_of(task_type(task)):
            known = ", ".join(prompts_of(task_type(task)))
            self.add_error("prompt_version", f"This task has no such prompt; choose one of: {known}.")
        return data


@admin.register(TaskPolicy)
class TaskPolicyAdmin(AuditedAdmin, ModelAdmin):  # type: ignore[misc]
    form = TaskPolicyForm
    keeps_order = "a row a task, by its name"
    list_display = ["task", "strategy", "is_sticky", "deadline", "cache", "votes", "prompt"]
    audit_leaves_out = ("updated_at",)
    fieldsets = [
        (None, {"fields": ("task", "prompt_version")}),
        ("Which provider", {"fields": ("strategy", "is_sticky", "votes")}),
        ("How it is asked", {"fields": ("reasoning_effort", "service_tier", "prompt_cache")}),
        ("Bounds", {"fields": ("deadline_seconds", "cache_seconds")}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: TaskPolicy | None = None) -> tuple[str, ...]:
        return ("task",) if obj else ()

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        stored = stored_versions()
        for row in changelist.result_list:
            row.stored = stored
        return changelist

    @figure
    @admin.display(description="Deadline", ordering="deadline_seconds")
    def deadline(self, row: TaskPolicy) -> str:
        return f"{PolicyInForce.of_row(row).deadline:g} s"

    @figure
    @admin.display(description="Cache", ordering="cache_seconds")
    def cache(self, row: TaskPolicy) -> str:
        seconds = PolicyInForce.of_row(row).cache_seconds
        return f"{seconds / 3600:g} h" if seconds else "off"

    @admin.display(description="Prompt", ordering="prompt_version")
    def prompt(self, row: TaskPolicy) -> str:
        """What is asked by, which is not what was written once the version it names is none any more."""
        return version_in_force(task_type(row.task), row.prompt_version, stored=row.stored)  # type: ignore[attr-defined]
