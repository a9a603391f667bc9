"""The page that Prometheus reads: the counts of every process of the group, and the shared state."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from accounts.client_addresses import is_within
from usage.metrics import process_group

if TYPE_CHECKING:
    from prometheus_client import Metric


def may_read(*, authorization: str, address: str) -> bool:
    """Whether who sends this header from this address may read, by each of the two settings that is set."""
    token, allowed = settings.METRICS_TOKEN, settings.METRICS_ALLOWED_NETWORKS
    if token and not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return False
    return not allowed or is_within(address, allowed)


def page(folder: Path, state: Iterable[Metric], *, accept: str) -> tuple[bytes, str]:
    """What is there to read, and its content type. Reads files, so not on the event loop."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.multiprocess import MultiProcessCollector

    _forget_dead(folder)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(MultiProcessCollector(None, path=str(folder)))  # type: ignore[no-untyped-call]
    registry.register(_Read(state))
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


class _Read:
    """A collector of what was collected before."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _forget_dead(folder: Path) -> None:
    """What is under way in a process is over when the process is; what it counted stays counted."""
    for file in folder.glob("gauge_live*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not process_group.is_running(int(pid)):
            file.unlink(missing_ok=True)
