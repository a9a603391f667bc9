"""Which of a task's prompts a user gets: what a caller asks before it builds one."""

from __future__ import annotations

from accounts.concurrency import in_database_thread
from accounts.models import User
from orchestration.experiments.assignment import assigned_arm
from orchestration.routing.snapshot import RoutingSnapshot, current_snapshot
from providers.tasks import task_type


async def prompt_version_for(user: User, task: str) -> str:
    """One of the task's `prompt_versions`: that of the user's arm in the running experiment, else the one
    the task's policy names, else the first. Pass it on to `AIOrchestrator.generate`."""
    kind = task_type(task)
    if len(kind.prompt_versions) == 1:
        # Nothing to choose, so no hop to the database.
        return kind.prompt_versions[0]
    snapshot = await in_database_thread(current_snapshot)
    return prompt_version_in(snapshot, user_id=user.pk, task=task)


def prompt_version_in(snapshot: RoutingSnapshot, *, user_id: int, task: str) -> str:
    """`prompt_version_for` as of a snapshot."""
    experiment = snapshot.experiments.get(task)
    arm = assigned_arm(experiment, user_id) if experiment else None
    in_force = snapshot.policy_of(task).prompt_version
    return task_type(task).prompt_version(arm.prompt_version if arm else "", in_force)
