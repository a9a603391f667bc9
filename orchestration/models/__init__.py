"""What super-admins decide about routing, and what routing has found out."""

from orchestration.models.batches import Batch, BatchItem, ItemState
from orchestration.models.economy import EconomyCall, EconomyCallState, VendorBatch, VendorBatchState
from orchestration.models.experiments import CallFeedback, Experiment, ExperimentArm
from orchestration.models.policies import TaskPolicy
from orchestration.models.probes import Lease, ProviderProbe
from orchestration.models.tiers import PlanTaskTier

__all__ = [
    "Batch",
    "BatchItem",
    "CallFeedback",
    "EconomyCall",
    "EconomyCallState",
    "Experiment",
    "ExperimentArm",
    "ItemState",
    "Lease",
    "PlanTaskTier",
    "ProviderProbe",
    "TaskPolicy",
    "VendorBatch",
    "VendorBatchState",
]
