"""What of a person's account every call goes by, kept in the process and checked where the call reserves.

On PostgreSQL a stamp names the versions of all rows that it was read from. While the stamp stands, so does
all that was read; the statement that reserves compares it, so a call needs no query before that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone
from rest_framework_simplejwt.utils import get_md5_hash_password

from accounts.calendars import Calendar
from accounts.concurrency import Recent
from accounts.errors import DomainError
from accounts.models import Plan, TokenFamily, User, plan_until

# Accounts of which a process keeps the standing; who was away for the longest goes first.
MOST_KEPT = 12_000


class SignedOut(DomainError):
    """The login that a call was made by has ended, or its account has."""

    code = "token_revoked"
    status = 401
    message = "This login has been ended. Log in again."


@dataclass(frozen=True, slots=True)
class Login:
    """By what a call is made, as the claims of an access token have it. `password_mark` is simplejwt's mark
    of the password it was issued for; `family` the id of its `TokenFamily`, empty for one of none."""

    token_version: int
    password_mark: str
    family: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """`until` is when the subscription ends, if it does. `stamp` is empty where the database has none."""

    user_id: int
    plan: Plan
    calendar: Calendar
    is_active: bool
    token_version: int
    password_mark: str
    until: datetime | None
    stamp: str

    def admit(self, login: Login | None) -> None:
        """SignedOut when the login is none of this account's any more; whether its family has ended, only the
        database knows."""
        if login is None:
            return
        same = (login.token_version, login.password_mark) == (self.token_version, self.password_mark)
        if not (self.is_active and same):
            raise SignedOut


def stamp_of(user_id: int) -> str | None:
    """The versions of the rows that an account's standing is read from (one query); None when there is no
    such account. Empty where the database has no such stamps."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_stamp(%s)", [user_id])
        found = cursor.fetchone()
    return found[0] if found else None


def current_standing(user_id: int) -> Standing:
    """The standing as the database has it (one query while it has not changed, else three or four).
    SignedOut for an account that is gone, NoDefaultPlan."""
    # The stamp is read before the rows: rows newer than it cost a needless reading, never staleness.
    stamp = stamp_of(user_id)
    kept = kept_standing(user_id)
    if kept is not None and kept.stamp and kept.stamp == stamp:
        return kept
    user = User.objects.filter(pk=user_id).first()
    if stamp is None or user is None:
        raise SignedOut
    plan, until = plan_until(user_id)
    standing = Standing(
        user_id=user_id,
        plan=plan,
        calendar=user.calendar,
        is_active=user.is_active,
        token_version=user.token_version,
        password_mark=get_md5_hash_password(user.password),
        until=until,
        stamp=stamp,
    )
    if stamp:
        _kept.keep(user_id, standing, most=MOST_KEPT)
    return standing


def kept_standing(user_id: int) -> Standing | None:
    """The standing as this process saw it last, without a query, for who has its stamp checked."""
    standing = _kept.of(user_id)
    if standing is not None and standing.until is not None and standing.until <= timezone.now():
        # Time ended the subscription, which changes no row.
        _kept.forget(user_id)
        return None
    return standing


def is_family_living(family: str) -> bool:
    """Whether the login that a `TokenFamily` stands for has not been ended (one query)."""
    return TokenFamily.objects.filter(pk=family, ended_at=None).exists()


_kept: Recent[int, Standing] = Recent()
