"""The rows of the audit trail. `accounts.audit` writes them; nothing changes them afterwards."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models


class AppendOnly(Exception):
    """Somebody tried to change or delete an entry of the audit trail."""

    def __init__(self) -> None:
        super().__init__("Entries of the audit trail are never changed or deleted.")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **_: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *_: Any, **__: Any) -> NoReturn:
        raise AppendOnly

    def bulk_create(self, *_: Any, **__: Any) -> NoReturn:
        # It would skip the chain.
        raise AppendOnly


class AuditEntry(models.Model):
    """Who did what to which row, from where, through which door, and how it ended.

    `number` counts from 1 without gaps. `hash` covers the entry and the hash of the one before; how, and what
    the digests are for, is told in `accounts.audit_chain`.
    """

    class Door(models.TextChoices):
        ADMIN = "admin", "Console"
        API = "api", "API"
        COMMAND = "command", "Command"
        SYSTEM = "system", "System"

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    number = models.PositiveBigIntegerField(unique=True, editable=False)
    created_at = models.DateTimeField(db_index=True)
    # Deleting a user must not rewrite the trail, so the id stays although nothing is behind it.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="audit_entries",
    )
    actor_email = models.CharField(max_length=254, blank=True)
    door = models.CharField(max_length=10, choices=Door.choices)
    action = models.CharField(max_length=64, db_index=True)
    target_type = models.CharField(max_length=100, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_label = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    ip_address = models.CharField("IP address", max_length=45, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    actor_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    target_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    objects: ClassVar[models.Manager[AuditEntry]] = AuditQuerySet.as_manager()

    class Meta:
        db_table = "audit_entries"
        ordering = ["-number"]
        default_permissions = ("view",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["target_type", "target_id"], name="audit_entries_target"),
            models.Index(fields=["actor_email"], name="audit_entries_actor_email"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.action.replace('.', ': ').replace('_', ' ')}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly


class AuditHead(models.Model):
    """The one row that says where the chain ends; whoever appends holds its lock."""

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "audit_head"
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.number}"
