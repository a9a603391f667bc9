"""What an arm answers with, and whether it could."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from accounts.models import Plan
from orchestration.experiments.errors import UnusableArm
from orchestration.models import ExperimentArm, PlanTaskTier
from orchestration.routing.candidates import Needs
from providers.capabilities.facts import CapabilityMatrix
from providers.capabilities.matrix import load_matrix
from providers.models import AIProviderConfig
from providers.stored_prompts import prompts_of
from providers.tasks import TaskType, Tier, task_type

TIERS: tuple[Tier, ...] = ("fast", "quality")


def refuse_unusable(arms: Iterable[ExperimentArm], *, task: str) -> None:
    """Raise UnusableArm for the first arm that could not answer: its prompt does not exist, its provider is
    inactive, or the model lacks what the task cannot do without."""
    matrix, kind, tiers = load_matrix(), task_type(task), tiers_of(task)
    for arm in arms:
        fault = _prompt_fault(arm, kind) or _provider_fault(arm, kind, tiers, matrix)
        if fault:
            raise UnusableArm(f"Arm “{arm.name}” cannot answer: {fault}", details={"arm": arm.name})


def tiers_of(task: str) -> tuple[Tier, ...]:
    """The tiers that any plan has for the task, fast first."""
    default = task_type(task).tier
    rows = dict(PlanTaskTier.objects.filter(task=task).values_list("plan_id", "tier"))
    used = {rows.get(plan, default) for plan in Plan.objects.values_list("pk", flat=True)} or {default}
    return tuple(tier for tier in TIERS if tier in used)


def ways_of(arm: ExperimentArm) -> str:
    """What sets the arm apart, in words."""
    parts = [
        str(arm.provider_config) if arm.provider_config else "",
        arm.model_name,
        f"prompt {arm.prompt_version}" if arm.prompt_version else "",
    ]
    return ", ".join(part for part in parts if part) or "as without the experiment"


def describe(arm: ExperimentArm) -> str:
    """One line for the audit trail."""
    return f"{arm.name}, weight {arm.weight}: {ways_of(arm)}"


def _prompt_fault(arm: ExperimentArm, kind: TaskType) -> str:
    if not arm.prompt_version:
        return ""
    known = prompts_of(kind)
    if arm.prompt_version in known:
        return ""
    return f"{kind.label} has no prompt “{arm.prompt_version}” (it has {', '.join(known)})."


def _provider_fault(
    arm: ExperimentArm, kind: TaskType, tiers: Sequence[Tier], matrix: CapabilityMatrix
) -> str:
    config = arm.provider_config
    if config is None:
        return ""
    if not config.is_active:
        return f"{config} is inactive. Activate it, or choose another provider."
    for model in _models(arm, config, tiers):
        missing = Needs(vision=kind.needs_vision).missing_from(matrix.of(config.provider_type, model))
        if missing:
            return f"{model} is not known to have what the task needs ({', '.join(missing)})."
    return ""


def _models(arm: ExperimentArm, config: AIProviderConfig, tiers: Sequence[Tier]) -> list[str]:
    """The models of its provider that the arm may ask."""
    if arm.model_name:
        return [arm.model_name]
    quality = config.quality_model_name or config.model_name
    return sorted({quality if tier == "quality" else config.model_name for tier in tiers})
