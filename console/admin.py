"""Every page of the console that is about a model, for Django to find."""

from console.audit_trail import AuditEntryAdmin
from console.experiments.listing import ExperimentAdmin
from console.people.plans import PlanAdmin, SubscriptionAdmin
from console.people.users import UserAdmin
from console.personal_tokens import PersonalTokenAdmin
from console.providers.capabilities import ModelCapabilityAdmin
from console.providers.config import AIProviderConfigAdmin
from console.retention import RetentionRuleAdmin
from console.routing.health import ProviderProbeAdmin
from console.routing.policies import TaskPolicyAdmin
from console.routing.tiers import PlanTaskTierAdmin
from console.usage.alert_channels import AlertChannelAdmin, AlertDeliveryAdmin, AlertThresholdsAdmin
from console.usage.alerts import AlertAdmin
from console.usage.counters import QuotaCounterAdmin
from console.usage.prices import ModelPriceAdmin
from console.usage.quota_rules import QuotaRuleAdmin
from console.usage.usage_log import AIProviderUsageLogAdmin
from console.work.batches import BatchAdmin
from console.work.drafts import DraftAdmin, MasterProfileAdmin
from console.work.jobs import JobPostingAdmin

__all__ = [
    "AIProviderConfigAdmin",
    "AIProviderUsageLogAdmin",
    "AlertAdmin",
    "AlertChannelAdmin",
    "AlertDeliveryAdmin",
    "AlertThresholdsAdmin",
    "AuditEntryAdmin",
    "BatchAdmin",
    "DraftAdmin",
    "ExperimentAdmin",
    "JobPostingAdmin",
    "MasterProfileAdmin",
    "ModelCapabilityAdmin",
    "ModelPriceAdmin",
    "PersonalTokenAdmin",
    "PlanAdmin",
    "PlanTaskTierAdmin",
    "ProviderProbeAdmin",
    "QuotaCounterAdmin",
    "QuotaRuleAdmin",
    "RetentionRuleAdmin",
    "SubscriptionAdmin",
    "TaskPolicyAdmin",
    "UserAdmin",
]
