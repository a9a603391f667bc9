"""People, what they may do, how they prove who they are, and what they did."""

from accounts.models.audit import AppendOnly, AuditEntry, AuditHead
from accounts.models.logins import LoginTurn, TokenFamily
from accounts.models.people import Plan, Role, Subscription, User
from accounts.models.second_factor import Authenticator, BackupCode

__all__ = [
    "AppendOnly",
    "AuditEntry",
    "AuditHead",
    "Authenticator",
    "BackupCode",
    "LoginTurn",
    "Plan",
    "Role",
    "Subscription",
    "TokenFamily",
    "User",
]
