"""What was used last, so much of it as a process keeps."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Things by their keys; what was away for the longest goes first. For all threads of a process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._things: OrderedDict[K, V] = OrderedDict()

    def of(self, key: K) -> V | None:
        with self._lock:
            thing = self._things.get(key)
            if thing is not None:
                self._things.move_to_end(key)
            return thing

    def keep(self, key: K, thing: V, *, most: int) -> None:
        with self._lock:
            self._things[key] = thing
            self._things.move_to_end(key)
            while len(self._things) > most:
                self._things.popitem(last=False)

    def forget(self, key: K) -> None:
        with self._lock:
            self._things.pop(key, None)
