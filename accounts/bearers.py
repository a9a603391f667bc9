"""Who sends an access token, and whether it still holds."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import InvalidToken
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.concurrency import in_database_thread
from accounts.models import TokenFamily, User

VERSION_CLAIM = "ver"
FAMILY_CLAIM = "fam"

# Tokens whose signature is not looked at again, as each of their calls would. Each is half a kilobyte.
MOST_VALIDATED = 4096
_validated: dict[bytes, Any] = {}

FetchOne = Callable[[str, Sequence[object]], Awaitable[tuple[Any, ...] | None]]


def validated(raw: bytes, validate: Callable[[bytes], Any]) -> Any:
    """`validate(raw)`, which raises for a token that is not ours or has expired; without its work for one
    that passed before and has not expired since."""
    token = _validated.get(raw)
    if token is None or token["exp"] <= time.time():
        _validated.pop(raw, None)
        token = _validated[raw] = validate(raw)
        while len(_validated) > MOST_VALIDATED:
            _validated.pop(next(iter(_validated)), None)
    return token


async def bearer_of(token: Any, in_thread: Callable[[Any], User]) -> User:
    """The user of a validated access token, on the event loop: by one statement on the loop's own connections
    where LOOP_STATEMENTS names them, else by `in_thread`, which does the same in a database thread. Raises
    AuthenticationFailed or InvalidToken for who was signed out, deactivated or deleted, as of now.

    The one place that decides how fresh that knowledge is.
    """
    if not settings.LOOP_STATEMENTS:
        return await in_database_thread(in_thread, token)
    fetch_one: FetchOne = import_string(settings.LOOP_STATEMENTS)
    user_id, family_id = named_in(token)
    row = await fetch_one(_statement(), [family_id, user_id])
    if row is None:
        return checked(token, None, has_family=False)
    return checked(token, User.from_db("default", _columns(), row[:-1]), has_family=row[-1])


def claimed_bearer(token: Any) -> User:
    """The user that a validated access token names, of whom only the id is known and nothing was looked up:
    for views whose calls have the login verified by the statement that reserves. Raises InvalidToken."""
    return User(pk=named_in(token)[0])


def named_in(token: Any) -> tuple[int, str | None]:
    """The ids of the user and of the family that a token names. Raises InvalidToken."""
    try:
        return int(token[api_settings.USER_ID_CLAIM]), token.get(FAMILY_CLAIM)
    except (KeyError, ValueError, TypeError):
        raise InvalidToken("This token names no user. Log in again.") from None


def checked(token: Any, user: User | None, *, has_family: bool) -> User:
    """The user, if the token holds; `has_family`: the family it names has not ended. Raises
    AuthenticationFailed."""
    if user is None:
        raise AuthenticationFailed("User not found", code="user_not_found")
    if not user.is_active:
        raise AuthenticationFailed("User is inactive", code="user_inactive")
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password):
        raise AuthenticationFailed("The user's password has been changed.", code="password_changed")
    if is_revoked(token, user) or (token.get(FAMILY_CLAIM) and not has_family):
        raise AuthenticationFailed("This login has been ended. Log in again.", code="token_revoked")
    return user


def is_revoked(token: Any, user: User) -> bool:
    """Whether the user was signed out everywhere since `token` was issued."""
    return bool(token.get(VERSION_CLAIM, 0) != user.token_version)


@cache
def _columns() -> tuple[str, ...]:
    return tuple(field.attname for field in User._meta.concrete_fields)


@cache
def _statement() -> str:
    columns = ", ".join(f'"{field.column}"' for field in User._meta.concrete_fields)
    families, users = TokenFamily._meta.db_table, User._meta.db_table
    living = f"EXISTS (SELECT 1 FROM {families} WHERE id = %s::uuid AND ended_at IS NULL)"  # noqa: S608
    return f"SELECT {columns}, {living} FROM {users} WHERE id = %s"  # noqa: S608
