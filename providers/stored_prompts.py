"""Versions of prompts that people wrote, beside the files that came with the product.

A row says for ever what it said when it was made, as a file does: usage rows, experiments and drafts name it.
Reading a text asks the database once per routing revision (`orchestration.routing.snapshot`).
"""

from __future__ import annotations

import string
from collections.abc import Mapping

from django.conf import settings
from django.db import IntegrityError, models, transaction

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from providers.revision import RoutedModel, RoutedQuerySet
from providers.tasks import TASKS, PromptText, PromptVersion, TaskType, Versions, task_type, versions_of

# A draft keeps the name of the version it was written by in so many letters.
LONGEST_NAME = 20


class InvalidPromptVersion(DomainError):
    code = "invalid_prompt"
    status = 422
    message = "A model cannot be asked by this prompt."


class PromptVersionTaken(DomainError):
    code = "prompt_version_taken"
    status = 409
    message = "The task has a prompt of this name, and what it says never changes. Choose another name."


class UnknownPromptVersion(DomainError):
    code = "prompt_version_not_found"
    status = 404
    message = "The task has no prompt of this name."


class StoredPrompt(RoutedModel):
    """`texts` are those of its task's standard prompt by name, in other words. It answers in the forms of the
    version that it was made from."""

    task = models.CharField(max_length=50)
    version = models.CharField(max_length=LONGEST_NAME)
    based_on = models.CharField(max_length=50)
    about = models.CharField(max_length=200)
    texts = models.JSONField()
    forms = models.JSONField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RoutedQuerySet["StoredPrompt"].as_manager()

    class Meta:
        app_label = "providers"
        db_table = "stored_prompts"
        verbose_name = "prompt"
        ordering = ["task", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["task", "version"], name="stored_prompts_one_per_version")
        ]

    def __str__(self) -> str:
        return f"{task_type(self.task).label}: {self.version}"


def stored_versions() -> Versions:
    """By task and version (one query). What code of today cannot ask by, as after a release that gave a task
    another text, is left out: the task's policy then means the standard prompt."""
    found: dict[tuple[str, str], PromptVersion] = {}
    for row in StoredPrompt.objects.all():
        try:
            found[row.task, row.version] = _asked_by(row)
        except (DomainError, KeyError):
            continue
    return found


def prompts_of(task: TaskType) -> dict[str, PromptVersion]:
    """Every version that the task can be asked by, the standard one first (one query)."""
    built_in = {name: versions_of(task.slug)[name] for name in task.prompt_versions if versions_of(task.slug)}
    rows = {version: one for (slug, version), one in stored_versions().items() if slug == task.slug}
    return built_in | rows


def names_by_task() -> dict[str, tuple[str, ...]]:
    """The versions of every task by name, the standard one first (one query)."""
    names = {slug: list(task_type(slug).prompt_versions) for slug in TASKS}
    for slug, version in stored_versions():
        names[slug].append(version)
    return {slug: tuple(found) for slug, found in names.items()}


def add_version(
    *, actor: Actor, task: TaskType, version: str, based_on: str, about: str, texts: Mapping[str, str]
) -> PromptVersion:
    """Store a version that nobody is asked by yet. Raises UnknownPromptVersion for a `based_on` that there is
    not, PromptVersionTaken, and InvalidPromptVersion with what is wrong with the texts."""
    known = prompts_of(task)
    if based_on not in known:
        raise UnknownPromptVersion
    if version in known:
        raise PromptVersionTaken
    row = StoredPrompt(
        task=task.slug,
        version=version,
        based_on=based_on,
        about=about,
        texts=dict(texts),
        forms=list(known[based_on].forms),
        created_by=actor.user,
    )
    prompt = _asked_by(row)
    changed = [name for name, text in prompt.texts.items() if text != known[based_on].texts.get(name)]
    if not changed:
        raise InvalidPromptVersion(f"This says what {based_on} says. Change a text, or use {based_on}.")
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            audit.record(
                action="prompt.created",
                actor=actor,
                target=row,
                changes={"based_on": [None, based_on], "about": [None, about], "texts": [None, changed]},
            )
    except IntegrityError:
        raise PromptVersionTaken from None
    return prompt


def _asked_by(row: StoredPrompt) -> PromptVersion:
    """Raises InvalidPromptVersion, and KeyError for a task that is none."""
    standard = versions_of(row.task)[task_type(row.task).default_prompt]
    if len(row.version) > LONGEST_NAME:
        raise InvalidPromptVersion(f"A name has at most {LONGEST_NAME} letters.")
    try:
        texts = {
            name: PromptText(text=text, variables=_variables(text, standard.texts[name]))
            for name, text in row.texts.items()
            if name in standard.texts
        }
        prompt = PromptVersion(
            task=row.task, version=row.version, about=row.about, forms=tuple(row.forms), texts=texts
        )
    except ValueError as error:
        raise InvalidPromptVersion(_in_words(error)) from error
    if flaws := prompt.flaws_beside(standard):
        raise InvalidPromptVersion(f"{flaws[0]}.")
    return prompt


def _variables(text: str, standard: PromptText) -> tuple[str, ...]:
    """In the order of the standard prompt, then those that it does not know."""
    if not standard.variables:
        return ()
    named = {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}
    return (*(name for name in standard.variables if name in named), *sorted(named - set(standard.variables)))


def _in_words(error: ValueError) -> str:
    """The first fault that a form can show; what was typed is not repeated."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return f"A text with variables writes a brace twice where it means one: {error}."
    first = errors(include_input=False, include_url=False)[0]
    where = " ".join(str(part) for part in first["loc"]) or "the text"
    return f"{where}: {first['msg']}."
