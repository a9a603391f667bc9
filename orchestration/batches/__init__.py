"""Requests that workers answer while nobody waits: a queue in the database, and those who work it off."""

from orchestration.batches.kinds import KINDS, Kind, register
from orchestration.batches.queue import Progress, cancel, progress_of, start

__all__ = ["KINDS", "Kind", "Progress", "cancel", "progress_of", "register", "start"]
