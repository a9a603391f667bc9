"""The kinds of work the product asks of a model, and what models are told for each. Adding one is an entry
here and a prompt beside its use.

A prompt is a `<app>/prompt_texts/<task>/<version>.toml`, read once: what is special about it (`about`), the
forms that are filled in by it, and its texts by name, with the variables that code puts into them. What a
version says never changes: usage rows, experiments and drafts name it. Other words are another version.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

from django.apps import apps
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FOLDER = "prompt_texts"
# The version that a task starts with.
STANDARD = "standard"

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,49}$")]
FormPath = Annotated[str, Field(pattern=r"^[a-z_.]+\.[A-Z]\w*$")]


class InvalidPrompt(ValueError):
    """A prompt that code cannot ask by, and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PromptText(_Strict):
    """Braces mean something only in a text that has variables."""

    text: Annotated[str, Field(min_length=1, max_length=20_000)]
    variables: tuple[Annotated[str, Field(pattern=r"^[a-z_]+$")], ...] = ()

    @model_validator(mode="after")
    def names_its_variables(self) -> Self:
        if self.variables and (found := _variables_in(self.text)) != set(self.variables):
            raise ValueError(f"its variables are {sorted(found)}, and it names {sorted(self.variables)}")
        return self


class PromptVersion(_Strict):
    """One version of what a model is told for a task. `forms` are the classes of the answers, by path."""

    task: Name
    version: Name
    about: Annotated[str, Field(min_length=1, max_length=200)]
    forms: Annotated[tuple[FormPath, ...], Field(min_length=1)]
    texts: Annotated[dict[Name, PromptText], Field(min_length=1)]

    def text(self, name: str, /, **values: object) -> str:
        """The text of this name, its variables replaced by `values`."""
        found = self.texts[name]
        return found.text.format(**values) if found.variables else found.text

    def flaws_beside(self, default: PromptVersion) -> list[str]:
        """Why code that asks by `default`, the task's first, could not ask by this one: it names the texts,
        and gives each the variables of the first."""
        if self.texts.keys() != default.texts.keys():
            return [f"{self.task}/{self.version} has not the texts {', '.join(default.texts)}"]
        return [
            f"{self.task}/{self.version}: its {name} has variables that {default.version} has not"
            for name, text in self.texts.items()
            if not set(text.variables) <= set(default.texts[name].variables)
        ]


# Those that people wrote, by task and version.
Versions = Mapping[tuple[str, str], PromptVersion]


def prompt_of(task: str, version: str = STANDARD) -> PromptVersion:
    """The version of the task's prompt; KeyError for one that there is not."""
    return versions_of(task)[version]


@cache
def versions_of(task: str) -> Mapping[str, PromptVersion]:
    """The task's prompts by version, read once; of a task that keeps none, nothing. Raises InvalidPrompt."""
    return MappingProxyType({path.stem: read_prompt(path) for path in files() if path.parent.name == task})


def files() -> Iterator[Path]:
    """All that are installed."""
    for app in apps.get_app_configs():
        yield from sorted(Path(app.path, FOLDER).glob("*/*.toml"))


def read_prompt(path: Path) -> PromptVersion:
    """The prompt in a file, whose path names task and version. Raises InvalidPrompt."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return PromptVersion.model_validate({**content, "task": path.parent.name, "version": path.stem})
    except (ValidationError, ValueError) as error:
        raise InvalidPrompt(f"{path.parent.name}/{path.name}: {error}") from error


def _variables_in(text: str) -> set[str]:
    """By what stands in braces, whole: what formats, converts or reaches into a value is no name."""
    return {
        f"{field}{conversion or ''}{form or ''}"
        for _, field, form, conversion in string.Formatter().parse(text)
        if field is not None
    }


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
    safety block. `default_prompt` is the version of its prompt that is used where nobody has chosen another.
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
    default_prompt: str = STANDARD
    cache_seconds: int = 0

    @property
    def prompt_versions(self) -> tuple[str, ...]:
        """The names of its built-in prompts, the default first."""
        return (
            self.default_prompt,
            *(name for name in versions_of(self.slug) if name != self.default_prompt),
        )


TASKS: dict[str, TaskType] = {
    task.slug: task
    for task in (
        TaskType(
            "extraction",
            "Job extraction",
            flag="default_for_extraction",
            max_output_tokens=1536,
            usual_output_tokens=512,
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
        TaskType("interview_prep", "Interview questions", max_output_tokens=2048, usual_output_tokens=768),
        TaskType(
            "profile_transcription",
            "Reading of scanned CVs",
            max_output_tokens=8192,
            usual_output_tokens=2048,
            needs_vision=True,
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


def version_in_force(task: TaskType, *wanted: str, stored: Versions) -> str:
    """The first of `wanted` that the task has a prompt for, else its standard one."""
    known = versions_of(task.slug)
    found = (version for version in wanted if version in known or (task.slug, version) in stored)
    return next(found, task.default_prompt)
