"""Django's PostgreSQL backend, with a pool that gets over a restart of the server at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool


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
        def check(connection: psycopg.Connection[Any]) -> None:
            try:
                ConnectionPool.check_connection(connection)
            except psycopg.Error:
                pool.drain()
                raise

        pool: ConnectionPool[Any] = ConnectionPool(
            # Django sets autocommit as it wants it once it has the connection.
            kwargs=self.get_connection_params() | {"autocommit": True},
            open=False,
            configure=self._configure_connection,
            check=check,
            **options,
        )
        return pool
