"""What an operator with a shell does for a person who is locked out. Each act is in the audit trail."""

from __future__ import annotations

from django.db import transaction

from accounts import audit, logins, second_factor
from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.models import Role, User


class NoSuchUser(DomainError):
    code = "no_such_user"
    status = 404
    message = "No user has this email address. Check its spelling."


def reset_mfa(*, email: str) -> None:
    """Take the authenticator and the backup codes away; the person sets up new ones at the next login."""
    second_factor.remove(user=_user(email), actor=Actor.of_command("reset_mfa"))


def sign_out(*, email: str) -> None:
    """End every session and token of the person."""
    logins.sign_out_everywhere(user=_user(email), actor=Actor.of_command("sign_out"))


def unlock_login(*, email: str) -> int:
    """Forget wrong attempts for `email`, which need not have an account; returns from how many clients."""
    return logins.unlock(email=email, actor=Actor.of_command("unlock_login"))


def make_super_admin(*, email: str) -> None:
    """Give an existing user the role, and make them active."""
    with transaction.atomic():
        user = _user(email, locked=True)
        before = {"role": user.role, "is_active": user.is_active}
        user.role, user.is_active = Role.SUPER_ADMIN, True
        user.save(update_fields=["role", "is_active"])
        after = {"role": user.role, "is_active": user.is_active}
        audit.record(
            action="user.changed",
            actor=Actor.of_command("make_super_admin"),
            target=user,
            changes=audit.changes_between(before, after),
        )


def _user(email: str, *, locked: bool = False) -> User:
    users = User.objects.select_for_update(no_key=True) if locked else User.objects.all()
    user = users.filter(email=email.strip().lower()).first()
    if user is None:
        raise NoSuchUser
    return user
