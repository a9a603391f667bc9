"""What is not counted but stands somewhere all processes can see: open rows, circuits, queues."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone

from accounts.concurrency import PerProcess, in_database_thread
from orchestration.guards.admission import circuit_key
from orchestration.guards.base import get_guards
from orchestration.guards.circuit import Circuit
from orchestration.guards.circuit import State as CircuitState
from orchestration.models import BatchItem, ItemState
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import RoutingSnapshot, current_snapshot
from providers.capabilities.facts import UNKNOWN
from providers.registry import PROVIDER_TYPES
from usage.models import AIProviderUsageLog, Status

if TYPE_CHECKING:
    from prometheus_client import Metric

logger = logging.getLogger(__name__)

# Seconds. Several Prometheus servers cost no more than one, and a slow database does not slow a scrape down.
KEPT_FOR = 5.0
PATIENCE = 2.0


@dataclass(slots=True)
class _Kept:
    read_at: float = float("-inf")
    metrics: list[Metric] = field(default_factory=list)


_kept = PerProcess(_Kept)


async def shared_state() -> list[Metric]:
    """As it was at most KEPT_FOR seconds ago; what cannot be read within PATIENCE is left out, and
    `aditus_state_readable` is 0."""
    kept = _kept.get()
    if time.monotonic() - kept.read_at > KEPT_FOR:
        kept.metrics, kept.read_at = await _read(), time.monotonic()
    return kept.metrics


async def _read() -> list[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    readable = GaugeMetricFamily(
        "aditus_state_readable", "Whether the shared state could be read.", labels=["part"]
    )
    found: list[Metric] = [readable]
    parts = {"database": _from_database(), "guards": _circuits(), "broker": _queue()}
    results = await asyncio.gather(
        *(asyncio.wait_for(part, PATIENCE) for part in parts.values()), return_exceptions=True
    )
    for name, result in zip(parts, results, strict=True):
        if isinstance(result, BaseException):
            logger.warning("The %s could not be read for the metrics: %s", name, type(result).__name__)
        else:
            found += result
        readable.add_metric([name], float(not isinstance(result, BaseException)))
    return found


async def _from_database() -> list[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    rows, items = await in_database_thread(_open_rows), await in_database_thread(_batch_items)
    vendor = ["gen_ai_provider_name"]
    open_rows = GaugeMetricFamily("aditus_open_calls", "Usage rows that are not closed.", labels=vendor)
    overdue = GaugeMetricFamily("aditus_overdue_calls", "Those whose process must have died.", labels=vendor)
    reserved = GaugeMetricFamily("aditus_reserved_tokens", "Tokens that open rows hold.", labels=vendor)
    for slug, kind in PROVIDER_TYPES.items():
        calls, late, tokens = rows.get(slug, (0, 0, 0))
        open_rows.add_metric([kind.telemetry_name], calls)
        overdue.add_metric([kind.telemetry_name], late)
        reserved.add_metric([kind.telemetry_name], tokens)
    batches = GaugeMetricFamily("aditus_batch_items", "Requests of batches to be done.", labels=["state"])
    for state in (ItemState.WAITING, ItemState.RUNNING):
        batches.add_metric([state.value], items.get(state.value, 0))
    return [open_rows, overdue, reserved, batches]


def _open_rows() -> dict[str, tuple[int, int, int]]:
    late = Count("pk", filter=Q(expires_at__lt=timezone.now()))
    rows = AIProviderUsageLog.objects.filter(status=Status.STARTED).order_by().values("provider_type")
    found = rows.annotate(calls=Count("pk"), late=late, tokens=Sum("reserved_tokens"))
    return {one["provider_type"]: (one["calls"], one["late"], one["tokens"] or 0) for one in found}


def _batch_items() -> dict[str, int]:
    left = BatchItem.objects.filter(state__in=(ItemState.WAITING, ItemState.RUNNING)).order_by()
    return dict(left.values_list("state").annotate(number=Count("pk")))


async def _circuits() -> list[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    candidates = _candidates(await in_database_thread(current_snapshot))
    guards, keys = get_guards(), [circuit_key(one) for one in candidates]
    circuits: Sequence[Circuit] = await guards.circuits(keys)
    metric = GaugeMetricFamily(
        "aditus_circuit_state",
        "1 for the state that the circuit of a provider's model is in, 0 for the others.",
        labels=["provider_config_id", "gen_ai_provider_name", "gen_ai_request_model", "state"],
    )
    now = await guards.now()
    for candidate, circuit in zip(candidates, circuits, strict=True):
        provider = candidate.provider
        vendor = PROVIDER_TYPES[provider.provider_type].telemetry_name
        for state in get_args(CircuitState):
            labels = [str(provider.config_id or ""), vendor, candidate.model_name, state]
            metric.add_metric(labels, float(circuit.state(now) == state))
    return [metric]


def _candidates(snapshot: RoutingSnapshot) -> list[Candidate]:
    return [
        Candidate(provider, model, UNKNOWN)
        for provider in snapshot.providers
        for model in dict.fromkeys(filter(None, (provider.fast_model, provider.quality_model)))
    ]


async def _queue() -> list[Metric]:
    """Of a broker in Redis, where Celery keeps a list a queue; one of files is counted by nobody."""
    from prometheus_client.core import GaugeMetricFamily

    if not settings.REDIS_URL:
        return []
    import redis.asyncio

    async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as client:
        names = [queue.name for queue in settings.CELERY_TASK_QUEUES]
        lengths = [await client.llen(f"{settings.REDIS_KEY_PREFIX}:{name}") for name in names]
    metric = GaugeMetricFamily("aditus_queue_length", "Tasks that no worker has taken.", labels=["queue"])
    for name, length in zip(names, lengths, strict=True):
        metric.add_metric([name], length)
    return [metric]
