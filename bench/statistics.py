"""`python -m bench.statistics [ROWS]`: how long pages and questions take over ROWS usage rows.

The rows (default 1,000,000) are of 30 days, 200 providers and 2,000 users. First every page and endpoint that
shows figures is asked for as a browser or a client would, panels included (`bench.pages`). Then each question
is answered from the rows and from the rollups; quote the ratio. Needs PostgreSQL in DATABASE_URL; a scratch
database is created and dropped. Rolling up a million rows takes some minutes, once: afterwards the worker
rolls up an hour at a time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from unittest.mock import patch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from accounts.models import User
from bench import pages
from tests.factories import make_config
from usage import stats
from usage.stats import Period, questions, rollup
from usage.stats.segments import Standing

# Known to the price list, so that recommendations have something to compare.
MODELS = (
    "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-4o", "gpt-4o-mini", "gpt-5", "gpt-5-mini", "gpt-5-nano",
    "gpt-5-pro", "o3", "o4-mini", "one-without-a-price",
)  # fmt: skip

FILL = """
INSERT INTO ai_provider_usage_logs (
    user_id, provider_config_id, provider_type, model_name, task_type, plan, request_id, attempt,
    input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, total_tokens,
    usage_source, estimated_cost_usd, unit_prices, is_free, service_tier, status, error_kind,
    error_message, latency_ms, cached, reserved_tokens, reserved_input_tokens, quota_keys, swept,
    created_at, settled_at
)
SELECT
    %(user)s + (random() * 1999)::int,
    CASE WHEN refused THEN NULL ELSE %(config)s + g %% 200 END,
    CASE WHEN refused THEN '' ELSE 'openai' END,
    CASE WHEN refused THEN '' ELSE (%(models)s::text[])[1 + g %% 12] END,
    (ARRAY['extraction', 'cv_draft', 'cover_letter'])[1 + g %% 3],
    (ARRAY['freemium', 'paygo'])[1 + g %% 2], md5(g::text), CASE WHEN refused THEN 0 ELSE 1 END,
    i, i / 4, 0, o, 0, i + o,
    'vendor', CASE WHEN dice < 0.01 THEN NULL ELSE i * 0.00000012 + o * 0.0000023 END,
    '{}', false, '', status,
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
            now() - interval '30 days' * g / %(rows)s t,
            CASE
                WHEN g %% 50 = 0 OR random() < 0.04 THEN 'error'
                WHEN random() < 0.01 THEN 'timeout'
                WHEN random() < 0.01 THEN 'aborted'
                ELSE 'success'
            END status
        FROM generate_series(1, %(rows)s) g
    ) ended
) made
"""


def main(rows: int) -> None:
    if connection.vendor != "postgresql":
        sys.exit("This benchmark needs PostgreSQL in DATABASE_URL.")
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        fill(rows)
        started = time.perf_counter()
        rollup.refresh(now=timezone.now())
        print(f"{rows:,} rows rolled up in {time.perf_counter() - started:.0f} s")
        pages.measure()
        compare()
    finally:
        teardown_databases(databases, verbosity=0)


def fill(rows: int) -> None:
    config = min(make_config().pk for _ in range(200))
    users = User.objects.bulk_create(User(email=f"u{number}@example.com") for number in range(2000))
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"rows": rows, "config": config, "user": users[0].pk, "models": list(MODELS)})
        cursor.execute("VACUUM ANALYZE ai_provider_usage_logs")


def compare() -> None:
    period = Period.last_days(30, now=timezone.now(), tz="Asia/Kathmandu")
    asked: dict[str, Callable[[], object]] = {
        "usage_stats": stats.usage_stats,
        "totals": lambda: stats.totals(period=period),
        "7 against 30 days": stats.comparison,
        "days, with p50 and p95": lambda: stats.timeseries(period=period),
        "errors by kind and day": lambda: stats.timeseries(period=period, by="error"),
        **{f"by {by}": (lambda by=by: stats.breakdown(period=period, by=by)) for by in stats.BREAKDOWNS},
    }
    print(f"{'':24} {'rows':>9} {'rollups':>9} {'ratio':>7}")
    for name, question in asked.items():
        rolled = seconds(question)
        with patch.object(questions, "standing", Standing):
            raw = seconds(question)
        print(f"{name:24} {raw * 1000:6.0f} ms {rolled * 1000:6.0f} ms {raw / rolled:7.1f}")


def seconds(question: Callable[[], object]) -> float:
    """The best of three, because others use the machine too."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        question()
        best = min(best, time.perf_counter() - started)
    return best


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
