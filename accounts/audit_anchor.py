"""A hash of the audit trail kept elsewhere: the trail alone cannot tell that its end was cut off together
with the row that says where it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import AuditEntry

_HASH = re.compile(r"[0-9a-f]{64}")


class AnchorUnreadable(DomainError):
    code = "anchor_unreadable"
    status = 400
    message = "An anchor is a hash of 64 hexadecimal digits, or a file of lines with number, hash and moment."


class ChainCutShort(DomainError):
    code = "audit_trail_cut_short"
    status = 409
    message = "The chain holds, but the entry with the anchor's hash is not in it any more."


@dataclass(frozen=True, slots=True)
class Anchor:
    """`number` is None where only the hash was kept."""

    hash: str
    number: int | None = None


def read(text: str) -> Anchor | None:
    """The anchor that `text` is, or that the last line of the file of this name is; None for a file that is
    not there yet or empty. Raises AnchorUnreadable."""
    if _HASH.fullmatch(text):
        return Anchor(text)
    try:
        lines = Path(text).read_text().splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise AnchorUnreadable from None
    if not (kept := [line.split() for line in lines if line.strip()]):
        return None
    number, digest, *_ = [*kept[-1], ""]
    if not (number.isdecimal() and _HASH.fullmatch(digest)):
        raise AnchorUnreadable
    return Anchor(digest, int(number))


def check(anchor: Anchor) -> None:
    """Raises ChainCutShort when the entry is not in the trail, or in another place."""
    found = AuditEntry.objects.filter(hash=anchor.hash).values_list("number", flat=True).first()
    if found is None or anchor.number not in (None, found):
        raise ChainCutShort


def keep(file: Path, *, number: int, digest: str) -> None:
    """Add a line for the end of the trail as it was verified, unless it is the last one already."""
    last = read(str(file))
    if digest and (last is None or last.hash != digest):
        with file.open("a") as lines:
            lines.write(f"{number} {digest} {timezone.now().isoformat(timespec='seconds')}\n")
