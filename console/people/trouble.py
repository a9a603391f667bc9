"""Which people have trouble now: with logging in, or with what is left of their quotas."""

from __future__ import annotations

from datetime import datetime

from accounts.logins import locked_out_emails
from accounts.models import User
from usage.ledger.limits import parts_of
from usage.stats.nearest import NEAR, nearest

LOCKED_OUT, USED_UP, NEARLY = "locked out", "quota used up", "quota nearly used up"


def people_in_trouble(*, now: datetime) -> dict[str, list[int]]:
    """The ids of people by their trouble, the worst first; each stands under the worst of theirs. Quotas are
    those over all tasks and within one, of whoever took most (`usage.stats.nearest`)."""
    locked = User.objects.filter(email__in=locked_out_emails(now=now)).values_list("pk", flat=True)
    found: dict[str, dict[int, None]] = {LOCKED_OUT: dict.fromkeys(locked), USED_UP: {}, NEARLY: {}}
    for one in nearest(now=now):
        subject, owner, _ = parts_of(one.counter.scope)
        share = one.share or 0
        if share < NEAR:
            break
        if subject in ("user", "task") and not any(int(owner) in ids for ids in found.values()):
            found[USED_UP if share >= 1 else NEARLY][int(owner)] = None
    return {word: list(ids) for word, ids in found.items()}
