"""The figures above which something is an incident, with what the console says of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from decimal import Decimal

from usage.models import AlertThresholds


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The fields are those of `AlertThresholds`, none of them empty."""

    error_rate_percent: float = 10
    p95_latency_ms: int = 5_000
    fewest_calls: int = 10
    cost_factor: float = 2
    cost_floor_usd: Decimal = Decimal(1)

    def with_row(self, row: AlertThresholds) -> Thresholds:
        said = {item.name: getattr(row, item.name) for item in fields(self)}
        return replace(self, **{name: value for name, value in said.items() if value is not None})


BUILT_IN = Thresholds()


def thresholds_by_config() -> dict[int | None, Thresholds]:
    """Of each provider that has its own; under None what holds for all others."""
    rows = {row.provider_config_id: row for row in AlertThresholds.objects.all()}
    general = BUILT_IN.with_row(rows[None]) if None in rows else BUILT_IN
    return {None: general} | {pk: general.with_row(row) for pk, row in rows.items() if pk is not None}
