"""Millions of usage rows as years of calls would have left them: what `bench.statistics` measures over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User
from tests.factories import make_config
from usage.models import AIProviderUsageLog

PROVIDERS, PEOPLE, DAYS = 20, 2_000, 60
# Each provider has two. Known to the price list, so that recommendations have something to compare.
MODELS = (
    "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "gpt-5-nano",
    "gpt-5-pro", "o3", "o4-mini", "one-without-a-price",
)  # fmt: skip
TABLE = AIProviderUsageLog._meta.db_table

# Few people make most of the calls: the first of 2,000 makes one of 60.
COLUMNS = """
    user_id, provider_config_id, provider_type, model_name, task_type, plan, request_id, attempt,
    prompt_version, input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    total_tokens, usage_source, estimated_cost_usd, unit_prices, is_free, service_tier, status, error_kind,
    error_message, latency_ms, cached, reserved_tokens, reserved_input_tokens, quota_keys, swept,
    created_at, settled_at
"""
ROWS = f"""
SELECT
    %(user)s + (random() ^ 2 * {PEOPLE - 1})::int,
    CASE WHEN refused THEN NULL ELSE %(config)s + g %% {PROVIDERS} END,
    CASE WHEN refused THEN '' ELSE 'openai' END,
    CASE
        WHEN refused THEN ''
        ELSE (%(models)s::text[])[1 + (g %% {PROVIDERS} + g / {PROVIDERS} %% 2) %% {len(MODELS)}]
    END,
    (ARRAY['extraction', 'cv_draft', 'cover_letter'])[1 + g %% 3],
    (ARRAY['freemium', 'paygo'])[1 + g %% 2], md5(g::text), CASE WHEN refused THEN 0 ELSE 1 END,
    CASE WHEN refused THEN '' ELSE (1 + g * 5 / %(rows)s)::text END,
    i, i / 4, 0, o, 0, i + o,
    'vendor', CASE WHEN dice < 0.01 THEN NULL ELSE i * 0.00000012 + o * 0.0000023 END,
    '{{}}', false, '', status,
    CASE
        WHEN refused THEN (ARRAY['quota_exceeded', 'provider_quota_exceeded'])[1 + (g / 50 %% 10 = 0)::int]
        WHEN status = 'success' THEN ''
        ELSE (ARRAY['server', 'rate_limited', 'rejected', 'timeout'])[1 + g %% 4]
    END,
    '', CASE WHEN refused THEN NULL ELSE (200 + exp(random() * 8))::int END, dice > 0.99, 0, 0, '[]', false,
    t, t + interval '2 seconds'
FROM (
    SELECT
        g, random() dice, t, status, refused,
        CASE WHEN refused THEN 0 ELSE 50 + (random() * 2000)::int END i,
        CASE WHEN refused THEN 0 ELSE 20 + (random() * 900)::int END o
    FROM (
        SELECT
            g, g %% 50 = 0 refused,
            %(until)s - interval '{DAYS} days' * (%(rows)s - g) / %(rows)s t,
            CASE
                WHEN g %% 50 = 0 OR random() < 0.04 THEN 'error'
                WHEN random() < 0.01 THEN 'timeout'
                WHEN random() < 0.01 THEN 'aborted'
                ELSE 'success'
            END status
        FROM generate_series(1::bigint, %(rows)s) g
    ) ended
) made
"""


def fill(rows: int, *, until: datetime) -> None:
    """So many rows of the days before `until`, oldest first, of all providers and people."""
    config = min(make_config().pk for _ in range(PROVIDERS))
    users = User.objects.bulk_create(User(email=f"u{number}@example.com") for number in range(PEOPLE))
    given = {"rows": rows, "config": config, "user": users[0].pk, "models": list(MODELS), "until": until}
    with _bare() as cursor:
        _copy(cursor, given)
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TABLE}")


def _copy(cursor: Any, given: dict[str, Any]) -> None:
    """One connection makes the rows while another takes them."""
    source = connection.copy()
    try:
        with source.cursor() as made:
            select = made.mogrify(ROWS, given)
            with (
                made.copy(f"COPY ({select}) TO STDOUT") as rows,
                cursor.copy(f"COPY {TABLE} ({COLUMNS}) FROM STDIN") as log,
            ):
                for block in rows:
                    log.write(block)
    finally:
        source.close()


@contextmanager
def _bare() -> Iterator[Any]:
    """The table without its indexes and foreign keys, which are made afterwards: many times faster."""
    with connection.cursor() as found:
        found.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass "
            "AND contype = 'f'",
            [TABLE],
        )
        keys = found.fetchall()
        found.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname <> %s",
            [TABLE, f"{TABLE}_pkey"],
        )
        indexes = found.fetchall()
        for name, _ in keys:
            found.execute(f'ALTER TABLE {TABLE} DROP CONSTRAINT "{name}"')
        for name, _ in indexes:
            found.execute(f'DROP INDEX "{name}"')
        yield found
        found.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in indexes:
            found.execute(definition)
        for name, definition in keys:
            found.execute(f'ALTER TABLE {TABLE} ADD CONSTRAINT "{name}" {definition}')
        found.execute("RESET maintenance_work_mem")
