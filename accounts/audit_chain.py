"""The chain of the audit trail: how entries are signed, that they still are what was signed, and how the data
of a person are taken out of them.

Each entry carries an HMAC over its own content and the hash of the one before. The key comes from the newest
of settings.AUDIT_KEYS; a reader of the database alone cannot forge one. A tail cut off together with the head
row is found only by comparing with a head hash kept elsewhere (`manage.py verify_audit --anchor`).

What may say who a person is stands in two parts, of which the signed content has digests only. A part can
therefore be emptied and the chain still holds; that it was emptied has to be told by a later entry, so that
nobody empties one unnoticed.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Cast

from accounts.mentions import whole
from accounts.models import AuditEntry, AuditHead, User

HEAD = 1
ERASED = "person.erased"

# Part -> the fields in it, and what they are when it is empty.
_PARTS: dict[str, dict[str, Any]] = {
    "actor": {"actor_email": "", "ip_address": "", "user_agent": ""},
    "target": {"target_label": "", "changes": {}},
}
_ALWAYS_SIGNED = [
    "number", "actor_id", "door", "action", "target_type", "target_id", "outcome", "request_id",
    "previous_hash",
]  # fmt: skip
# Entries without digests were written before there were any, and signed with all they say.
_SIGNED_BEFORE = [*_ALWAYS_SIGNED, *_PARTS["actor"], *_PARTS["target"]]

# What a command or the product itself did says nothing of a person; an e-mail address does, in whatever row.
_SAYS_WHO = ~Q(ip_address="") | ~Q(user_agent="") | Q(actor_email__contains="@")
_SAYS_OF_WHOM = (
    (Q(target_type=User._meta.label_lower) & (~Q(target_label="") | ~Q(changes={})))
    | Q(target_label__contains="@")
    | Q(text__contains="@")
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What `verify` found. `broken_at` is the number of the first entry that does not hold, or None."""

    entries: int
    head_hash: str
    broken_at: int | None = None
    reason: str = ""


@dataclass(slots=True)
class _Erasures:
    """(number, part) of what is empty, and of what later entries tell that it was emptied."""

    found: set[tuple[int, str]] = field(default_factory=set)
    told: set[tuple[int, str]] = field(default_factory=set)

    def note(self, entry: AuditEntry) -> None:
        for part in _PARTS:
            if _is_empty(entry, part):
                self.found.add((entry.number, part))
            if entry.action == ERASED:
                numbers = entry.changes.get(part, [None, []])[1]
                self.told |= {(number, part) for number in numbers if number < entry.number}


def sign(entry: AuditEntry, key: str) -> None:
    """Set digests and hash, by everything else that the entry says."""
    for part in _PARTS:
        setattr(entry, f"{part}_digest", _digest(entry, part, key))
    entry.hash = _hash(entry, key)


def verify() -> Verdict:
    """Walk the whole chain from its first entry; stops at the first that does not hold. Others may append
    meanwhile: their entries are left to the next run."""
    head = AuditHead.objects.filter(pk=HEAD).first() or AuditHead()
    number, previous, erasures = 0, "", _Erasures()
    for entry in _in_order(head.number):
        if reason := _fault(entry, number=number + 1, previous_hash=previous):
            return Verdict(entries=number, head_hash=head.hash, broken_at=number + 1, reason=reason)
        erasures.note(entry)
        number, previous = entry.number, entry.hash
    reason, broken_at = "", number + 1
    if (number, previous) != (head.number, head.hash):
        reason = f"The head row says that the chain ends at #{head.number}, but it ends at #{number}."
    elif _has_entries_behind_the_head():
        reason = "There are entries behind the end of the chain."
    elif untold := erasures.found - erasures.told:
        reason, broken_at = (
            "Its personal data are gone, and no entry tells that they were erased.",
            min(untold)[0],
        )
    return Verdict(
        entries=number, head_hash=head.hash, broken_at=broken_at if reason else None, reason=reason
    )


def parts_about(user: User) -> dict[str, list[int]]:
    """Of each part, the numbers of the entries in which it says something about the person. Those that were
    signed as a whole are left out: they cannot be emptied."""
    entries = _with_text()
    about = Q(target_type=user._meta.label_lower, target_id=str(user.pk)) | Q(
        target_label__icontains=user.email
    )
    about |= Q(text__iregex=whole(user.email))
    # A name is looked for as all of a value: within a longer one it may be a word like any other.
    if name := user.full_name:
        about |= Q(text__contains=json.dumps(name)) | Q(text__contains=json.dumps(name, ensure_ascii=False))
    by = Q(actor_id=user.pk) | Q(actor_email=user.email)
    return {
        part: list(entries.filter(which).order_by("number").values_list("number", flat=True))
        for part, which in (("actor", by), ("target", about))
    }


