"""The console of usage: dashboard, statistics, alerts, usage log, quota counters and prices."""

from usage.admin.counters import QuotaCounterAdmin
from usage.admin.prices import ModelPriceAdmin
from usage.admin.quota_rules import QuotaRuleAdmin
from usage.admin.usage_log import AIProviderUsageLogAdmin

__all__ = ["AIProviderUsageLogAdmin", "ModelPriceAdmin", "QuotaCounterAdmin", "QuotaRuleAdmin"]
