"""Reservations by their rows, for who settles what another process reserved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from usage.ledger.base import Attempt, Reservation
from usage.ledger.rows import Held
from usage.models import AIProviderUsageLog, Status


def reservation_of(row: AIProviderUsageLog) -> Reservation:
    """What the call of this row holds, for `Ledger.settle`; its prices are read then."""
    attempt = Attempt(
        user_id=row.user_id,
        config_id=row.provider_config_id,
        provider_type=row.provider_type,
        model_name=row.model_name,
        task=row.task_type,
        plan=row.plan,
        request_id=row.request_id,
        number=row.attempt,
        reserved_tokens=row.reserved_tokens,
        reserved_input_tokens=row.reserved_input_tokens,
        limits=(),
        routing_revision=0,
        started_at=row.created_at,
        expires_at=row.expires_at or row.created_at,
        is_parked=True,
    )
    return Reservation(row.pk, attempt, Held.by_row(row).holds)


def reservation_in(row_id: int) -> Reservation | None:
    """The same by the row's id, open or closed; None when there is no such row any more."""
    row = AIProviderUsageLog.objects.filter(pk=row_id).first()
    return reservation_of(row) if row else None


def left_open(request_id: str) -> list[Reservation]:
    """What the open calls of a request hold."""
    rows = AIProviderUsageLog.objects.filter(request_id=request_id, status=Status.STARTED)
    return [reservation_of(row) for row in rows]


def keep_open(row_ids: Iterable[int], *, until: datetime) -> None:
    """Have the sweeper take the calls of these rows for alive until then."""
    rows = AIProviderUsageLog.objects.filter(pk__in=list(row_ids), status=Status.STARTED)
    rows.update(expires_at=until)
