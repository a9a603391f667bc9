"""What super-admins decide about routing, and what routing has found out."""

from orchestration.models.experiments import CallFeedback, Experiment, ExperimentArm
from orchestration.models.policies import TaskPolicy
from orchestration.models.probes import Lease, ProviderProbe
from orchestration.models.tiers import PlanTaskTier

__all__ = [
    "CallFeedback",
    "Experiment",
    "ExperimentArm",
    "Lease",
    "PlanTaskTier",
    "ProviderProbe",
    "TaskPolicy",
]
