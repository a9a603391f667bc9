"""The plan x task matrix: which tier of model each plan gets for each task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from django.db import transaction

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.models import Plan
from orchestration.models import PlanTaskTier
from providers.revision import RoutingRevision
from providers.tasks import TASKS, TaskType

TIERS = ("fast", "quality")
# A cell without a row of its own: the task's default applies, also when that changes with a release.
DEFAULT = ""

Place = tuple[str, str]


class UnknownTier(DomainError):
    code = "unknown_tier"
    status = 422
    message = "A cell of the matrix is fast, quality, or empty for the task's default."


class TiersChanged(DomainError):
    code = "tiers_changed"
    status = 409
    message = "Somebody else changed the tiers meanwhile. Look at them as they are now and change them again."


@dataclass(frozen=True, slots=True)
class TierCell:
    """`tier` is what was set, or DEFAULT; `default` is what the task has then."""

    plan: str
    task: str
    tier: str
    default: str

    @property
    def name(self) -> str:
        return f"tier:{self.plan}:{self.task}"


@dataclass(frozen=True, slots=True)
class Matrix:
    """One row of cells per plan, in the order of `tasks`. `fingerprint` names the state that was read."""

    tasks: tuple[TaskType, ...]
    rows: tuple[tuple[Plan, tuple[TierCell, ...]], ...]
    fingerprint: str


def matrix() -> Matrix:
    """The matrix as it stands (two queries)."""
    set_tiers = _set_tiers()
    tasks = tuple(TASKS.values())
    rows = tuple(
        (
            plan,
            tuple(
                TierCell(plan.pk, task.slug, set_tiers.get((plan.pk, task.slug), DEFAULT), task.tier)
                for task in tasks
            ),
        )
        for plan in Plan.objects.all()
    )
    return Matrix(tasks, rows, _fingerprint(set_tiers))


def set_matrix(*, tiers: Mapping[Place, str], read: str, actor: Actor) -> int:
    """Make the cells named by (plan, task) what `tiers` says; returns how many changed, with one audit entry
    for all of them. The next call in every process uses them.

    `read` is the `fingerprint` the person saw: TiersChanged when the cells have changed since. UnknownTier
    for a value, plan or task that does not exist.
    """
    plans = set(Plan.objects.values_list("pk", flat=True))
    for (plan, task), tier in tiers.items():
        if tier not in (DEFAULT, *TIERS) or task not in TASKS or plan not in plans:
            raise UnknownTier
    with transaction.atomic():
        # Every change of routing moves this row, so holding it keeps others from changing a tier meanwhile.
        RoutingRevision.objects.select_for_update().filter(id=1).first()
        before = _set_tiers()
        wanted = {place: tier for place, tier in tiers.items() if tier != before.get(place, DEFAULT)}
        if not wanted:
            return 0
        if read != _fingerprint(before):
            raise TiersChanged
        for (plan, task), tier in wanted.items():
            rows = PlanTaskTier.objects.filter(plan_id=plan, task=task)
            if tier == DEFAULT:
                rows.delete()
            elif not rows.update(tier=tier):
                PlanTaskTier.objects.create(plan_id=plan, task=task, tier=tier)
        changes = {
            f"{plan} {task}": [before.get((plan, task)) or "default", tier or "default"]
            for (plan, task), tier in sorted(wanted.items())
        }
        audit.record(action="tiers.changed", actor=actor, target_label="Plan tiers", changes=changes)
    return len(wanted)


def _fingerprint(set_tiers: Mapping[Place, str]) -> str:
    return sha256(repr(sorted(set_tiers.items())).encode()).hexdigest()[:16]


def _set_tiers() -> dict[Place, str]:
    rows = PlanTaskTier.objects.values_list("plan_id", "task", "tier")
    return {(plan, task): tier for plan, task, tier in rows}
