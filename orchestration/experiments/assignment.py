"""Which arm of a running experiment a user is in. Pure: nothing is stored, and every process agrees."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from orchestration.models.experiments import Experiment, ExperimentArm

# Of a weight of 1 or more; none comes near it, because -ln(2**-53) is 36.7.
_AFTER_ALL_WAITS = 100.0


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of answering. `provider_config_id` None, an empty model or an empty prompt version leave that
    as it is without the experiment."""

    id: int
    weight: int
    provider_config_id: int | None = None
    model_name: str = ""
    prompt_version: str = ""

    @classmethod
    def of(cls, row: ExperimentArm) -> Arm:
        return cls(
            id=row.pk,
            weight=row.weight,
            provider_config_id=row.provider_config_id,
            model_name=row.model_name,
            prompt_version=row.prompt_version,
        )


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    id: int
    task: str
    arms: tuple[Arm, ...]


def assigned_arm(experiment: RunningExperiment, user_id: int) -> Arm | None:
    """The user's arm: always the same for the same arms, and over many users in proportion to the weights.

    An arm that is added takes users from the others and moves nobody else; one that goes moves only its own.
    None without arms (the providers of all of them were deleted).
    """

    def lot(arm: Arm) -> tuple[float, int]:
        return lot_of(f"experiment:{experiment.id}:{arm.id}:{user_id}", arm.weight), arm.id

    return min(experiment.arms, key=lot, default=None)


def running_experiments() -> dict[str, RunningExperiment]:
    """What runs now, by task (two queries); part of the routing snapshot."""
    rows = Experiment.objects.filter(status=Experiment.Status.RUNNING).prefetch_related("arms")
    return {row.task: RunningExperiment(row.pk, row.task, _arms(row.arms.all())) for row in rows}


def _arms(rows: Iterable[ExperimentArm]) -> tuple[Arm, ...]:
    return tuple(Arm.of(row) for row in rows)


def lot_of(name: str, weight: float) -> float:
    """Weighted rendezvous hashing: an exponential waiting time with the weight as its rate, drawn by `name`;
    the shortest wins in proportion to the weights, and what comes or goes moves nobody between the others
    (Thaler and Ravishankar 1998; for weights, Schindelhauer and Schomaker 2005). Those without weight come
    after all others.

    Running experiments hold their users by it: with another formula, people change arms.
    """
    wait = -math.log(point_of(name))
    return wait / weight if weight else _AFTER_ALL_WAITS + wait


def point_of(name: str) -> float:
    """A number above 0 and below 1, all of them as likely, drawn by `name`."""
    digest = hashlib.sha256(name.encode()).digest()
    # 52 bits and a half: within the bounds in floating point too.
    return ((int.from_bytes(digest[:8]) >> 12) + 0.5) / 2**52
