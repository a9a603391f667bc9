"""The kinds of work the product asks of a model. Adding one is an entry here and a prompt at its use."""

from dataclasses import dataclass
from typing import Literal

Tier = Literal["fast", "quality"]

# What a program asks that names a model and no task of ours.
CHAT = "chat"


@dataclass(frozen=True, slots=True)
class TaskType:
    """`flag` is the AIProviderConfig column that makes a config the default for this task; empty for tasks
    added later, which use the config's `extra_default_tasks`. `tier` applies to plans without a row of their
    own. `max_output_tokens` bounds the reply and sizes the reservation; `usual_output_tokens` is what a
    reply takes as a rule: with that much left of a quota the call is still made. `needs_vision` is for tasks
    that make no sense without an image. `blocked_fails_over`: whether another vendor may be asked after a
    safety block. `prompt_versions` names the prompts that the app which asks keeps for it, the default first.
    `cache_seconds`: how long a reply may be given again to the same user for the same question; 0 is never.
    """

    slug: str
    label: str
    flag: str = ""
    tier: Tier = "fast"
    max_output_tokens: int = 2048
    usual_output_tokens: int = 1024
    needs_vision: bool = False
    blocked_fails_over: bool = False
    prompt_versions: tuple[str, ...] = ("standard",)
    cache_seconds: int = 0

    def prompt_version(self, *wanted: str) -> str:
        """The first of `wanted` that the task has a prompt for, else the default: a row of the database may
        name one that a release has taken away."""
        known = (version for version in wanted if version in self.prompt_versions)
        return next(known, self.prompt_versions[0])


TASKS: dict[str, TaskType] = {
    task.slug: task
    for task in (
        TaskType(
            "extraction",
            "Job extraction",
            flag="default_for_extraction",
            max_output_tokens=1536,
            usual_output_tokens=512,
            prompt_versions=("standard", "brief"),
            cache_seconds=86_400,
        ),
        TaskType(
            "cv_draft",
            "CV drafting",
            flag="default_for_cv_draft",
            max_output_tokens=4096,
            usual_output_tokens=2048,
        ),
        TaskType(
            "cover_letter",
            "Cover letters",
            flag="default_for_cover_letter",
            max_output_tokens=3072,
            usual_output_tokens=1024,
            prompt_versions=("standard", "evidence"),
        ),
        TaskType(
            "extraction_validation",
            "Image validation",
            flag="default_for_validation",
            max_output_tokens=256,
            usual_output_tokens=96,
            needs_vision=True,
        ),
        TaskType(
            "grounding",
            "Fact check of drafts",
            max_output_tokens=1536,
            usual_output_tokens=512,
            cache_seconds=86_400,
        ),
        TaskType(
            "profile_import",
            "Reading of CVs into profiles",
            max_output_tokens=8192,
            usual_output_tokens=2048,
        ),
        TaskType(CHAT, "Free-form chat", max_output_tokens=4096, usual_output_tokens=512),
    )
}


def task_type(slug: str) -> TaskType:
    """The registered task; a slug that is not registered is a programming error (KeyError)."""
    return TASKS[slug]


def task_choices() -> list[tuple[str, str]]:
    """Slugs and labels for a field; a model that takes the function needs no migration for a new task."""
    return [(task.slug, task.label) for task in TASKS.values()]
