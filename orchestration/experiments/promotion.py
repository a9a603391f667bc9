"""Putting the winning arm into force for everybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from orchestration.experiments.arms import describe, refuse_unusable, tiers_of
from orchestration.experiments.errors import ExperimentDecided, ExperimentNeverRan, ExperimentNotFound
from orchestration.experiments.lifecycle import end, locked
from orchestration.models import Experiment, ExperimentArm
from orchestration.routing.prompts import prompt_in_force, put_prompt_in_force
from providers.configs import changes
from providers.models import AIProviderConfig
from providers.tasks import TaskType, Tier, task_type

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What promoting an arm does: new values of columns by config id, the task's prompt ("" leaves it), and
    all of it in sentences for the person who decides."""

    configs: Mapping[int, Fields]
    prompt_version: str
    sentences: tuple[str, ...]


def promote(*, actor: Actor, experiment_id: int, arm_id: int) -> Promotion:
    """Make the arm the way the task is answered, and end the experiment with it as the winner; the very next
    call heeds it.

    One transaction: its provider becomes the only first choice for the task, its model that provider's model
    for the tiers the task is on, its prompt the one of the task's policy. What the arm left empty stays as it
    is. Raises ExperimentNotFound, ExperimentNeverRan, ExperimentDecided and UnusableArm.
    """
    with transaction.atomic():
        experiment = locked(experiment_id)
        # In a fixed order and before anything is written, so that two people wait instead of deadlocking.
        configs = list(AIProviderConfig.objects.select_for_update().order_by("pk"))
        arm = _decidable_arm(experiment, arm_id)
        promotion = _promotion(experiment, arm, configs)
        before = experiment.status
        if promotion.prompt_version:
            # After the experiment and the providers, before the revision and the trail (`configs.locks`).
            kind = task_type(experiment.task)
            put_prompt_in_force(actor=actor, kind=kind, version=promotion.prompt_version)
        for config_id, fields in promotion.configs.items():
            changes.update(actor=actor, config_id=config_id, fields=fields)
        end(experiment, winner=arm)
        changed = audit.changes_between(
            {"status": before, "winner": None},
            {"status": experiment.status, "winner": describe(arm)},
        )
        audit.record(action="experiment.promoted", actor=actor, target=experiment, changes=changed)
    return promotion


def promotion_of(experiment: Experiment, *, arm_id: int) -> Promotion:
    """What `promote` would do now; raises as it does."""
    return _promotion(experiment, _decidable_arm(experiment, arm_id), list(AIProviderConfig.objects.all()))


def _decidable_arm(experiment: Experiment, arm_id: int) -> ExperimentArm:
    arm = experiment.arms.select_related("provider_config").filter(pk=arm_id).first()
    if arm is None:
        raise ExperimentNotFound
    if experiment.winner_id is not None:
        raise ExperimentDecided
    if experiment.started_at is None:
        raise ExperimentNeverRan
    refuse_unusable([arm], task=experiment.task)
    return arm


def _promotion(experiment: Experiment, arm: ExperimentArm, configs: Iterable[AIProviderConfig]) -> Promotion:
    kind = task_type(experiment.task)
    steps: list[tuple[int, Fields, str]] = []
    if arm.provider_config_id is not None:
        for config in configs:
            is_winner = config.pk == arm.provider_config_id
            steps += _first_choice(config, kind, is_winner=is_winner)
            if is_winner and arm.model_name:
                steps += _models(config, arm.model_name, tiers_of(kind.slug))
    changed: dict[int, Fields] = {}
    for config_id, fields, _ in steps:
        changed.setdefault(config_id, {}).update(fields)
    sentences = [sentence for _, _, sentence in steps]
    prompt = _prompt_change(arm, kind)
    if prompt:
        sentences.append(f"{kind.label} uses the prompt “{arm.prompt_version}” instead of “{prompt}”.")
    if not sentences:
        sentences.append("Nothing changes: this is how the task is answered without the experiment.")
    return Promotion(changed, arm.prompt_version if prompt else "", tuple(sentences))


def _first_choice(
    config: AIProviderConfig, kind: TaskType, *, is_winner: bool
) -> Iterator[tuple[int, Fields, str]]:
    if (kind.slug in config.default_tasks()) == is_winner:
        return
    others = [slug for slug in config.extra_default_tasks if slug != kind.slug]
    if is_winner and not kind.flag:
        others.append(kind.slug)
    fields: Fields = {"extra_default_tasks": others} | ({kind.flag: is_winner} if kind.flag else {})
    if is_winner:
        sentence = f"{config} becomes the first choice for {kind.label}."
    else:
        sentence = f"{config} is no longer a first choice for {kind.label}; it answers when others cannot."
    yield config.pk, fields, sentence


def _models(
    config: AIProviderConfig, model: str, tiers: tuple[Tier, ...]
) -> Iterator[tuple[int, Fields, str]]:
    if "fast" in tiers and config.model_name != model:
        if "quality" not in tiers and not config.quality_model_name:
            # An empty quality model follows the fast one, and the quality tier is not what was tried.
            yield (
                config.pk,
                {"quality_model_name": config.model_name},
                f"{config} keeps {config.model_name} as its quality model.",
            )
        yield config.pk, {"model_name": model}, _model_sentence(config, "fast", config.model_name, model)
    quality = config.quality_model_name or config.model_name
    if "quality" in tiers and quality != model:
        yield config.pk, {"quality_model_name": model}, _model_sentence(config, "quality", quality, model)


def _model_sentence(config: AIProviderConfig, tier: Tier, old: str, new: str) -> str:
    return (
        f"The {tier} model of {config} becomes {new} instead of {old}, also for the other tasks it answers "
        f"on the {tier} tier."
    )


def _prompt_change(arm: ExperimentArm, kind: TaskType) -> str:
    """The prompt that is in force now and would be replaced, or ""."""
    if not arm.prompt_version:
        return ""
    in_force = prompt_in_force(kind)
    return "" if in_force == arm.prompt_version else in_force
