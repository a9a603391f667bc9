"""What came from an earlier system, and what it is here."""

from __future__ import annotations

from django.db import models


class MovedRecord(models.Model):
    """A record of another system that was moved in: its `kind` ("user", "subscription", "provider") and id
    there, and the id here. It makes a second run find what the first one made. Usage rows need none: their
    `request_id` holds their old id."""

    kind = models.CharField(max_length=20)
    old_id = models.CharField(max_length=64)
    new_id = models.BigIntegerField()

    class Meta:
        db_table = "moved_records"
        constraints = [
            models.UniqueConstraint(fields=["kind", "old_id"], name="moved_records_one_per_old_record")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.old_id} is {self.new_id}"
