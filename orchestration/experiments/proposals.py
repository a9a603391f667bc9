"""Experiments that a recommendation proposes: made as drafts, started by a person."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.models import User
from orchestration.experiments.arms import describe, refuse_unusable
from orchestration.experiments.errors import UnusableArm
from orchestration.models import Experiment, ExperimentArm
from providers.models import AIProviderConfig
from providers.tasks import TASKS

AS_NOW = "as now"


def propose(
    *, actor: Actor, created_by: User | None, task: str, config_id: int, model_name: str
) -> tuple[Experiment, bool]:
    """A draft experiment for the task that gives half of the users the model of the provider, and whether it
    is new: the same proposal that was not started yet is found again.

    Raises UnusableArm for a task, provider or model that is not there, or that could not do it.
    """
    config = AIProviderConfig.objects.filter(pk=config_id).first()
    if task not in TASKS or config is None or not model_name or not model_name.isprintable():
        raise UnusableArm("This recommendation is gone. Look at them anew.")
    tried = ExperimentArm(name=model_name[-50:], provider_config=config, model_name=model_name)
    refuse_unusable([tried], task=task)
    with transaction.atomic():
        # One at a time for the provider, so that a button pressed twice makes one experiment.
        AIProviderConfig.objects.select_for_update(no_key=True).get(pk=config.pk)
        if found := _proposed(task, config, model_name):
            return found, False
        return _draft(actor, created_by, task, tried, model_name), True


def propose_prompt(
    *, actor: Actor, created_by: User | None, task: str, version: str
) -> tuple[Experiment, bool]:
    """A draft experiment that gives half of the task's users this version of its prompt, and whether it is
    new, as `propose`. Raises UnusableArm for a version that there is not."""
    tried = ExperimentArm(name=version, prompt_version=version)
    refuse_unusable([tried], task=task)
    with transaction.atomic():
        drafts = Experiment.objects.select_for_update().filter(task=task, status=Experiment.Status.DRAFT)
        if found := drafts.filter(pk__in=_arms_of(version)).first():
            return found, False
        return _draft(actor, created_by, task, tried, f"prompt {version}"), True


def _arms_of(version: str) -> list[int]:
    arms = ExperimentArm.objects.filter(prompt_version=version, provider_config=None, model_name="")
    return list(arms.values_list("experiment_id", flat=True))


def _draft(actor: Actor, created_by: User | None, task: str, tried: ExperimentArm, about: str) -> Experiment:
    """Half as it is now, half by what is tried, under a name that says so; audited."""
    name = f"{TASKS[task].label}: {about}"[:100]
    experiment = Experiment.objects.create(name=name, task=task, created_by=created_by)
    tried.experiment = experiment
    arms = [ExperimentArm.objects.create(experiment=experiment, name=AS_NOW), tried]
    tried.save()
    facts = {"name": name, "task": task, "arms": [describe(arm) for arm in arms]}
    audit.record(
        action="experiment.created",
        actor=actor,
        target=experiment,
        changes=audit.changes_between({}, facts),
    )
    return experiment


def _proposed(task: str, config: AIProviderConfig, model_name: str) -> Experiment | None:
    drafts = Experiment.objects.filter(task=task, status=Experiment.Status.DRAFT)
    return drafts.filter(
        arms__provider_config=config, arms__model_name=model_name, arms__prompt_version=""
    ).first()
