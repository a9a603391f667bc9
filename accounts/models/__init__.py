"""People, what they may do, how they prove who they are, and what they did."""

from accounts.models.audit import AppendOnly, AuditEntry, AuditHead
from accounts.models.idempotency import IdempotencyKey
from accounts.models.logins import LoginTurn, TokenFamily
from accounts.models.people import NoDefaultPlan, Plan, Role, Subscription, User, plan_of, plan_until
from accounts.models.personal_tokens import PersonalToken
from accounts.models.retention import RetentionRule
from accounts.models.second_factor import Authenticator, BackupCode

__all__ = [
    "AppendOnly",
    "AuditEntry",
    "AuditHead",
    "Authenticator",
    "BackupCode",
    "IdempotencyKey",
    "LoginTurn",
    "NoDefaultPlan",
    "PersonalToken",
    "Plan",
    "RetentionRule",
    "Role",
    "Subscription",
    "TokenFamily",
    "User",
    "plan_of",
    "plan_until",
]
