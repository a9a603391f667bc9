"""Celery's broker for a machine without one: messages are files in DATA_DIR/broker.

kombu's own channel lets others see what it has only begun to write: a message while its file is still empty,
and bindings before they are in their table, so that a task that was sent reaches no queue.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import time_ns
from typing import Any

from kombu.transport import filesystem
from kombu.transport.filesystem import exchange_queue_t
from kombu.utils.encoding import str_to_bytes
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    _binding = Lock()

    def _put(self, queue: str, payload: dict[str, Any], **kwargs: Any) -> None:  # type: ignore[override]
        """Named by the wall clock: kombu's own orders by a clock that starts again with the machine."""
        write_whole(Path(self.data_folder_out, f"{time_ns()}_{uuid.uuid4()}.{queue}.msg"), payload)

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        """kombu notes that a queue is bound, then writes the table: a second thread must wait."""
        with self._binding:
            super().queue_bind(*args, **kwargs)

    def _queue_bind(
        self, exchange: str, routing_key: str | None, pattern: str | None, queue: str | None
    ) -> None:
        binding = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table_locked():
            bindings = self.get_table(exchange)
            if binding not in bindings:
                self._replace_table(exchange, [binding, *bindings])

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any) -> None:
        self._purge(queue)
        binding = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._table_locked():
            bindings = self.get_table(exchange)
            if binding in bindings:
                self._replace_table(exchange, [kept for kept in bindings if kept != binding])

    @contextmanager
    def _table_locked(self) -> Iterator[None]:
        """One writer at a time among all processes. Readers need no lock: a table is replaced as a whole."""
        self.control_folder.mkdir(parents=True, exist_ok=True)
        with (self.control_folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _replace_table(self, exchange: str, bindings: list[exchange_queue_t]) -> None:
        write_whole(self._exchange_file(exchange), bindings)  # type: ignore[attr-defined]


class FileTransport(filesystem.Transport):
    Channel = Channel


def write_whole(path: Path, content: Any) -> None:
    """Write `content` as JSON under another name, then rename: no reader sees a part of it."""
    partial = path.with_name(f"{path.name}.{uuid.uuid4()}.partial")
    with partial.open("xb") as file:
        file.write(str_to_bytes(dumps(content)))
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
