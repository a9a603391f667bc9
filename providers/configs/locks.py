"""The rows that a change of providers holds, and the order in which everybody takes them.

Two transactions that take the same locks in different orders wait for each other until PostgreSQL breaks one
of them off. So whoever changes providers, a flag as well as a form, takes them in this order:

1. rows of providers, by primary key: all that the change may write, before it writes the first;
2. the routing revision (`RoutingRevision`), which every write of a routed row moves;
3. the head of the audit trail (`accounts.audit.record`), which is why entries come last.
"""

from __future__ import annotations

from django.db import connection

from providers.credentials.checks import ConfigNotFound
from providers.models import AIProviderConfig


def locked(config_id: int) -> AIProviderConfig:
    """The row, held until the transaction ends. Raises ConfigNotFound."""
    config = AIProviderConfig.objects.select_for_update().filter(pk=config_id).first()
    if config is None:
        raise ConfigNotFound
    return config


def hold_all() -> None:
    """Hold every provider until the transaction ends. For what takes the place of the default: which row has
    it is known for certain only once no other can take it. Calls that name a provider do not wait for this.
    """
    no_key = connection.features.has_select_for_no_key_update
    rows = (
        AIProviderConfig.objects.select_for_update(no_key=no_key).order_by("pk").values_list("pk", flat=True)
    )
    held: list[int] = []
    # A row that was added while this waited for another shows when it looks again.
    while (found := list(rows.all())) != held:
        held = found
