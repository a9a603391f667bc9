"""How calls for a task are spread, bounded, cached and voted on: the registry's word, then the admin's."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from orchestration.models.policies import Strategy, TaskPolicy
from providers.tasks import task_type


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A TaskPolicy with its gaps filled. Times in seconds."""

    strategy: str
    is_sticky: bool
    deadline: float
    cache_seconds: int
    votes: int
    prompt_version: str

    @classmethod
    def of_task(cls, task: str) -> PolicyInForce:
        """What holds for a task without a row of its own."""
        return cls.of_row(TaskPolicy(task=task, strategy=Strategy.WEIGHTED))

    @classmethod
    def of_row(cls, row: TaskPolicy) -> PolicyInForce:
        cached = task_type(row.task).cache_seconds if row.cache_seconds is None else row.cache_seconds
        return cls(
            strategy=row.strategy,
            is_sticky=row.is_sticky,
            deadline=float(row.deadline_seconds or settings.CALL_DEADLINE_SECONDS),
            cache_seconds=cached,
            votes=row.votes,
            prompt_version=task_type(row.task).prompt_version(row.prompt_version),
        )
