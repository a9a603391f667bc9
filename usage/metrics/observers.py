"""Who is told what becomes of calls. Nobody, unless an installation measures: then every word of it costs a
call nothing."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

    from usage.ledger.base import Attempt, Outcome, Settlement
    from usage.models import AIProviderUsageLog

    # A row that a sweeper closed, and the columns that it was closed with.
    Swept = tuple[AIProviderUsageLog, Mapping[str, Any]]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Observer:
    """Is told at once, on the event loop or a sweeper's thread, of what stands in the database by then.
    It must not wait for anything."""

    def prepare(self) -> None:
        """Make in this process whatever it measures with. Raises what is in the way."""

    def reserved(self, attempt: Attempt) -> None:
        """A vendor is about to be asked, or, of a parked attempt, will be by and by."""

    def settled(self, attempt: Attempt, outcome: Outcome, settlement: Settlement | None) -> None:
        """The attempt has ended; None when its row could not be closed, which a sweeper will."""

    def refused(self, attempt: Attempt, error_kind: str) -> None:
        """No vendor was asked."""

    def answered_again(self, attempt: Attempt) -> None:
        """The answer came from the cache."""

    def swept(self, found: Iterable[Swept]) -> None:
        """A sweeper closed what nobody else had."""

    def sweeping(self) -> None:
        """A sweeper begins to look."""

    def queued(self, more: int) -> None:
        """So many more calls wait for a provider with no room; negative: so many fewer."""

    def calling(self, *, task: str, request_id: str) -> AbstractContextManager[object]:
        """Entered around a call with all its attempts; sees the exception that ends it."""
        return nullcontext()


_observers: tuple[Observer, ...] = ()


def add(observer: Observer) -> None:
    """Have it told from now on."""
    global _observers  # noqa: PLW0603 - a tuple, so that telling needs no lock
    _observers = (*_observers, observer)


@contextmanager
def added(observer: Observer) -> Iterator[None]:
    """Have it told for the length of a block."""
    global _observers  # noqa: PLW0603
    before = _observers
    add(observer)
    try:
        yield
    finally:
        _observers = before


def prepare() -> None:
    """Have all made ready, when a process starts: from then on what goes wrong with them stops nobody."""
    for observer in _observers:
        observer.prepare()


def tell(told: Callable[[Observer], None]) -> None:
    """What goes wrong while measuring is logged and has no effect on what is measured."""
    for observer in _observers:
        try:
            told(observer)
        except Exception:
            logger.exception("%s could not note what happened", type(observer).__name__)


class Guarded(Generic[T]):
    """A measuring context manager around what it measures, which it has no effect on: its failures are
    logged, and it swallows no exception. Entered it gives what the other gives, None where that failed."""

    def __init__(self, make: Callable[[], AbstractContextManager[T]]) -> None:
        self._make = make
        self._measuring: AbstractContextManager[T] | None = None

    def __enter__(self) -> T | None:
        try:
            measuring = self._make()
            entered = measuring.__enter__()
        except Exception:
            logger.exception("Measuring could not begin")
            return None
        self._measuring = measuring
        return entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._measuring is None:
            return
        try:
            self._measuring.__exit__(kind, error, trace)
        except Exception as raised:
            if raised is not error:
                logger.exception("Measuring could not end")


def calling(*, task: str, request_id: str) -> AbstractContextManager[object]:
    if not _observers:
        return nullcontext()
    return _calling(task, request_id)


@contextmanager
def _calling(task: str, request_id: str) -> Iterator[None]:
    with ExitStack() as stack:
        for observer in _observers:
            stack.enter_context(Guarded(partial(observer.calling, task=task, request_id=request_id)))
        yield


@asynccontextmanager
async def waiting() -> AsyncIterator[None]:
    """A call waits for the length of the block."""
    tell(lambda observer: observer.queued(1))
    try:
        yield
    finally:
        tell(lambda observer: observer.queued(-1))
