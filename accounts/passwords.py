"""Storing a new password, and nothing else of the person."""

from __future__ import annotations

from django.db import transaction

from accounts.errors import DomainError
from accounts.models import User


class PersonChanged(DomainError):
    """While a password was being set, somebody else changed the person's access or password."""

    code = "person_changed"
    status = 409
    message = (
        "Someone else changed the password, the role or the logins of this account in the meantime. Nothing "
        "was stored. Reload the page, or log in again, to see what still holds."
    )


def access_of(user: User) -> tuple[str, bool, str]:
    """What stands between a person and the console, as `user` was loaded: password, token version, whether
    they are active, and role."""
    return user.get_session_auth_hash(), user.is_active, user.role


def store(*, user: User, seen: tuple[str, bool, str]) -> None:
    """Write the password that `user` was given by `set_password`; it ends every session and token of the
    person. `seen` is `access_of(user)` from before. The caller writes the audit entry.

    Between loading a person and writing lie slow hashes. Raises PersonChanged when the row is not as it was
    seen by then, so that who is being removed, or has lost the password to somebody, cannot take it back.
    """
    with transaction.atomic():
        held = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
        if held is None or access_of(held) != seen:
            raise PersonChanged
        user.save(update_fields=["password"])
