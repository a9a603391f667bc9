"""Making probes, and reading what they left."""

from django.utils import timezone

from accounts import concurrency
from accounts.models import AuditEntry
from orchestration.models import ProviderProbe
from orchestration.probes import probe_due
from orchestration.probes.health import provider_statuses
from providers.models import AIProviderConfig


def probe(*, early=True):
    return concurrency.run(probe_due(even_early=early))


def found(config):
    """(is_up, error_kind) as the latest probe left it."""
    row = ProviderProbe.objects.get(config=config)
    return row.is_up, row.error_kind


def flag_of(config):
    return AIProviderConfig.objects.get(pk=config.pk).flag_reason


def actions():
    """(what, by which door) of the audit trail."""
    return list(AuditEntry.objects.order_by("number").values_list("action", "door"))


def circuit_of(config):
    (status,) = (one for one in provider_statuses(now=timezone.now()) if one.config.pk == config.pk)
    return [(circuit.state, circuit.reason) for circuit in status.circuits]
