"""Whether the books are right once nothing is under way: what `bench.soak` asks at its end."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from redis import Redis

from accounts.idempotency import HELD_FOR
from accounts.models import IdempotencyKey
from orchestration.calls.reply_cache import LEASE
from tests.books import assert_nothing_is_held, counters, sums_of_rows
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, Status, UsageRollup
from usage.stats import rollup

# Longer than any call lasts, so that whatever is open then is nobody's.
LONG_AFTER = timedelta(days=1)
# By the row's provider type, as the sandbox calls the vendor.
_VENDORS = {"openai": "openai", "claude": "anthropic", "gemini": "gemini"}


def close(*, users: Sequence[int], timeout: int) -> int:
    """Wait until what the dead held has lapsed, and sweep; how many rows nobody had settled."""
    until = time.monotonic() + max(HELD_FOR.total_seconds(), LEASE)
    while time.monotonic() < until and (_keys_held() or _claims()):
        time.sleep(0.5)
    # On a loop of its own, whose connections end with it.
    swept = asyncio.run(get_ledger().sweep(now=timezone.now() + LONG_AFTER))
    roll_up()
    # Places of the dead lapse by themselves; of what is asked a while ahead, only what never would is left.
    lapsed = time.time() + settings.CALL_DEADLINE_SECONDS + timeout + 61
    assert_nothing_is_held(user_ids=users, now=lapsed)
    return swept


def roll_up() -> None:
    """With the running hour, so that what is settled from now on comes late."""
    rollup.refresh(now=timezone.now() + timedelta(hours=1))


def books(hits: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What there is, and what of it is wrong. `hits` is what reached the vendor, as the sandbox counts.

    A row is written before its request is sent. Of a process that died and of a caller who left in between,
    nobody can tell afterwards whether it was: so many rows, and not more, may lack their request, and no
    request its row.
    """
    rows = AIProviderUsageLog.objects.filter(attempt__gt=0)
    unknowable = {
        "killed": rows.filter(swept=True).count(),
        "left": rows.filter(status=Status.ABORTED, swept=False).count(),
    }
    wrong = []
    for kind, vendor in _VENDORS.items():
        of_kind, sent = rows.filter(provider_type=kind), hits["by_vendor"].get(vendor, 0)
        certain = of_kind.exclude(status=Status.ABORTED).count()
        if not certain <= sent <= of_kind.count():
            wrong.append(f"{of_kind.count()} rows of {kind}, {certain} of them certain, for {sent} requests")
    kept, summed = counters(), sums_of_rows()
    wrong += [
        f"counter {key} is {kept.get(key)}, its rows say {summed.get(key)}"
        for key in sorted(kept.keys() | summed.keys())
        if kept.get(key) != summed.get(key)
    ]
    held = sum(reserved for _, reserved in kept.values())
    told = {
        "requests": hits["total"],
        "rows": rows.count(),
        "rows_without_a_request": rows.count() - hits["total"],
        "rows_that_may_be": unknowable,
        "statuses": {status: rows.filter(status=status).count() for status in Status.values},
        "answered_again": AIProviderUsageLog.objects.filter(cached=True).count(),
        "counters": len(kept),
        "still_reserved": held,
        "rollups": UsageRollup.objects.count(),
        "keys": IdempotencyKey.objects.count(),
        "keys_held": _keys_held(),
        "claims_held": _claims(),
    }
    wrong += [f"{told[name]} {name}" for name in ("still_reserved", "keys_held", "claims_held") if told[name]]
    if rows.filter(status=Status.STARTED).exists():
        wrong.append("rows are open")
    return told, wrong + rollups_that_differ()


def rollups_that_differ() -> list[str]:
    """What `roll_up_usage --verify` finds."""
    said = io.StringIO()
    try:
        call_command("roll_up_usage", "--verify", stdout=said, stderr=io.StringIO())
    except CommandError as error:
        return [*said.getvalue().splitlines(), str(error)]
    return []


def _keys_held() -> int:
    """Idempotency keys of which no answer is there and that nobody else may have yet."""
    return IdempotencyKey.objects.filter(status=None, held_until__gt=timezone.now()).count()


def _claims() -> int:
    """Who asks a question for all that ask the same."""
    if not settings.REDIS_URL:
        return 0
    with Redis.from_url(settings.REDIS_URL) as redis:
        return sum(1 for _ in redis.scan_iter(f"{settings.REDIS_KEY_PREFIX}:guard:claim:*", count=1000))
