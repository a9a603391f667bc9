"""What a provider's models cannot do of the work it is first choice for. Told when it is saved; nothing is
refused, because routing passes such a model over or makes up for what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from providers.capabilities.facts import UNKNOWN, CapabilityMatrix
from providers.capabilities.matrix import load_matrix, retired_models
from providers.health import reached_only
from providers.model_names import plain_name
from providers.models import AIProviderConfig
from providers.tasks import TASKS, TaskType


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """`code` is `unknown_model`, `no_vision`, `no_structured_output`, `retired_model` or `unproven_key`;
    `tasks` are slugs of the tasks concerned; `message` is a sentence or two for a person."""

    code: str
    model_name: str
    tasks: tuple[str, ...]
    message: str


def shortcomings_of(config: AIProviderConfig) -> tuple[Shortcoming, ...]:
    """Of both its models, by the capability matrix as it stands (two queries)."""
    matrix, retired = load_matrix(), retired_models(config.provider_type)
    # The default is first choice for whatever nobody else is.
    slugs = TASKS.keys() if config.is_default else config.default_tasks()
    tasks = [task for slug, task in TASKS.items() if slug in slugs]
    found: list[Shortcoming] = []
    if reached := reached_only(config):
        found.append(Shortcoming("unproven_key", config.model_name, (), reached))
    for model_name in dict.fromkeys(filter(None, (config.model_name, config.quality_model_name))):
        found += _missing(config.provider_type, model_name, tasks, matrix)
        if plain_name(model_name) in retired:
            sentence = (
                f"The vendor's list no longer names {model_name}. Calls still go to it; choose another."
            )
            found.append(Shortcoming("retired_model", model_name, (), sentence))
    return tuple(found)


def _missing(
    provider_type: str, model_name: str, tasks: list[TaskType], matrix: CapabilityMatrix
) -> Iterator[Shortcoming]:
    can = matrix.of(provider_type, model_name)
    slugs = tuple(task.slug for task in tasks)
    if can == UNKNOWN:
        sentence = (
            f"Nothing is known of what {model_name} can do: pictures never go to it, and it is asked for "
            "forms by prompt. Say what it can do under Model capabilities."
        )
        yield Shortcoming("unknown_model", model_name, slugs, sentence)
        return
    with_pictures = [task for task in tasks if task.needs_vision]
    if with_pictures and not can.vision:
        labels = ", ".join(task.label for task in with_pictures)
        sentence = f"{model_name} does not see pictures: {labels} goes to other providers, or is refused."
        yield Shortcoming("no_vision", model_name, tuple(task.slug for task in with_pictures), sentence)
    # Every task asks for a form.
    if tasks and not can.structured_output:
        sentence = (
            f"{model_name} has no structured output: providers that have it are asked first, and this one by "
            "prompt, which fails more often."
        )
        yield Shortcoming("no_structured_output", model_name, slugs, sentence)
