"""Runs of the commands that move something in."""

from __future__ import annotations

from usage.models import MovedRecord


def wait_for_other_runs(command: str) -> None:
    """Hold, to the end of the transaction, the row that every run of the command holds while it writes; it is
    made by the first."""
    MovedRecord.objects.get_or_create(kind="run", old_id=command, defaults={"new_id": 0})
    MovedRecord.objects.select_for_update().get(kind="run", old_id=command)
