"""What has to be so before the first call, said by `manage.py check`, and so by `migrate`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string
from pydantic import BaseModel

from providers.tasks import CHAT, TASKS, InvalidPrompt, PromptVersion, TaskType, files, versions_of


@register()
def prompts_can_be_asked_by(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each task has its prompts, and code can ask by any of them."""
    of_no_task = sorted({path.parent.name for path in files()} - TASKS.keys())
    flaws = [f"There is a prompt for {name}, which is no task." for name in of_no_task]
    for task in TASKS.values():
        # What a chat's model is told is whatever the client sends.
        if task.slug != CHAT:
            flaws += _flaws_of(task)
    return [Error(flaw, id="providers.E001") for flaw in flaws]


def _flaws_of(task: TaskType) -> Iterator[str]:
    try:
        versions = versions_of(task.slug)
    except InvalidPrompt as error:
        yield str(error)
        return
    if task.default_prompt not in versions:
        yield f"{task.slug} has no prompt {task.default_prompt}."
        return
    for version in versions.values():
        yield from version.flaws_beside(versions[task.default_prompt])
        yield from _missing_forms(version)


def _missing_forms(prompt: PromptVersion) -> Iterator[str]:
    for path in prompt.forms:
        try:
            form = import_string(path)
        except ImportError:
            form = None
        if not (isinstance(form, type) and issubclass(form, BaseModel)):
            yield f"{prompt.task}/{prompt.version}: {path} is no form."
