"""The lease of the one run, over all machines, that may prune the usage log.

A row of the database says so and its clock decides, in statements of their own: nothing is held in a session,
so a pooler may stand between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

from django.db.models import Q
from django.db.models.functions import Now

from accounts.errors import DomainError
from usage.models import RollupState

T = TypeVar("T")

# After so long without a word of it, a run counts as dead.
HELD_FOR = timedelta(minutes=1)
_ROWS_BETWEEN = 1_000


class PruningRefused(DomainError):
    code = "pruning_refused"
    status = 422


class AlreadyPruning(PruningRefused):
    message = "Another run is pruning. Let it end first; one that was killed is forgotten after a minute."


class PruningLease:
    """One run's, which has to say again and again that it goes on."""

    def __init__(self) -> None:
        self._holder = uuid4().hex

    def take(self) -> bool:
        RollupState.objects.get_or_create(id=1)
        return self._hold(Q(pruner_until=None) | Q(pruner_until__lte=Now()))

    def keep(self) -> None:
        """Raises AlreadyPruning where another run has it by now. In a transaction nobody takes it before the
        end of that."""
        if not self._hold(Q(pruner=self._holder)):
            raise AlreadyPruning

    def kept_over(self, items: Iterable[T]) -> Iterator[T]:
        for number, item in enumerate(items):
            if number % _ROWS_BETWEEN == 0:
                self.keep()
            yield item

    def give_back(self) -> None:
        RollupState.objects.filter(id=1, pruner=self._holder).update(pruner="", pruner_until=None)

    def _hold(self, condition: Q) -> bool:
        mine = {"pruner": self._holder, "pruner_until": Now() + HELD_FOR}
        return bool(RollupState.objects.filter(condition, id=1).update(**mine))


@contextmanager
def one_at_a_time() -> Iterator[PruningLease]:
    """Raises AlreadyPruning while another run has it."""
    lease = PruningLease()
    if not lease.take():
        raise AlreadyPruning
    try:
        yield lease
    finally:
        lease.give_back()
