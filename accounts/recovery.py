"""What an operator with a shell does: the first account, and a person who is locked out. Each act is in the
audit trail."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import audit, logins, second_factor
from accounts.audit import Actor
from accounts.errors import DomainError
from accounts.models import Role, User


class NoSuchUser(DomainError):
    code = "no_such_user"
    status = 404
    message = "No user has this email address. Check its spelling."


class NotTheFirst(DomainError):
    code = "not_the_first"
    status = 409
    message = (
        "There is a super-admin already, who can add others in the console. To add one from here all the "
        "same, use --another."
    )


class Unsuitable(DomainError):
    """Email address or password cannot be taken; the message says what is wrong with it."""

    code = "invalid_input"
    status = 400


def reset_mfa(*, email: str) -> None:
    """Take the authenticator and the backup codes away; the person sets up new ones at the next login."""
    second_factor.remove(user=_user(email), actor=Actor.of_command("reset_mfa"))


def sign_out(*, email: str) -> None:
    """End every session and token of the person."""
    logins.sign_out_everywhere(user=_user(email), actor=Actor.of_command("sign_out"))


def unlock_login(*, email: str) -> int:
    """Forget wrong attempts for `email`, which need not have an account; returns from how many clients."""
    return logins.unlock(email=email, actor=Actor.of_command("unlock_login"))


def has_super_admin() -> bool:
    """Whether anybody can run the installation."""
    return User.objects.filter(role=Role.SUPER_ADMIN, is_active=True).exists()


def knows(*, email: str) -> bool:
    return User.objects.filter(email=email.strip().lower()).exists()


def make_super_admin(*, email: str, another: bool = False) -> None:
    """Give an existing user the role, and make them active.

    Raises NoSuchUser, and NotTheFirst while another super-admin can act, unless `another`.
    """
    with transaction.atomic():
        user = _user(email, locked=True)
        before = {"role": user.role, "is_active": user.is_active}
        user.role, user.is_active = Role.SUPER_ADMIN, True
        user.save(update_fields=["role", "is_active"])
        after = {"role": user.role, "is_active": user.is_active}
        _record("user.changed", user, audit.changes_between(before, after), another=another)


def create_super_admin(*, email: str, password: str, another: bool = False) -> None:
    """A new person with that role. Raises Unsuitable, and NotTheFirst as `make_super_admin`."""
    user = User(email=email, role=Role.SUPER_ADMIN)
    try:
        user.clean()
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise Unsuitable(" ".join(error.messages)) from None
    # A hash takes long, so that it is made before anything is locked.
    user.set_password(password)
    with transaction.atomic():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError:
            raise Unsuitable("This email address has just been given to somebody else.") from None
        after = {"email": user.email, "role": user.role, "is_active": user.is_active}
        _record("user.created", user, audit.changes_between({}, after), another=another)


def _record(action: str, user: User, changes: dict[str, list[Any]], *, another: bool) -> None:
    # Of two that are made at the same time, the second finds the first.
    audit.hold()
    others = User.objects.filter(role=Role.SUPER_ADMIN, is_active=True).exclude(pk=user.pk)
    if not another and others.exists():
        raise NotTheFirst
    audit.record(action=action, actor=Actor.of_command("make_super_admin"), target=user, changes=changes)


def _user(email: str, *, locked: bool = False) -> User:
    users = User.objects.select_for_update(no_key=True) if locked else User.objects.all()
    user = users.filter(email=email.strip().lower()).first()
    if user is None:
        raise NoSuchUser
    return user
