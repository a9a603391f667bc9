"""Circuits as calls that failed a while ago would have left them."""

import time

from accounts import concurrency
from orchestration.guards.admission import circuit_key
from orchestration.guards.base import get_guards
from orchestration.guards.circuit import Circuit
from orchestration.routing.candidates import Candidate
from orchestration.routing.snapshot import ProviderSnapshot
from providers.capabilities.facts import UNKNOWN


def open_circuit(config, model_name, kind, *, ago=10.0, seconds=300.0):
    """Opened so many seconds ago, for so many seconds from then."""
    now = time.time()
    circuit = Circuit(reason=kind, opened_at=now - ago, open_until=now - ago + seconds)
    key = circuit_key(Candidate(ProviderSnapshot.of(config), model_name, UNKNOWN))
    concurrency.run(get_guards().change_circuit(key, lambda *_: circuit))
