"""Starting and stopping experiments, and what may be changed when.

One transaction each, with its entry in the audit trail. Whether the person may is asked at the door.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.audit import Actor
from orchestration.experiments.arms import describe, refuse_unusable
from orchestration.experiments.errors import (
    ExperimentDecided,
    ExperimentNotFound,
    ExperimentNotRunning,
    ExperimentRunning,
    TaskTaken,
    TooFewArms,
)
from orchestration.models import Experiment, ExperimentArm

RUNNING = Experiment.Status.RUNNING
_LEAST_ARMS = 2


def start(*, actor: Actor, experiment_id: int) -> Experiment:
    """From the next call on, the task's users are shared among the arms. One that was stopped goes on, with
    everybody in the arm they were in.

    Raises ExperimentNotFound, ExperimentRunning, ExperimentDecided, TooFewArms, UnusableArm and TaskTaken.
    """
    with transaction.atomic():
        experiment = locked(experiment_id)
        refuse_unless_editable(experiment)
        refuse_unless_startable(experiment)
        before = {"status": experiment.status}
        experiment.status = RUNNING
        experiment.started_at = experiment.started_at or timezone.now()
        experiment.ended_at = None
        try:
            with transaction.atomic():
                experiment.save(update_fields=["status", "started_at", "ended_at"])
        except IntegrityError:
            # Somebody started another one for the task in the moment since it was looked for.
            raise TaskTaken from None
        after = {"status": experiment.status, "arms": [describe(arm) for arm in experiment.arms.all()]}
        changes = audit.changes_between(before, after)
        audit.record(action="experiment.started", actor=actor, target=experiment, changes=changes)
    return experiment


def stop(*, actor: Actor, experiment_id: int) -> Experiment:
    """From the next call on, everybody is served as if there were no experiment; its figures remain. Raises
    ExperimentNotFound and ExperimentNotRunning."""
    with transaction.atomic():
        experiment = locked(experiment_id)
        if experiment.status != RUNNING:
            raise ExperimentNotRunning
        changes = {"status": [experiment.status, Experiment.Status.ENDED]}
        end(experiment)
        audit.record(action="experiment.stopped", actor=actor, target=experiment, changes=changes)
    return experiment


def end(experiment: Experiment, *, winner: ExperimentArm | None = None) -> None:
    """Write that a locked experiment is over. One that was stopped before keeps the moment."""
    experiment.status = Experiment.Status.ENDED
    experiment.ended_at = experiment.ended_at or timezone.now()
    experiment.winner = winner
    experiment.save(update_fields=["status", "ended_at", "winner"])


def locked(experiment_id: int) -> Experiment:
    """The row, held until the transaction ends. Raises ExperimentNotFound."""
    experiment = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
    if experiment is None:
        raise ExperimentNotFound
    return experiment


def refuse_unless_editable(experiment: Experiment) -> None:
    """Raise ExperimentRunning or ExperimentDecided."""
    if experiment.status == RUNNING:
        raise ExperimentRunning
    if experiment.winner_id is not None:
        raise ExperimentDecided


def refuse_unless_startable(experiment: Experiment) -> None:
    """Raise TooFewArms, UnusableArm or TaskTaken; asks nothing about the experiment's own state."""
    arms = list(experiment.arms.select_related("provider_config"))
    if len(arms) < _LEAST_ARMS:
        raise TooFewArms
    refuse_unusable(arms, task=experiment.task)
    others = Experiment.objects.filter(task=experiment.task, status=RUNNING).exclude(pk=experiment.pk)
    if other := others.first():
        raise TaskTaken(f"“{other}” is running for this task. Stop it first.")
