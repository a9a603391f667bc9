"""The statements of the PostgreSQL ledger, made once, and how their parameters are prepared."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from usage.models import AIProviderUsageLog, Status

_META = AIProviderUsageLog._meta
_TABLE = _META.db_table
_COUNTERS = "%s::text[], %s::text[], %s::bigint[], %s::bigint[]"


def _in_order(column: str) -> str:
    """A column of the moves in the order in which counters are locked; of none, an empty list."""
    return f"""coalesce(array_agg({column} ORDER BY scope COLLATE "C", "window" COLLATE "C"), '{{}}')"""


# Applied to rows of `moves`.
_MOVE = f"""ledger_move(
    {_in_order("scope")}, {_in_order('"window"')}, {_in_order("used")}, {_in_order("reserved")}
)"""


@cache
def reserving(columns: tuple[str, ...]) -> str:
    """Reserve for several calls, each of which is held or not for itself. A row is inserted by the statement
    that moves its counters, where it did. Parameters: the counters to lock beforehand (scopes, windows, which
    are summed) in the order of locking; for how long to wait for a lock (milliseconds); the calls
    as a list in JSON, with `place`, the arguments of `ledger_hold` and the `columns` of the row."""
    given = ", ".join(f'"{name}" {_type(_field(name))}' for name in columns)
    return f"""
        WITH locked AS MATERIALIZED (
            SELECT ledger_lock(%s::text[], %s::text[], %s::boolean[], %s::integer) AS nothing
        ), asked AS MATERIALIZED (
            SELECT asked.*, locked.nothing FROM locked, jsonb_to_recordset(%s::jsonb) AS asked (
                place integer, revision bigint, scopes text[], windows text[], amounts bigint[],
                limits bigint[], is_summed boolean[], stamp text, login_family uuid,
                token_stamp text, {given}
            )
        ), held AS MATERIALIZED (
            SELECT asked.*, hold.*,
                   CASE WHEN hold.verdict = 'held' THEN nextval('{_TABLE}_id_seq') END AS log_id
              FROM asked, ledger_hold(
                revision + nothing, scopes, windows, amounts, limits, is_summed, user_id, stamp, login_family,
                personal_token, token_stamp
              ) AS hold
        ), opened AS (
            INSERT INTO {_TABLE} (id, {_names(columns)}) SELECT log_id, {_values(columns, "held")}
              FROM held WHERE verdict = 'held'
        )
        SELECT place, verdict, at_counter, used_there, reserved_there, taken, log_id FROM held
    """  # noqa: S608


@cache
def settling(columns: tuple[str, ...]) -> str:
    """Close several rows and move their counters: the rows first, as everybody does who closes one. The
    parameters: for how long to wait for a lock, as above; the rows as a list in JSON, with `id`, the moves
    (`scopes`, `windows`, `used_by`, `reserved_by`) and the `columns`. Says which were open."""
    given = ", ".join(f'"{name}" {_type(_field(name))}' for name in columns)
    changes = ", ".join(f'"{_field(name).column}" = asked."{name}"' for name in columns)
    return f"""
        WITH asked AS MATERIALIZED (
            SELECT asked.* FROM set_config('lock_timeout', %s, true), jsonb_to_recordset(%s::jsonb) AS asked (
                id bigint, scopes text[], windows text[], used_by bigint[], reserved_by bigint[], {given}
            )
        ), open_rows AS MATERIALIZED (
            SELECT id FROM {_TABLE} WHERE id IN (SELECT id FROM asked) AND status = '{Status.STARTED.value}'
             ORDER BY id FOR UPDATE
        ), closed AS (
            UPDATE {_TABLE} AS settled SET {changes} FROM asked JOIN open_rows USING (id)
             WHERE settled.id = asked.id RETURNING settled.id
        ), moves AS (
            SELECT m.scope, m."window", sum(m.used)::bigint AS used, sum(m.reserved)::bigint AS reserved
              FROM asked JOIN closed USING (id),
                   unnest(scopes, windows, used_by, reserved_by) AS m (scope, "window", used, reserved)
             GROUP BY 1, 2
        )
        SELECT (SELECT array_agg(id) FROM closed), {_MOVE} FROM moves
    """  # noqa: S608


# What tells a sweeper what a row holds, in the order of the columns of `overdue`.
HELD = (
    "id",
    "provider_type",
    "model_name",
    "task_type",
    "reserved_tokens",
    "reserved_input_tokens",
    "quota_keys",
    "created_at",
    "requested_tier",
)


@cache
def overdue() -> str:
    """The next batch of rows whose caller must have died."""
    names = ", ".join(f'"{_field(name).column}"' for name in HELD)
    return f"""
        SELECT {names} FROM {_TABLE}
         WHERE status = '{Status.STARTED.value}' AND expires_at < %s AND id > %s ORDER BY id LIMIT %s
    """  # noqa: S608


@cache
def sweeping(columns: tuple[str, ...]) -> str:
    """Close those rows of a batch that are still open and that nobody else is closing right now, and move the
    counters by what they held, in the order in which everybody does. `columns` are lists, a value a row."""
    names = ", ".join(f'"{_field(name).column}" = given."{name}"' for name in columns)
    given = ", ".join(f'"{name}"' for name in ("id", *columns))
    lists = ", ".join(f"%s::{_type(_field(name))}[]" for name in ("id", *columns))
    return f"""
        WITH given AS (
            SELECT * FROM unnest({lists}) AS given ({given})
        ), open_rows AS MATERIALIZED (
            SELECT id FROM {_TABLE} WHERE id = ANY(%s) AND status = '{Status.STARTED.value}'
             ORDER BY id FOR UPDATE SKIP LOCKED
        ), closed AS (
            UPDATE {_TABLE} AS swept SET {names} FROM given JOIN open_rows USING (id)
             WHERE swept.id = given.id RETURNING swept.id
        ), moves AS (
            SELECT m.scope, m."window", sum(m.used)::bigint AS used, sum(m.reserved)::bigint AS reserved
              FROM unnest(%s::bigint[], {_COUNTERS}) AS m (id, scope, "window", used, reserved)
              JOIN closed USING (id) GROUP BY 1, 2
        )
        SELECT (SELECT array_agg(id) FROM closed), {_MOVE} FROM moves
    """  # noqa: S608


@cache
def inserting(columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {_TABLE} ({_names(columns)}) SELECT {_values(columns)} RETURNING id"


def columns_of(row: AIProviderUsageLog) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in _fields()}


def prepared(columns: Mapping[str, object]) -> list[object]:
    """The values of columns as psycopg takes them, in order."""
    preparing = _preparing()
    return [_field(name).get_db_prep_save(value, preparing) for name, value in columns.items()]


@cache
def _preparing() -> BaseDatabaseWrapper:
    """For preparing alone, never connected: the usual one is looked up, and may be made, in each task."""
    return connections.create_connection(DEFAULT_DB_ALIAS)


@cache
def _fields() -> tuple[Any, ...]:
    return tuple(field for field in _META.concrete_fields if not field.primary_key)


@cache
def _field(name: str) -> Any:
    return _META.get_field(name)


def _ordered(columns: tuple[str, ...]) -> list[Any]:
    """The fields of the row: those given, as they are given, and then all others."""
    return [*map(_field, columns), *(field for field in _fields() if field.attname not in columns)]


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{field.column}"' for field in _ordered(columns))


def _values(columns: tuple[str, ...], source: str = "") -> str:
    """A parameter for each column that is given, or the column of `source`; the default of every other one as
    it stands."""

    def given(field: Any) -> str:
        return f'{source}."{field.attname}"' if source else _parameter(field)

    return ", ".join(
        given(field) if field.attname in columns else _default(field) for field in _ordered(columns)
    )


def _parameter(field: Any) -> str:
    # To the type without its length: a cast to the length would cut in silence what the column refuses.
    return f"%s::{_type(field)}"


def _default(field: Any) -> str:
    value = field.get_db_prep_save(field.get_default(), _preparing())
    return f"{sql.Literal(value).as_string(None)}::{_type(field)}".replace("%", "%%")


def _type(field: Any) -> str:
    return str(field.db_type(_preparing())).partition("(")[0]