def entries_about_people() -> models.QuerySet[AuditEntry]:
    """Those with a part that still says something of a person, and that can be emptied."""
    return _with_text().filter(_SAYS_WHO | _SAYS_OF_WHOM)


def parts_of(entries: models.QuerySet[AuditEntry]) -> dict[str, list[int]]:
    """Of each part, the numbers of those of these entries in which it says something of a person."""
    found = _with_text().filter(pk__in=entries.values("pk"))
    return {
        part: list(found.filter(which).order_by("number").values_list("number", flat=True))
        for part, which in (("actor", _SAYS_WHO), ("target", _SAYS_OF_WHOM))
    }


def told(parts: dict[str, list[int]]) -> dict[str, list[Any]]:
    """The changes of the entry that tells of what is emptied."""
    return {part: [None, numbers] for part, numbers in parts.items()}


def _with_text() -> models.QuerySet[AuditEntry]:
    return AuditEntry.objects.exclude(actor_digest="").annotate(text=Cast("changes", models.TextField()))


def empty(parts: dict[str, list[int]]) -> None:
    """Empty the parts of the entries with these numbers, of which an entry tells already."""
    for part, numbers in parts.items():
        # The model's own query set refuses every change.
        models.QuerySet(AuditEntry).filter(number__in=numbers).update(**_PARTS[part])


@transaction.atomic
def _has_entries_behind_the_head() -> bool:
    head = AuditHead.objects.select_for_update().filter(pk=HEAD).first() or AuditHead()
    return AuditEntry.objects.filter(number__gt=head.number).exists()


def _in_order(last: int) -> Iterator[AuditEntry]:
    return AuditEntry.objects.filter(number__lte=last).order_by("number").iterator(chunk_size=2000)


def _fault(entry: AuditEntry, *, number: int, previous_hash: str) -> str:
    if entry.number != number:
        return f"Entry #{number} is missing."
    if entry.previous_hash != previous_hash:
        return "It does not follow from the entry before it."
    if not any(_holds(entry, key) for key in settings.AUDIT_KEYS):
        return "Its content is not what was written, or its key is no longer in AUDIT_KEYS."
    return ""


def _holds(entry: AuditEntry, key: str) -> bool:
    parts_hold = not _has_parts(entry) or all(
        _is_empty(entry, part)
        or hmac.compare_digest(getattr(entry, f"{part}_digest"), _digest(entry, part, key))
        for part in _PARTS
    )
    return parts_hold and hmac.compare_digest(entry.hash, _hash(entry, key))


def _has_parts(entry: AuditEntry) -> bool:
    return bool(entry.actor_digest)


def _is_empty(entry: AuditEntry, part: str) -> bool:
    """Whether the part was emptied: it says nothing now, and said something once."""
    says_nothing = all(getattr(entry, name) == value for name, value in _PARTS[part].items())
    digest = getattr(entry, f"{part}_digest")
    return (
        _has_parts(entry)
        and says_nothing
        and not any(hmac.compare_digest(digest, _digest(entry, part, key)) for key in settings.AUDIT_KEYS)
    )


def _digest(entry: AuditEntry, part: str, key: str) -> str:
    return _mac({name: getattr(entry, name) for name in ("number", *_PARTS[part])} | {"part": part}, key)


def _hash(entry: AuditEntry, key: str) -> str:
    content = {
        name: getattr(entry, name) for name in (_ALWAYS_SIGNED if _has_parts(entry) else _SIGNED_BEFORE)
    }
    if _has_parts(entry):
        content |= {f"{part}_digest": getattr(entry, f"{part}_digest") for part in _PARTS}
    # The database gives the moment back in its own zone and precision; this text is the same everywhere.
    return _mac(content | {"created_at": _moment(entry.created_at)}, key)


def _mac(content: dict[str, Any], key: str) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    derived = sha256(f"accounts.audit:{key}".encode()).digest()
    return hmac.new(derived, text.encode(), sha256).hexdigest()


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
