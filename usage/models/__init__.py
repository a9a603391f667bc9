"""What the ledger, its quotas, its prices and its statistics are stored in."""

from usage.models.alerts import Alert, AlertEvent, AlertRun, AlertState, AlertThresholds, Severity
from usage.models.calls import AIProviderUsageLog, Status, UsageSource
from usage.models.counters import QuotaCounter
from usage.models.heartbeats import Heartbeat
from usage.models.moved import MovedRecord
from usage.models.notices import AlertChannel, AlertDelivery
from usage.models.prices import ModelPrice
from usage.models.quota_rules import QuotaRule
from usage.models.rollups import PersonRollup, RollupState, UsageRollup, WorkRollup

__all__ = [
    "AIProviderUsageLog",
    "Alert",
    "AlertChannel",
    "AlertDelivery",
    "AlertEvent",
    "AlertRun",
    "AlertState",
    "AlertThresholds",
    "Heartbeat",
    "ModelPrice",
    "MovedRecord",
    "PersonRollup",
    "QuotaCounter",
    "QuotaRule",
    "RollupState",
    "Severity",
    "Status",
    "UsageRollup",
    "UsageSource",
    "WorkRollup",
]
