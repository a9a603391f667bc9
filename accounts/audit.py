"""The audit trail: who did what, before and after, from where, through which door.

Entries form a chain: each carries an HMAC over its own content and the hash of the one before, so that an
entry changed, taken out or put in later is found by `verify`. The key comes from the newest of
settings.AUDIT_KEYS; a reader of the database alone cannot forge one. A tail cut off together with the head
row is found only by comparing with a head hash kept elsewhere (`manage.py verify_audit --anchor`).
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django_guid import get_guid

from accounts import client_addresses
from accounts.models import AuditEntry, AuditHead, User

_HEAD = 1
_commands_entered: set[str] = set()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts and by which way. `user` is None for commands, the system and strangers."""

    door: str
    user: User | None = None
    email: str = ""
    ip_address: str = ""
    user_agent: str = ""
    request_id: str = field(default_factory=lambda: str(get_guid() or ""))

    @classmethod
    def of_request(cls, request: Any, door: str = "admin", *, user: User | None = None) -> Self:
        """The person behind a Django or DRF request; `door` is "admin" or "api". `user` names them while
        they are still logging in.

        The address is the client's, as `accounts.client_addresses` vouches for it.
        """
        if user is None and isinstance(request.user, User):
            user = request.user
        return cls(
            door=door,
            user=user,
            email=user.email if user else "",
            ip_address=client_addresses.of_request(request)[:45],
            user_agent=str(request.META.get("HTTP_USER_AGENT") or "")[:200],
        )

    @classmethod
    def of_command(cls, name: str) -> Self:
        """`manage.py NAME`: whoever has a shell on the machine."""
        return cls(door=AuditEntry.Door.COMMAND, email=f"manage.py {name}")

    @classmethod
    def system(cls) -> Self:
        """The product itself: a worker, a probe, a failed call that flagged a key."""
        return cls(door=AuditEntry.Door.SYSTEM, email="system")


def record(
    *,
    action: str,
    actor: Actor,
    target: models.Model | None = None,
    target_label: str = "",
    changes: Mapping[str, list[Any]] | None = None,
    outcome: str = "done",
) -> AuditEntry:
    """Append one entry, inside the transaction of the change it tells of, so that both happen or neither.

    `action` is a slug such as `provider.created`; `changes` is {field: [before, after]} as `changes_between`
    makes it, with keys as their hint only; `outcome` is done, refused or failed. Call it last in the
    transaction: from here to the commit, other entries wait for this one. Raises RuntimeError outside a
    transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An audit entry is written inside the transaction of its change.")
    if connection.vendor == "postgresql":
        # What the commit would check of foreign keys may wait for rows of somebody who waits for the head.
        connection.check_constraints()
    head = hold()
    entry = AuditEntry(
        number=head.number + 1,
        created_at=timezone.now(),
        actor=actor.user,
        actor_email=actor.email,
        door=actor.door,
        action=action,
        target_type=target._meta.label_lower if target else "",
        target_id=str(target.pk) if target and target.pk is not None else "",
        target_label=(target_label or (str(target) if target else ""))[:200],
        changes=_as_json(changes or {}),
        outcome=outcome,
        ip_address=actor.ip_address,
        user_agent=actor.user_agent,
        request_id=actor.request_id[:64],
        previous_hash=head.hash,
    )
    entry.hash = _sign(entry, settings.AUDIT_KEYS[0])
    entry.save(force_insert=True)
    AuditHead.objects.filter(pk=_HEAD).update(number=entry.number, hash=entry.hash)
    transaction.on_commit(partial(_tell, entry))
    return entry


def hold() -> AuditHead:
    """The end of the chain, locked to the commit: until then nobody else's change is written down, so that
    what is counted from here on stays as it was counted. After every other lock, as `record`."""
    return AuditHead.objects.select_for_update().get_or_create(pk=_HEAD)[0]


def _tell(entry: AuditEntry) -> None:
    """Say it to the log, too: a log that is kept elsewhere shows when the trail was cut or written anew."""
    logger.info(
        "Audit entry #%d",
        entry.number,
        extra={
            "audit_number": entry.number,
            "audit_hash": entry.hash,
            "audit_action": entry.action,
            "audit_outcome": entry.outcome,
        },
    )
    if entry.door == AuditEntry.Door.COMMAND:
        _commands_entered.add(entry.actor_email)


def entries_about(row: models.Model) -> models.QuerySet[AuditEntry]:
    """All that the trail has about the row."""
    return AuditEntry.objects.filter(target_type=row._meta.label_lower, target_id=str(row.pk))


def has_entered(actor: Actor) -> bool:
    """Whether this process has written an entry of this command."""
    return actor.email in _commands_entered


def record_alone(**entry: Any) -> AuditEntry:
    """`record` in a transaction of its own, for what changed nothing: a refusal, a test, an export."""
    with transaction.atomic():
        return record(**entry)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """{field: [before, after]} of the fields that differ; a field that one side lacks counts as None.

    Give key hints, never keys: nothing is masked here.
    """
    names = sorted({*before, *after})
    pairs = {name: [before.get(name), after.get(name)] for name in names}
    return _as_json({name: pair for name, pair in pairs.items() if pair[0] != pair[1]})


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What `verify` found. `broken_at` is the number of the first entry that does not hold, or None."""

    entries: int
    head_hash: str
    broken_at: int | None = None
    reason: str = ""


