"""A person leaves: the account, what is in it, and what tells of the person elsewhere."""

from __future__ import annotations

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db import transaction

from accounts import audit_chain
from accounts.audit import Actor, hold, record
from accounts.errors import DomainError
from accounts.models import Role, User


class AccountInCharge(DomainError):
    code = "account_in_charge"
    status = 409
    message = "This account helps to run the installation. Ask a super-admin to make it a user's first."


def leave(*, user: User) -> None:
    """Delete the account and all that belongs to it alone, attempts to log in to it included. Of the audit
    trail the parts about the person are emptied, and an entry tells so; the accounts of calls and the
    counters stay, with nobody behind them. Raises AccountInCharge for staff and super-admins."""
    if user.role != Role.USER:
        raise AccountInCharge
    with transaction.atomic():
        pk = user.pk
        user.delete()
        for model in (AccessAttempt, AccessFailureLog, AccessLog):
            model.objects.filter(username=user.email).delete()
        hold()
        user.pk = pk  # Its entries still bear it.
        parts = audit_chain.parts_about(user)
        record(
            action=audit_chain.ERASED,
            actor=Actor.system(),
            changes={part: [None, numbers] for part, numbers in parts.items()},
        )
        audit_chain.empty(parts)
