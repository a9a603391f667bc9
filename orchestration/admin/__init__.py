"""The console of routing: the tiers of plans, policies of tasks, experiments, the health of providers."""

from orchestration.admin.experiments import ExperimentAdmin
from orchestration.admin.health import ProviderProbeAdmin
from orchestration.admin.policies import TaskPolicyAdmin
from orchestration.admin.tiers import PlanTaskTierAdmin

__all__ = ["ExperimentAdmin", "PlanTaskTierAdmin", "ProviderProbeAdmin", "TaskPolicyAdmin"]
