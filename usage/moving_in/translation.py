"""What a row of the earlier system is here: pure functions from its columns to fields of our models.

The tables were written by several versions, so a column is looked for under each name that it had; and they
were checked less than ours, so a value may be anything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from cryptography.fernet import InvalidToken, MultiFernet
from django.contrib.auth.hashers import identify_hasher, make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import Role, Subscription
from providers.redaction import redact
from providers.registry import PROVIDER_TYPES
from providers.tasks import TASKS
from usage.models import Status, UsageSource
from usage.moving_in.old_database import Row

REQUEST_PREFIX = "fastapi-"
_MOST_TOKENS = 10**12
_VENDORS = {"anthropic": "claude", "google": "gemini"}
_TASKS = {"validation": "extraction_validation"}


class NotTaken(Exception):
    """Why a record cannot be moved in: a reason without its values, which the report counts."""


def user_fields(row: Row) -> dict[str, Any]:
    """A person: email, name, role, password hash. A hash that nobody here can check becomes an unusable
    password, and `has_password` says so."""
    email = str(row.get("email") or "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise NotTaken("no email address") from None
    role = _enum(row.get("role"))
    if role not in Role.values:
        role = Role.SUPER_ADMIN if row.get("is_superuser") else Role.USER
    joined = _moment(row.get("created_at"))
    return {
        "email": email,
        "full_name": str(row.get("full_name") or row.get("name") or "")[:200],
        "role": role,
        "is_active": bool(row.get("is_active", True)),
        "password": _password(str(row.get("hashed_password") or row.get("password_hash") or "")),
        **({"date_joined": joined} if joined else {}),
    }


def subscription_fields(row: Row, plans: frozenset[str]) -> dict[str, Any]:
    """A subscription to one of the `plans` that there are here."""
    plan = _enum(row.get("plan") or row.get("plan_type") or row.get("tier")).lower()
    if plan not in plans:
        raise NotTaken("a plan that is not here")
    is_active = _enum(row.get("status") or "active").lower() in {"active", "trialing"}
    started = _moment(row.get("started_at") or row.get("current_period_start") or row.get("created_at"))
    return {
        "plan_id": plan,
        "status": Subscription.Status.ACTIVE if is_active else Subscription.Status.CANCELLED,
        "current_period_end": _moment(row.get("current_period_end") or row.get("expires_at")),
        **({"started_at": started} if started else {}),
    }


def provider_fields(row: Row, keys: MultiFernet) -> tuple[dict[str, Any], str]:
    """A provider's fields, and its API key in plain text, opened with the earlier system's `keys`."""
    vendor = vendor_of(row)
    if vendor not in PROVIDER_TYPES:
        raise NotTaken("a vendor that is not known here")
    if not row.get("model_name"):
        raise NotTaken("no model")
    try:
        api_key = keys.decrypt(str(row.get("api_key_encrypted") or "").encode()).decode()
    except (InvalidToken, UnicodeDecodeError):
        raise NotTaken("a key that OLD_FERNET_KEYS do not open") from None
    flags = {task.flag: bool(row.get(task.flag)) for task in TASKS.values() if task.flag}
    return {
        "provider_type": vendor,
        "model_name": str(row["model_name"])[:200],
        "display_name": str(row.get("display_name") or "")[:200],
        "description": str(row.get("description") or ""),
        "is_active": bool(row.get("is_active", True)),
        "is_default": bool(row.get("is_default")),
        "daily_token_limit": _limit(row.get("daily_token_limit") or row.get("max_tokens_per_day")),
        "monthly_token_limit": _limit(row.get("monthly_token_limit")),
        **flags,
    }, api_key


def vendor_of(row: Row) -> str:
    """The vendor of a provider, by our name for it where we have one."""
    vendor = _enum(row.get("provider_type")).lower()
    return _VENDORS.get(vendor, vendor)[:20]


def usage_fields(row: Row, cost_in_usd: Callable[[Decimal], Decimal]) -> dict[str, Any]:
    """A usage row; `cost_in_usd` turns what the column held into USD. What the total holds beyond its parts
    counts as output. A cost of 0 for tokens is unknown: whole cents had lost it."""
    created = _moment(row.get("created_at"))
    if created is None:
        raise NotTaken("no time")
    read, written = _count(row.get("input_tokens")), _count(row.get("output_tokens"))
    written = max(written, _count(row.get("total_tokens")) - read)
    latency = _count(row.get("latency_ms")) if row.get("latency_ms") is not None else None
    cost = _cost(row.get("estimated_cost_usd"), cost_in_usd)
    total = read + written
    is_lost = total > 0 and not cost
    status = _enum(row.get("status")).lower()
    task = _enum(row.get("task_type")).lower()[:50]
    return {
        "task_type": _TASKS.get(task, task),
        "model_name": str(row.get("model_name") or row.get("model") or "")[:200],
        "request_id": request_id(row["id"]),
        "input_tokens": read,
        "output_tokens": written,
        "total_tokens": total,
        "usage_source": UsageSource.ESTIMATED if total else UsageSource.NONE,
        "estimated_cost_usd": None if is_lost else cost,
        "unit_prices": {"unpriced": "less than the earlier system stored"} if is_lost else {},
        "status": status if status in _ENDED else Status.ERROR,
        "error_message": redact(str(row.get("error_message") or ""))[:500],
        "latency_ms": latency,
        "created_at": created,
        "settled_at": created + timedelta(milliseconds=latency or 0),
    }


_ENDED = frozenset({Status.SUCCESS, Status.ERROR, Status.TIMEOUT, Status.ABORTED})


def request_id(old_id: object) -> str:
    """What a moved usage row is found by. A UUID fills the column and stands alone."""
    whole = f"{REQUEST_PREFIX}{old_id}"
    return whole if len(whole) <= 36 else str(old_id)[:36]


def _enum(value: Any) -> str:
    """The value of an enumeration, however it was stored: `pro_monthly`, `PlanType.PRO_MONTHLY`."""
    return str(value or "").rpartition(".")[2].strip()


def _moment(value: Any) -> datetime | None:
    """An aware time; those without a zone were written by `datetime.utcnow`."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _count(value: Any) -> int:
    try:
        count = int(value or 0)
    except (TypeError, ValueError, OverflowError):
        raise NotTaken("a count that is no number") from None
    if not 0 <= count <= _MOST_TOKENS:
        raise NotTaken("a count that cannot be true")
    return count


def _limit(value: Any) -> int | None:
    """A limit of 0 meant none."""
    return _count(value) or None


def _cost(value: Any, cost_in_usd: Callable[[Decimal], Decimal]) -> Decimal | None:
    if value is None:
        return None
    try:
        cost = cost_in_usd(Decimal(str(value)))
    except InvalidOperation:
        raise NotTaken("a cost that is no number") from None
    if not cost.is_finite() or not 0 <= cost < 10**9:
        raise NotTaken("a cost that cannot be true")
    return cost.quantize(Decimal("1e-12"))


def _password(stored: str) -> str:
    """passlib's and pwdlib's bcrypt and argon2 are Django's with the name of the algorithm before them."""
    if stored.startswith(("$2a$", "$2b$", "$2y$")):
        stored = f"bcrypt${stored}"
    elif stored.startswith("$argon2"):
        stored = f"argon2{stored}"
    try:
        identify_hasher(stored)
    except ValueError:
        return make_password(None)
    return stored
