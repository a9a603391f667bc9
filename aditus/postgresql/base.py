"""Django's PostgreSQL backend, with a pool that gets over a restart of the server at once, and connections
that give a silent one up."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Self, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from aditus.postgresql import silence

R = TypeVar("R")


class Connection(psycopg.Connection[Any]):
    """The kernel ends a connection to a machine that has vanished; one to a pooler or a server that stands
    still it keeps, and whoever waits on it would wait for as long. `patience`: seconds that the server may
    take for one statement, as a web process has it. Where it is None, statements may rightly take minutes,
    and after each DATABASE_PATIENCE_SECONDS of silence the server is asked whether it is at work."""

    patience: ClassVar[float | None] = None
    # Of this one connection: for the length of a look at it, and how to ask what its server is at.
    look: float | None = None
    is_at_work: Callable[[], bool] | None = None

    @classmethod
    def connect(cls, conninfo: str = "", **parameters: Any) -> Self:
        if cls.patience is not None or not settings.DATABASE_PATIENCE_SECONDS:
            return super().connect(conninfo, **parameters)
        given = parameters.get("application_name") or os.environ.get("PGAPPNAME")
        name = silence.name_of_its_own(given)
        made = super().connect(conninfo, **parameters | {"application_name": name})
        another = partial(super().connect, conninfo, **parameters | {"connect_timeout": silence.SHORTLY})
        made.is_at_work = partial(silence.is_at_work, name, partial(_asking, another))
        return made

    def wait(self, gen: PQGen[R], interval: float = 0.1, timeout: float | None = None) -> R:
        """Raises psycopg.OperationalError, and closes the connection, when the server is silent."""
        limit = timeout or self.look or self.patience
        if limit is None and self.is_at_work is not None:
            gen = silence.watched(gen, self.is_at_work, every=settings.DATABASE_PATIENCE_SECONDS)
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            # In the middle of a statement it cannot even be rolled back.
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


def _asking(connect: Callable[[], Connection]) -> Connection:
    made = connect()
    made.look = silence.SHORTLY
    return made


class DatabaseWrapper(base.DatabaseWrapper):
    """A restart ends every idle connection. psycopg's pool finds that out one by one and waits longer after
    each, until the caller's time is up; here the first one that fails its check takes all idle ones along.
    """

    # Django's own, of which its types say nothing.
    _connection_pools: dict[str, ConnectionPool[Any]]
    _configure_connection: Callable[[psycopg.Connection[Any]], None]

    @property
    def pool(self) -> ConnectionPool[Any] | None:
        options = self.settings_dict["OPTIONS"].get("pool")
        if options and self.alias not in self._connection_pools:
            # Of two threads that come first at once, one's is kept; neither is open yet.
            self._connection_pools.setdefault(self.alias, self._new_pool(options))
        pool: ConnectionPool[Any] | None = super().pool
        return pool

    def _new_pool(self, options: dict[str, Any]) -> ConnectionPool[Any]:
        parameters = self.get_connection_params()

        def check(connection: Connection) -> None:
            connection.look = parameters.get("connect_timeout")
            try:
                ConnectionPool.check_connection(connection)
            except psycopg.Error:
                pool.drain()
                raise
            finally:
                connection.look = None

        pool: ConnectionPool[Any] = ConnectionPool(
            # Django sets autocommit as it wants it once it has the connection.
            kwargs=parameters | {"autocommit": True},
            connection_class=Connection,
            open=False,
            configure=self._configure_connection,
            check=check,
            **options,
        )
        return pool
