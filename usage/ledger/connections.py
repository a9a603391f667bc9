"""The ledger's own connections to PostgreSQL, used on the event loop itself: no thread, no ORM.

Connections belong to the loop they were made on, so there is a pool per process and loop, of at most
LEDGER_CONNECTIONS. It ends with the loop. Unlike psycopg's it has no tasks of its own: a loop that ends
breaks those off, and then either waits for them or leaves their connections open. Nothing is kept in a
session but prepared statements, and where a pooler such as PgBouncer stands before the database, not even
those.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg.pq import ConnStatus, TransactionStatus

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# Seconds after which a connection is replaced: what a session grows on the server goes with it.
LONGEST_LIFE = 60 * 60
# Seconds to wait for one, and then for its answer, where Django's own pool says nothing.
PATIENCE = 10.0
# Times that a statement is sent before it is prepared: reading and planning the ledger's, a hundred columns
# each, takes PostgreSQL as long as what they do.
PREPARED_AFTER = 5
# Of Django's parameters what is for its own, synchronous cursors.
_NOT_OURS = ("cursor_factory", "context")


async def fetch_one(statement: str, parameters: Sequence[object]) -> tuple[Any, ...] | None:
    """The first row of one statement, as `fetch_all`; None where there is none."""
    rows = await fetch_all(statement, parameters)
    return rows[0] if rows else None


async def fetch_all(statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """The rows of one statement, which is a transaction of its own. Raises Django's database errors."""
    pool = await _pool()
    with pool.as_djangos_errors:
        borrowed = await pool.lend()
        try:
            async with asyncio.timeout(pool.patience):
                cursor = await borrowed.execute(statement, parameters)
                return await cursor.fetchall()
        except TimeoutError:
            # What it did, if it did anything, the sweeper finds.
            raise psycopg.OperationalError("the database took a statement and says nothing") from None
        finally:
            await pool.take_back(borrowed)


async def close_pool() -> None:
    """Close the running loop's pool, if it has one; the next statement opens another."""
    if found := _pools.get(_key()):
        await found.close()


class _Pool:
    def __init__(self) -> None:
        """For the database as Django's settings have it now."""
        parameters = connection.get_connection_params()
        for name in _NOT_OURS:
            parameters.pop(name, None)
        self._parameters = parameters | {"autocommit": True, "prepare_threshold": None}
        options = connection.settings_dict["OPTIONS"].get("pool")
        self.patience: float = options.get("timeout", PATIENCE) if isinstance(options, dict) else PATIENCE
        self._free = asyncio.Semaphore(settings.LEDGER_CONNECTIONS)
        # The usual connection is looked up, and may be made, in each task.
        self.as_djangos_errors = connections.create_connection(DEFAULT_DB_ALIAS).wrap_database_errors
        self._idle: list[Connection] = []
        self._born: dict[Connection, float] = {}
        self._is_closed = False
        # A loop that ends runs its generators to their end, and so this one, which closes the pool.
        self._until_the_end = self._closing()

    async def open(self) -> None:
        await anext(self._until_the_end)

    async def close(self) -> None:
        await self._until_the_end.aclose()

    async def lend(self) -> Connection:
        """One that is alive. psycopg.OperationalError when the server cannot be reached, or when all are in
        use for longer than the pool waits."""
        try:
            async with asyncio.timeout(self.patience):
                await self._free.acquire()
        except TimeoutError:
            raise psycopg.OperationalError("all connections of the ledger are in use") from None
        try:
            while self._idle:
                borrowed = self._idle.pop()
                if _is_alive(borrowed):
                    return borrowed
                await self._drop(borrowed)
            borrowed = await self._connect()
        except BaseException:
            self._free.release()
            raise
        self._born[borrowed] = time.monotonic()
        return borrowed

    async def _connect(self) -> Connection:
        made = await psycopg.AsyncConnection.connect(**self._parameters)
        try:
            async with asyncio.timeout(self.patience):
                [pid] = await (await made.execute("SELECT pg_backend_pid()")).fetchone() or [None]
        except BaseException as error:
            await made.close()
            if isinstance(error, TimeoutError):
                raise psycopg.OperationalError("the database took a connection and says nothing") from None
            raise
        # A pooler has given a number of its own, and lends the session to others between statements.
        if pid == made.info.backend_pid:
            made.prepare_threshold = PREPARED_AFTER
        return made

    async def take_back(self, borrowed: Connection) -> None:
        # One whose statement was broken off is in no state to be lent again.
        is_usable = borrowed.info.transaction_status is TransactionStatus.IDLE
        is_young = time.monotonic() - self._born.get(borrowed, 0.0) < LONGEST_LIFE
        if is_usable and is_young and not self._is_closed:
            self._idle.append(borrowed)
        else:
            await self._drop(borrowed)
        self._free.release()

    async def _drop(self, borrowed: Connection) -> None:
        self._born.pop(borrowed, None)
        await borrowed.close()

    async def _closing(self) -> AsyncGenerator[None]:
        key = _key()
        try:
            yield
        finally:
            _pools.pop(key, None)
            self._is_closed = True
            while self._idle:
                await self._drop(self._idle.pop())


_pools: dict[tuple[int, asyncio.AbstractEventLoop], _Pool] = {}


def _key() -> tuple[int, asyncio.AbstractEventLoop]:
    # A forked process may inherit a loop; its parent's connections it must not touch.
    return os.getpid(), asyncio.get_running_loop()


async def _pool() -> _Pool:
    key = _key()
    pool = _pools.get(key)
    if pool is None:
        pool = _pools[key] = _Pool()
        await pool.open()
    return pool


def _is_alive(borrowed: Connection) -> bool:
    """Whether the server still keeps its end, without asking it. The first look reads the farewell that it
    may have sent, the second finds the end."""
    try:
        borrowed.pgconn.consume_input()
        borrowed.pgconn.consume_input()
    except psycopg.Error:
        return False
    return borrowed.pgconn.status == ConnStatus.OK
