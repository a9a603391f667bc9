"""Asking the vendors, for free and before a user's call finds out, whether they and our keys work."""

from orchestration.probes.runs import AlreadyProbing, Probed, probe_due, probe_now

__all__ = ["AlreadyProbing", "Probed", "probe_due", "probe_now"]
