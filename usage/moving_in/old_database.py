"""Reading the earlier system's database, and nothing else: the connection cannot write."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row

from accounts.errors import DomainError

CHUNK = 5_000

Row = dict[str, Any]


class UnreadableSource(DomainError):
    code = "unreadable_source"
    status = 400
    message = "The earlier database cannot be read. Check its address, the person's rights and that it runs."


class OldDatabase:
    """A PostgreSQL or SQLite database by its URL, as SQLAlchemy or Django write it
    (`postgresql+asyncpg://…`, `sqlite:////path`). Raises UnreadableSource."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._is_sqlite = isinstance(connection, sqlite3.Connection)

    def columns(self, table: str) -> dict[str, str]:
        """The table's columns with their types in lower case; empty where there is no such table."""
        if self._is_sqlite:
            question, values = "SELECT name, type FROM pragma_table_info(?)", (table,)
        else:
            question = (
                "SELECT column_name AS name, data_type AS type FROM information_schema.columns"
                " WHERE table_name = %s AND table_schema = ANY (current_schemas(false))"
            )
            values = (table,)
        return {row["name"]: row["type"].lower() for row in self._rows(question, values)}

    def chunks(self, table: str) -> Iterator[list[Row]]:
        """All of its rows in the order of their ids, so many at a time that memory stays flat."""
        last: Any = None
        while rows := self._next(table, last):
            yield rows
            last = rows[-1]["id"]

    def _next(self, table: str, last: Any) -> list[Row]:
        # The names of the tables are ours.
        mark = "?" if self._is_sqlite else "%s"
        after = "" if last is None else f"WHERE id > {mark}"
        question = f'SELECT * FROM "{table}" {after} ORDER BY id LIMIT {CHUNK}'  # noqa: S608
        return self._rows(question, () if last is None else (last,))

    def _rows(self, question: Any, values: tuple[Any, ...]) -> list[Row]:
        try:
            return [dict(row) for row in self._connection.execute(question, values).fetchall()]
        except (psycopg.Error, sqlite3.Error) as error:
            raise UnreadableSource from error


@contextmanager
def opened(url: str) -> Iterator[OldDatabase]:
    """The database behind a URL for as long as the block runs. Raises UnreadableSource."""
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    try:
        if kind == "sqlite":
            path = Path(urlsplit(f"file://{rest}").path)
            connection: Any = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            connection.row_factory = sqlite3.Row
        elif kind in {"postgres", "postgresql"}:
            connection = psycopg.connect(f"postgresql://{rest}", row_factory=dict_row, connect_timeout=10)
            # One transaction over all tables: what is written meanwhile is in all of them or in none.
            connection.read_only, connection.isolation_level = True, psycopg.IsolationLevel.REPEATABLE_READ
        else:
            raise UnreadableSource("The address begins with postgres:// or sqlite:///. Write it so.")
    except (psycopg.Error, sqlite3.Error, ValueError) as error:
        raise UnreadableSource from error
    with closing(connection):
        yield OldDatabase(connection)