def verify() -> Verdict:
    """Walk the whole chain from its first entry; stops at the first that does not hold. Others may append
    meanwhile: their entries are left to the next run."""
    head = AuditHead.objects.filter(pk=_HEAD).first() or AuditHead()
    number, previous = 0, ""
    for entry in _in_order(head.number):
        if reason := _fault(entry, number=number + 1, previous_hash=previous):
            return Verdict(entries=number, head_hash=head.hash, broken_at=number + 1, reason=reason)
        number, previous = entry.number, entry.hash
    reason = ""
    if (number, previous) != (head.number, head.hash):
        reason = f"The head row says that the chain ends at #{head.number}, but it ends at #{number}."
    elif _has_entries_behind_the_head():
        reason = "There are entries behind the end of the chain."
    return Verdict(
        entries=number, head_hash=head.hash, broken_at=number + 1 if reason else None, reason=reason
    )


@transaction.atomic
def _has_entries_behind_the_head() -> bool:
    head = AuditHead.objects.select_for_update().filter(pk=_HEAD).first() or AuditHead()
    return AuditEntry.objects.filter(number__gt=head.number).exists()


def _in_order(last: int) -> Iterator[AuditEntry]:
    return AuditEntry.objects.filter(number__lte=last).order_by("number").iterator(chunk_size=2000)


def _fault(entry: AuditEntry, *, number: int, previous_hash: str) -> str:
    if entry.number != number:
        return f"Entry #{number} is missing."
    if entry.previous_hash != previous_hash:
        return "It does not follow from the entry before it."
    if not any(hmac.compare_digest(entry.hash, _sign(entry, key)) for key in settings.AUDIT_KEYS):
        return "Its content is not what was written, or its key is no longer in AUDIT_KEYS."
    return ""


_SIGNED = [
    "number", "actor_id", "actor_email", "door", "action", "target_type", "target_id", "target_label",
    "changes", "outcome", "ip_address", "user_agent", "request_id", "previous_hash",
]  # fmt: skip


def _sign(entry: AuditEntry, key: str) -> str:
    content = {name: getattr(entry, name) for name in _SIGNED}
    # The database gives the moment back in its own zone and precision; this text is the same everywhere.
    content["created_at"] = _moment(entry.created_at)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    derived = sha256(f"accounts.audit:{key}".encode()).digest()
    return hmac.new(derived, text.encode(), sha256).hexdigest()


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """As the database will give it back, so that the hash is over the same text then as now. Decimals, dates
    and floats become text: PostgreSQL returns some floats as integers."""
    plain: dict[str, Any] = json.loads(json.dumps(value, default=str), parse_float=str)
    return plain
