"""Access and refresh tokens that can be revoked and that carry the moment of the second factor; who sends
an access token, and whether it still holds.

The tokens of one login are a family. Each refresh spends one refresh token and gives the next; who sends a
spent one has copied it, or was copied from, so the whole family ends. However often it is refreshed, a family
ends some time after its login.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists
from django.utils import timezone
from django.utils.module_loading import import_string
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.audit import Actor, record
from accounts.concurrency import Recent, in_database_thread
from accounts.errors import DomainError
from accounts.models import Role, TokenFamily, User
from accounts.step_up import CLAIM

VERSION_CLAIM = "ver"
FAMILY_CLAIM = "fam"

# Tokens whose signature is not looked at again, as each of their calls would. Each is half a kilobyte.
MOST_VALIDATED = 4096
_validated: Recent[bytes, Any] = Recent()

FetchOne = Callable[[str, Sequence[object]], Awaitable[tuple[Any, ...] | None]]


def validated(raw: bytes, validate: Callable[[bytes], Any]) -> Any:
    """`validate(raw)`, which raises for a token that is not ours or has expired; without its work for one
    that passed before and has not expired since."""
    token = _validated.of(raw)
    if token is None or token["exp"] <= time.time():
        token = validate(raw)
        _validated.keep(raw, token, most=MOST_VALIDATED)
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


class InvalidRefreshToken(DomainError):
    code = "token_not_valid"
    status = 401
    message = "This refresh token is no longer valid. Log in again."


def issue_pair(*, user: User, verified_at: int | None) -> dict[str, str]:
    """The first access and refresh token of a new family; `verified_at` is when the second factor was shown
    (Unix seconds)."""
    family = TokenFamily(user=user, verified_at=verified_at, good_token=uuid4().hex)
    family.save(force_insert=True)
    return _pair(user, family)


def rotate(*, refresh: str, actor_for: Callable[[User], Actor]) -> dict[str, str]:
    """A new pair for `refresh`, which is spent from now on. `actor_for` (a user) says who acts, for the audit
    trail. Raises InvalidRefreshToken; for a token that was spent before, with the end of its family."""
    try:
        old = RefreshToken(cast(Any, refresh))
    except TokenError:
        raise InvalidRefreshToken from None
    with transaction.atomic():
        # Of two that come with the same token at once, the second sees that it is spent.
        family = (
            TokenFamily.objects.select_for_update().filter(pk=old.get(FAMILY_CLAIM), ended_at=None).first()
        )
        user = User.objects.filter(pk=family.user_id, is_active=True).first() if family else None
        if family is None or user is None or _is_over(old, user, family):
            raise InvalidRefreshToken
        is_spent = old[api_settings.JTI_CLAIM] != family.good_token
        if is_spent:
            TokenFamily.objects.filter(pk=family.pk).update(ended_at=timezone.now())
            record(action="login.token_reused", actor=actor_for(user), target=user, outcome="refused")
        else:
            family.good_token = uuid4().hex
            family.save(update_fields=["good_token"])
    if is_spent:
        raise InvalidRefreshToken
    return _pair(user, family)


def step_up(*, user: User, token: Any, verified_at: int) -> str:
    """A new access token after the second factor was shown again; the next ones of the family of `token`,
    the access token that was sent, have the moment too."""
    family = TokenFamily.objects.filter(pk=token.get(FAMILY_CLAIM), user=user, ended_at=None).first()
    if family is None:
        return str(_stamped(AccessToken.for_user(user), user, verified_at))
    family.verified_at = verified_at
    family.save(update_fields=["verified_at"])
    return str(_access(user, family))


@dataclass(frozen=True, slots=True)
class Login:
    """One login at the API that still lets its device in; `ends_at` is when it has to log in anew."""

    family_id: UUID
    started_at: datetime
    ends_at: datetime


def logins_of(user: User, *, now: datetime) -> list[Login]:
    """The logins at the API that have not ended, the latest first (one query)."""
    families = TokenFamily.objects.filter(user=user, ended_at=None).order_by("-started_at")
    found = [Login(family.pk, family.started_at, _end_of(family, user)) for family in families]
    return [login for login in found if login.ends_at > now]


def end_login(*, user: User, family_id: UUID, actor: Actor) -> bool:
    """End one login of the user with every token that came of it, for the very next call; False when it had
    ended before, or is none of theirs."""
    with transaction.atomic():
        rows = TokenFamily.objects.filter(pk=family_id, user=user, ended_at=None)
        ended = rows.update(ended_at=timezone.now())
        if ended:
            record(action="login.ended", actor=actor, target=user)
    return bool(ended)


def forget_ended_families() -> int:
    """Delete families of which no token can be good any more; returns how many."""
    longest = max(settings.TOKEN_FAMILY_LIFETIME, settings.TOKEN_FAMILY_LIFETIME_SUPER_ADMIN)
    oldest = timezone.now() - longest - api_settings.ACCESS_TOKEN_LIFETIME
    return TokenFamily.objects.filter(started_at__lt=oldest).delete()[0]


def _is_over(token: Token, user: User, family: TokenFamily) -> bool:
    # simplejwt checks the password claim on access tokens only.
    same_password = token.get(api_settings.REVOKE_TOKEN_CLAIM) == get_md5_hash_password(user.password)
    return not same_password or is_revoked(token, user) or _end_of(family, user) <= timezone.now()


def _end_of(family: TokenFamily, user: User) -> datetime:
    """By the role they have now: who becomes a super-admin has the shorter time."""
    is_super_admin = user.role == Role.SUPER_ADMIN
    lifetime: timedelta = (
        settings.TOKEN_FAMILY_LIFETIME_SUPER_ADMIN if is_super_admin else settings.TOKEN_FAMILY_LIFETIME
    )
    return family.started_at + lifetime


def _pair(user: User, family: TokenFamily) -> dict[str, str]:
    refresh = _bound(RefreshToken.for_user(user), user, family)
    refresh[api_settings.JTI_CLAIM] = family.good_token
    return {"access": str(_access(user, family)), "refresh": str(refresh)}


def _access(user: User, family: TokenFamily) -> Token:
    return _bound(AccessToken.for_user(user), user, family)


def _bound(token: Token, user: User, family: TokenFamily) -> Token:
    """`token` as one of its family, which it does not outlive."""
    token[FAMILY_CLAIM] = str(family.pk)
    token["exp"] = min(token["exp"], int(_end_of(family, user).timestamp()))
    return _stamped(token, user, family.verified_at)


def _stamped(token: Token, user: User, verified_at: int | None) -> Token:
    # Nobody asks when it was issued, and to a process whose clock is behind that would lie ahead.
    token.payload.pop("iat", None)
    token[VERSION_CLAIM] = user.token_version
    if verified_at is not None:
        token[CLAIM] = verified_at
    return token


class RevocableJWTAuthentication(JWTAuthentication):
    """simplejwt's, with one query too; refuses what was issued before the user signed out everywhere, and
    what belongs to a family that has ended."""

    async def aauthenticate(self, request: Request) -> tuple[User, Token] | None:
        """`authenticate` on the event loop, without a query where the view says so (`reads_bearer`)."""
        header = self.get_header(request)
        raw_token = None if header is None else self.get_raw_token(header)
        if raw_token is None:
            return None
        token = validated(raw_token, self.get_validated_token)
        view = (request.parser_context or {}).get("view")
        if not getattr(view, "reads_bearer", True):
            return claimed_bearer(token), token
        return await bearer_of(token, self.get_user), token

    def get_raw_token(self, header: bytes) -> bytes | None:
        # A scheme is the same in small letters (RFC 9110, 11.1).
        scheme, space, rest = header.partition(b" ")
        return super().get_raw_token(scheme.capitalize() + space + rest)

    def get_user(self, validated_token: Any) -> User:  # type: ignore[override]
        user_id, family_id = named_in(validated_token)
        living = TokenFamily.objects.filter(pk=cast(Any, family_id), ended_at=None)
        user = User.objects.annotate(has_family=Exists(living)).filter(pk=user_id).first()
        return checked(validated_token, user, has_family=bool(user and user.has_family))


class RevocableJWTScheme(SimpleJWTScheme):
    """What the OpenAPI schema says about it."""

    target_class = "accounts.tokens.RevocableJWTAuthentication"
