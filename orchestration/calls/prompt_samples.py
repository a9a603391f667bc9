"""What models say by one version of a prompt and by another, for who is about to choose between them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.errors import DomainError
from accounts.models import User
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult
from providers.stored_prompts import InvalidPromptVersion
from providers.tasks import PromptVersion, TaskType


@dataclass(frozen=True, slots=True)
class Sample:
    """One version's answer, or why there is none."""

    version: str
    result: GenerationResult | None = None
    refusal: DomainError | None = None


async def samples(
    *,
    user: User,
    task: TaskType,
    versions: Sequence[PromptVersion],
    text: str,
    values: Mapping[str, str],
    said: str,
) -> list[Sample]:
    """What is answered to `said` when the versions' text of this name is the system prompt, side by side.
    Each is a call of the user's like any other, counted, billed and with its version on the usage row.
    Variables that `values` leaves out stand as their names. Raises InvalidPromptVersion when a version has no
    such text."""
    if not all(text in version.texts for version in versions):
        raise InvalidPromptVersion("The prompt has no text of this name.")
    asked = (_sample(user, task, version, _filled(version, text, values), said) for version in versions)
    return list(await asyncio.gather(*asked))


async def _sample(user: User, task: TaskType, version: PromptVersion, system: str, said: str) -> Sample:
    try:
        result = await AIOrchestrator().generate(
            user=user, task=task.slug, prompt=said, system_prompt=system, prompt_version=version.version
        )
    except DomainError as error:
        return Sample(version.version, refusal=error)
    return Sample(version.version, result=result)


def _filled(version: PromptVersion, text: str, values: Mapping[str, str]) -> str:
    names = version.texts[text].variables
    return version.text(text, **{name: values.get(name) or f"[{name}]" for name in names})
