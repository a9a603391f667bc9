"""The settled rows of one stretch, summed as finely as any rollup tells calls apart; rollups come from them.

They stand in a temporary table until the transaction ends, so that the rows are read once, however many
dimensions there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Case, QuerySet, When
from django.db.models.functions import ExtractHour, TruncHour

from usage.models import PersonRollup
from usage.stats.cells import ANSWERED, KEYS, LATENCY_CLASS, settled_rows, sums_of, within
from usage.stats.dimensions import Dimension
from usage.stats.figures import COUNTS

TABLE = "usage_facts"
_PERSONS = PersonRollup._meta.db_table
_AGGREGATE = {
    "postgresql": ("jsonb_object_agg", "jsonb_build_array"),
    "sqlite": ("json_group_object", "json_array"),
}
_PLACE = ("moment", "hour", "provider", *(f"by_{dimension}" for dimension in Dimension), "latency_class")


@contextmanager
def of_rows(start: datetime, end: datetime) -> Iterator[None]:
    """The facts of the whole hours start..end, within a transaction."""
    select, params = _finest(start, end).query.sql_with_params()
    columns = ", ".join((*_PLACE, *COUNTS))
    typed = ", ".join((*_PLACE, *(f"CAST(coalesce({name}, 0) AS bigint) AS {name}" for name in COUNTS)))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # For a busy day grouped in memory and not by sorting; only until the transaction ends.
            cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {TABLE} AS WITH summed ({columns}) AS ({select}) "  # noqa: S608
            f"SELECT {typed} FROM summed",
            params,
        )
        yield
        cursor.execute(f"DROP TABLE {TABLE}")


def _finest(start: datetime, end: datetime) -> QuerySet[Any, Any]:
    rows = settled_rows(Dimension.TOTAL).filter(within("created_at", [(start, end)]))
    rows = rows.annotate(
        moment=TruncHour("created_at", tzinfo=UTC),
        hour=ExtractHour("created_at", tzinfo=UTC),
        latency_class=Case(When(ANSWERED, then=LATENCY_CLASS), default=None),
        **{f"by_{dimension}": key for dimension, key in KEYS.items()},
    )
    return sums_of(rows, *_PLACE)


def cells_of(dimension: Dimension, *, moment: str, provider: str, within: str, with_latency: bool) -> str:
    """A statement over the facts: moment, provider, key, COUNTS, and what JSON is made of the latencies.
    `moment`, `provider` and the condition `within` are SQL; errors are only those of calls that had one."""
    collect = _AGGREGATE[connection.vendor][0]
    key = f"by_{dimension}"
    where = f"WHERE {within}" + (f" AND {key} <> ''" if dimension is Dimension.ERROR else "")
    sums = ", ".join(f"sum({name}) AS {name}" for name in COUNTS)
    if not with_latency:
        return f"SELECT {moment}, {provider}, {key}, {sums}, '{{}}' FROM {TABLE} {where} GROUP BY 1, 2, 3"  # noqa: S608
    known = "FILTER (WHERE latency_class IS NOT NULL)"
    return f"""
        SELECT place, provider, key, {sums}, coalesce({collect}(latency_class, latency_calls) {known}, '{{}}')
          FROM (SELECT {moment} AS place, {provider} AS provider, {key} AS key, latency_class, {sums}
                  FROM {TABLE} {where} GROUP BY 1, 2, 3, latency_class) AS classes
         GROUP BY place, provider, key
    """  # noqa: S608


def store_persons(day: datetime) -> None:
    """Replace what each person did on the UTC day by what the facts of that day say."""
    PersonRollup.objects.filter(start=day).delete()
    collect, array = _AGGREGATE[connection.vendor]
    sums = ", ".join(f"CAST(sum({name}) AS bigint) AS {name}" for name in COUNTS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {_PERSONS} (user_id, start, hours)
            SELECT CAST(person AS bigint), %s, {collect}(hour || '/' || task, {array}({", ".join(COUNTS)}))
              FROM (SELECT by_user AS person, hour, by_task AS task, {sums}
                      FROM {TABLE} WHERE by_user <> '' AND by_status <> 'cached' GROUP BY 1, 2, 3) AS done
             GROUP BY person
            """,  # noqa: S608
            [connection.ops.adapt_datetimefield_value(day)],
        )
