"""`python -m bench.partitions [ROWS]`: what the usage log would gain and lose by partitions of a month.

Two copies of the table, one plain and one in 24 partitions, get the same ROWS (default 1,000,000) and the
same indexes; a partitioned table's primary key has to hold `created_at` too. In turns: a row inserted and
settled by its id, as the ledger does it, and by id and moment, as it would have to. Then a month leaves: by
chunks, and by dropping its partition. The last line is JSON, in milliseconds. Where: as `bench.statistics`.
"""

from __future__ import annotations

import json
import logging
import os
import statistics
import sys
import time

from tests import services

os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or services.DATABASE_URL
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()
logging.disable(logging.CRITICAL)

from django.db import connection

from bench import stage
from usage.models import AIProviderUsageLog

LOG = AIProviderUsageLog._meta.db_table
PLAIN, PARTED, MONTHS, ROUNDS, CHUNK = "plain_log", "parted_log", 24, 400, 5_000
_COLUMNS = (
    "id, task_type, provider_type, model_name, plan, request_id, attempt, input_tokens, cached_tokens, "
    "cache_write_tokens, output_tokens, reasoning_tokens, total_tokens, usage_source, unit_prices, is_free, "
    "service_tier, status, error_kind, error_message, cached, reserved_tokens, reserved_input_tokens, "
    "quota_keys, swept, created_at, settled_at"
)
_VALUES = (
    "g, 'extraction', 'openai', 'gpt-5-mini', 'freemium', md5(g::text), 1, 900, 0, 0, 300, 0, 1200, "
    "'vendor', '{}', false, '', 'success', '', '', false, 0, 0, '[]', false"
)


def main(rows: int) -> None:
    with stage.scratch_database():
        _make()
        for table in (PLAIN, PARTED):
            _run(
                f"INSERT INTO {table} ({_COLUMNS}) SELECT {_VALUES}, t, t FROM (SELECT g, now() - "
                f"interval '{MONTHS - 1} months' * (%s - g) / %s AS t FROM generate_series(1, %s) g) made",
                rows,
                rows,
                rows,
            )
            _run(f"VACUUM ANALYZE {table}")
        told = {"rows": rows} | _accounting(rows) | _retention()
    print(json.dumps(told))


def _run(statement: str, *params: object) -> float:
    """Milliseconds that it took."""
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(statement, params or None)
        return (time.perf_counter() - started) * 1000


def _make() -> None:
    _run(f"CREATE TABLE {PLAIN} (LIKE {LOG} INCLUDING ALL)")
    _run(f"CREATE TABLE {PARTED} (LIKE {LOG} INCLUDING DEFAULTS) PARTITION BY RANGE (created_at)")
    for back in range(-1, MONTHS):
        edges = (f"date_trunc('month', now()) - interval '{months} months'" for months in (back, back - 1))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(edges)}")
            first, last = cursor.fetchone()
        _run(
            f"CREATE TABLE {PARTED}_{back + 1} PARTITION OF {PARTED} "
            f"FOR VALUES FROM ('{first}') TO ('{last}')"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexdef NOT LIKE %s",
            [LOG, "%UNIQUE%"],
        )
        for name, definition in cursor.fetchall():
            _run(definition.replace(name, f"parted_{name}"[:60]).replace(f".{LOG}", f".{PARTED}"))
    _run(f"ALTER TABLE {PARTED} ADD PRIMARY KEY (id, created_at)")


def _accounting(rows: int) -> dict[str, float]:
    """The median of one row's insert and settling, in turns."""
    ways = {
        "plain": (PLAIN, "id = %s AND created_at IS NOT NULL"),
        "parted_by_id": (PARTED, "id = %s AND created_at IS NOT NULL"),
        "parted_by_id_and_moment": (PARTED, "id = %s AND created_at >= now() - interval '1 minute'"),
    }
    took: dict[str, list[float]] = {f"{name}_{what}": [] for name in ways for what in ("insert", "settle")}
    for number in range(ROUNDS):
        for place, (name, (table, where)) in enumerate(ways.items()):
            row = rows + 1 + number * len(ways) + place
            values = _VALUES.replace("g,", f"{row},", 1).replace("g::text", f"'{row}'")
            took[f"{name}_insert"].append(
                _run(f"INSERT INTO {table} ({_COLUMNS}) SELECT {values}, now(), NULL")
            )
            settle = f"UPDATE {table} SET settled_at = now(), latency_ms = 700 WHERE {where}"
            took[f"{name}_settle"].append(_run(settle, row))
    return {name: round(statistics.median(times), 3) for name, times in took.items()}


def _retention() -> dict[str, float]:
    """The month before last leaves."""
    month = (
        "created_at >= date_trunc('month', now()) - interval '2 months' "
        "AND created_at < date_trunc('month', now()) - interval '1 month'"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {PLAIN} WHERE {month}")
        rows = int(cursor.fetchone()[0])
        started = time.perf_counter()
        for _ in range(-(-rows // CHUNK)):
            cursor.execute(
                f"DELETE FROM {PLAIN} WHERE id IN (SELECT id FROM {PLAIN} WHERE {month} LIMIT {CHUNK})"
            )
        chunks = (time.perf_counter() - started) * 1000
    drop = _run(f"DROP TABLE {PARTED}_3")
    return {"month_rows": rows, "month_by_chunks": round(chunks), "month_by_drop": round(drop)}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
