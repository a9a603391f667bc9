"""Refused attempts in the audit trail, bounded so that a flood of them cannot fill it."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from django.core.cache import cache

from accounts.audit import Actor, record_alone

# The same refusal within this many seconds is one entry; an address writes at most so many in that time.
WINDOW_SECONDS = 60
MOST_PER_ADDRESS = 30


def record_refusal(*, request: Any, door: str, action: str, reason: str, label: str = "") -> None:
    """Write that `request` was refused. `reason` is a code such as `not_super_admin`; `label` says what was
    asked for, the path when empty. Repetitions are counted as one."""
    actor = Actor.of_request(request, door=door)
    what = label or f"{request.method} {request.path}"
    who = actor.user.pk if actor.user else "anonymous"
    if not _is_first(f"{door}|{actor.ip_address}|{who}|{action}|{reason}|{what}") or _is_flood(
        actor.ip_address
    ):
        return
    record_alone(
        action=action,
        actor=actor,
        target_label=what,
        changes={"reason": [None, reason]},
        outcome="refused",
    )


def _is_first(key: str) -> bool:
    return _count(f"refusal:{_digest(key)}") == 1


def _is_flood(address: str) -> bool:
    return _count(f"refusals-of:{_digest(address)}") > MOST_PER_ADDRESS


def _count(key: str) -> int:
    """How often within the window, this time included. 1 when the cache is away: better an entry too many."""
    try:
        cache.add(key, 0, timeout=WINDOW_SECONDS)
        return int(cache.incr(key))
    except Exception:  # noqa: BLE001 - whatever the cache raises, the refusal itself must go on
        return 1


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]
