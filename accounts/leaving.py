"""A person leaves: the account, what is in it, and what tells of the person elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts import audit_chain
from accounts.audit import Actor, hold, record
from accounts.errors import DomainError
from accounts.mentions import whole
from accounts.models import Role, User


class AccountInCharge(DomainError):
    code = "account_in_charge"
    status = 409
    message = "This account helps to run the installation. Ask a super-admin to make it a user's first."


_FORGETTING: list[Callable[[User], None]] = []


def forget_too(forget: Callable[[User], None]) -> None:
    """Have an app above forget a person who leaves: it is called in that transaction, the account deleted."""
    _FORGETTING.append(forget)


def leave(*, user: User) -> None:
    """`forget` whoever asks for it. Raises AccountInCharge for staff and super-admins."""
    forget(users=[user], actor=Actor.system())


def forget(*, users: Sequence[User], actor: Actor) -> None:
    """Delete the accounts, all of them or none, and all that belongs to each alone, attempts to log in to it
    included, and what Django's own log says of it, and whatever `forget_too` was told. Of the audit trail the
    parts about each person are emptied, and an entry by `actor`, who is none of them, tells so; the accounts
    of calls and the counters stay, with nobody behind them.
    Raises AccountInCharge when one of them is staff or a super-admin."""
    if any(user.role != Role.USER for user in users):
        raise AccountInCharge
    with transaction.atomic():
        # In the order that everybody takes the rows in.
        for user in sorted(users, key=lambda user: user.pk):
            _delete(user)
        hold()
        for user in users:
            parts = audit_chain.parts_about(user)
            account = {"account": [user.pk, None]}
            record(action=audit_chain.ERASED, actor=actor, changes=account | audit_chain.told(parts))
            audit_chain.empty(parts)


def _delete(user: User) -> None:
    """All but the audit trail, whose end is locked last."""
    pk = user.pk
    user.delete()
    _log_of_the_console(pk, user).delete()
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        model.objects.filter(username=user.email).delete()
    for too in _FORGETTING:
        too(user)
    user.pk = pk  # Its entries still bear it.


def _log_of_the_console(pk: int, user: User) -> QuerySet[LogEntry]:
    """The entries that name the person, who goes by the e-mail address there; the audit trail tells of the
    same edits."""
    about = Q(content_type__app_label="accounts", content_type__model="user", object_id=str(pk))
    named = whole(user.email)
    return LogEntry.objects.filter(about | Q(object_repr__iregex=named) | Q(change_message__iregex=named))
