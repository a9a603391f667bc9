"""Deleting a provider while calls may be using it.

The config's row, the usage rows that refer to it and the quota counters are locked by calls and by the
deletion in different orders. So the deletion never waits long for a call: it lets go of all it holds and
tries again.
"""

from __future__ import annotations

from django.db import OperationalError, connection, transaction
from django.db.models import CASCADE, ManyToOneRel
from psycopg.errors import DeadlockDetected, LockNotAvailable

from accounts import audit
from accounts.audit import Actor
from accounts.errors import DomainError
from providers.configs.changes import facts
from providers.configs.locks import locked
from providers.models import AIProviderConfig

TRIES = 5
# Far below PostgreSQL's deadlock_timeout of 1 s: in a ring of locks it is never a call that is broken off.
PATIENCE_MS = 200


class ProviderBusy(DomainError):
    code = "provider_busy"
    status = 409
    message = (
        "Calls are using this provider right now, so nothing was deleted. Switch it off, then delete it."
    )


def delete(*, actor: Actor, config_id: int) -> int:
    """Delete the config and its key; its usage rows remain. Returns its id. Raises ConfigNotFound, and
    ProviderBusy when calls keep holding what it needs."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                _be_impatient()
                return _delete(actor=actor, config_id=config_id)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected | LockNotAvailable):
                raise
    raise ProviderBusy


def lost_with(config: AIProviderConfig) -> list[str]:
    """What is deleted with the config, each row as a person would name it."""
    names = []
    for relation in config._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and not relation.one_to_one and relation.on_delete is CASCADE:
            model = relation.related_model
            rows = model._base_manager.filter(**{relation.field.name: config}).order_by("pk")
            names += [f"{model._meta.verbose_name} “{row}”" for row in rows]
    return names


def _delete(*, actor: Actor, config_id: int) -> int:
    config = locked(config_id)
    before, label = facts(config), str(config)
    if lost := lost_with(config):
        before["deleted_with_it"] = lost
    config.delete()
    config.pk = config_id
    audit.record(
        action="provider.deleted",
        actor=actor,
        target=config,
        target_label=label,
        changes=audit.changes_between(before, {}),
    )
    return config_id


def _be_impatient() -> None:
    """For the rest of the transaction. SQLite has one writer, so nobody there waits for a second lock."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
