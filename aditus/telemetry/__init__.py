"""Traces and metrics by OpenTelemetry's conventions for generative AI, sent to a collector. Off by default,
and then nothing of OpenTelemetry is imported and a call pays nothing.

A span for the request, one for the call, one for each attempt at a vendor. Never a prompt, a reply, a person.
"""

from __future__ import annotations

from django.conf import settings

from aditus.telemetry.sending import TelemetryObserver
from usage.metrics import observers

# How long a process that ends waits for its collector.
SENDING_SECONDS = 5.0
_sending: TelemetryObserver | None = None


def begin() -> None:
    """Send from now on, if the settings say where."""
    global _sending  # noqa: PLW0603 - one a process
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT and _sending is None:
        _sending = TelemetryObserver()
        observers.add(_sending)


def end() -> None:
    """Send what is left, in a process that is about to end. A collector that does not take it within
    SENDING_SECONDS misses it."""
    if _sending is not None:
        _sending.end(seconds=SENDING_SECONDS)


def sending() -> TelemetryObserver | None:
    """What sends in this process; None where nothing does."""
    return _sending
