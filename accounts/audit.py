"""The audit trail: who did what, before and after, from where, through which door.

Entries form a chain that shows when one was changed, taken out or put in (`accounts.audit_chain`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django_guid import get_guid

from accounts import client_addresses
from accounts.audit_chain import HEAD, sign
from accounts.models import AuditEntry, AuditHead, User

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
    sign(entry, settings.AUDIT_KEYS[0])
    entry.save(force_insert=True)
    AuditHead.objects.filter(pk=HEAD).update(number=entry.number, hash=entry.hash)
    transaction.on_commit(partial(_tell, entry))
    return entry


def hold() -> AuditHead:
    """The end of the chain, locked to the commit: until then nobody else's change is written down, so that
    what is counted from here on stays as it was counted. After every other lock, as `record`."""
    return AuditHead.objects.select_for_update().get_or_create(pk=HEAD)[0]


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


def _as_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """As the database will give it back, so that the hash is over the same text then as now. Decimals, dates
    and floats become text: PostgreSQL returns some floats as integers."""
    plain: dict[str, Any] = json.loads(json.dumps(value, default=str), parse_float=str)
    return plain
