"""Which of a task's prompts is in force, and putting another one there."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.models import AuditEntry
from orchestration.models import Experiment, TaskPolicy
from providers.stored_prompts import UnknownPromptVersion, prompts_of, stored_versions
from providers.tasks import TaskType, version_in_force


def prompt_in_force(kind: TaskType) -> str:
    """The version that the task is asked by where no experiment says otherwise (two queries)."""
    named = TaskPolicy.objects.filter(task=kind.slug).values_list("prompt_version", flat=True).first() or ""
    return version_in_force(kind, named, stored=stored_versions())


def prompt_before(kind: TaskType) -> str:
    """The version that was in force before the one that is, by the audit trail, for who wants it back; empty
    when there was none, or it is no more."""
    policy = TaskPolicy.objects.filter(task=kind.slug).first()
    if policy is None:
        return ""
    changes = AuditEntry.objects.filter(
        target_type=policy._meta.label_lower, target_id=str(policy.pk), action="taskpolicy.changed"
    ).order_by("-number")[:50]
    for entry in changes:
        if "prompt_version" in entry.changes:
            before = entry.changes["prompt_version"][0] or kind.default_prompt
            return before if before in prompts_of(kind) and before != prompt_in_force(kind) else ""
    return ""


def consequences_of(kind: TaskType, version: str) -> list[str]:
    """What follows from putting this version in force, in sentences for who is about to: for the calls of the
    task, and for an experiment that is running."""
    was = prompt_in_force(kind)
    if was == version:
        return [f"{kind.label} is asked by {version} already: nothing changes."]
    told = [f"From the next call on, every call of {kind.label} is asked by {version} instead of {was}."]
    running = Experiment.objects.filter(task=kind.slug, status=Experiment.Status.RUNNING).first()
    arms = list(running.arms.all()) if running else []
    if following := ", ".join(arm.name for arm in arms if not arm.prompt_version):
        told.append(
            f"The experiment {running} is running. Its arms without a prompt of their own change with it "
            f"({following}), and their figures mix both prompts: stop the experiment first."
        )
    if staying := ", ".join(arm.name for arm in arms if arm.prompt_version):
        told.append(f"Whom {running} has in an arm with its own prompt stays with that ({staying}).")
    return told


def put_prompt_in_force(*, actor: Actor, kind: TaskType, version: str) -> str:
    """Have the task asked by this version, from the very next call on in every process; returns the one that
    was in force. Raises UnknownPromptVersion."""
    if version not in prompts_of(kind):
        raise UnknownPromptVersion
    with transaction.atomic():
        policy, _ = TaskPolicy.objects.select_for_update().get_or_create(task=kind.slug)
        was = version_in_force(kind, policy.prompt_version, stored=stored_versions())
        before, policy.prompt_version = policy.prompt_version, version
        if before != version:
            policy.save(update_fields=["prompt_version", "updated_at"])
            changes = {"prompt_version": [before, version]}
            audit.record(action="taskpolicy.changed", actor=actor, target=policy, changes=changes)
    return was
