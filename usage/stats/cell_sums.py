"""The cells of one hour or day as the usage rows say they are: to be stored, and to compare with what is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection, models
from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import TruncDay, TruncHour

from accounts.models import User
from providers.models import AIProviderConfig
from usage.models import UsageRollup
from usage.stats import facts
from usage.stats.cells import ANSWERED, LATENCY_CLASS, settled_rows, sums_of, within
from usage.stats.dimensions import ALL_PROVIDERS, NO_PROVIDER, Dimension
from usage.stats.figures import COUNTS

TRUNC: dict[str, Any] = {"hour": TruncHour, "day": TruncDay}
# What nobody asks for percentiles of.
_WITHOUT_LATENCY = (Dimension.USER, Dimension.ERROR, Dimension.STATUS)
_JSON_OBJECT = {"postgresql": "jsonb_object_agg", "sqlite": "json_group_object"}
_JSON_EACH = {"postgresql": "jsonb_each_text", "sqlite": "json_each"}
_MOMENT = {"postgresql": "%s::timestamptz", "sqlite": "%s"}
_JSON = {"postgresql": "latencies::jsonb", "sqlite": "latencies"}
_TABLE = UsageRollup._meta.db_table
_COLUMNS = ("span", "start", "dimension", "provider", "key", *COUNTS, "latencies")


class Cells(NamedTuple):
    """The cells of one dimension that start within `start`..`end`, of all providers together or apart; of
    parts one, which the end may cut."""

    span: str
    start: datetime
    end: datetime
    dimension: Dimension
    by_provider: bool


def store(cells: Cells) -> None:
    """Add the cells, which are not there yet, from the facts of their stretch, in one statement: none of them
    comes through this process. They lie in the order in which they are asked for."""
    moment = _MOMENT[connection.vendor]
    is_one = cells.span != "hour"
    found = facts.cells_of(
        cells.dimension,
        moment=moment if is_one else "moment",
        provider="provider" if cells.by_provider else str(ALL_PROVIDERS),
        within=f"moment >= {moment} AND moment < {moment}",
        with_latency=cells.dimension not in _WITHOUT_LATENCY,
    )
    select = f"""
        WITH found (moment, provider, key, {", ".join(COUNTS)}, latencies) AS ({found})
        SELECT %s, moment, %s, provider, key, {", ".join(COUNTS)}, {_JSON[connection.vendor]} FROM found
         ORDER BY moment, provider, key
    """  # noqa: S608
    start, end = map(connection.ops.adapt_datetimefield_value, (cells.start, cells.end))
    _insert(select, [*([start] if is_one else []), start, end, cells.span, cells.dimension.value])


def store_sums(cells: Cells, source: Cells) -> None:
    """The same from finer cells of the same stretch that are stored: by the hour for a day, of each provider
    for all of them, of models for the total."""
    is_coarser = cells.span != source.span
    moment = _MOMENT[connection.vendor] if is_coarser else "start"
    provider = "provider" if cells.by_provider else str(ALL_PROVIDERS)
    key = "key" if cells.dimension is source.dimension else "''"
    each, collect = _JSON_EACH[connection.vendor], _JSON_OBJECT[connection.vendor]
    columns = ("start", "provider", "key", *COUNTS, "latencies")
    stored, params = stored_cells(source).values_list(*columns).query.sql_with_params()
    counts = ", ".join(COUNTS)
    select = f"""
        WITH stored ({", ".join(columns)}) AS ({stored}),
        finer AS (
            SELECT {moment} AS moment, {provider} AS place, {key} AS name, {counts}, latencies FROM stored
        ), classes AS (
            SELECT moment, place, name, e.key AS latency_class, sum(CAST(e.value AS bigint)) AS n
              FROM finer, {each}(latencies) AS e GROUP BY 1, 2, 3, 4
        ), histograms AS (
            SELECT moment, place, name, {collect}(latency_class, n) AS latencies FROM classes GROUP BY 1, 2, 3
        ), summed AS (
            SELECT moment, place, name, {", ".join(f"sum({name}) AS {name}" for name in COUNTS)}
              FROM finer GROUP BY 1, 2, 3
        )
        SELECT %s, moment, %s, place, name, {counts}, coalesce(latencies, '{{}}')
          FROM summed LEFT JOIN histograms USING (moment, place, name)
    """  # noqa: S608
    moments = [connection.ops.adapt_datetimefield_value(cells.start)] if is_coarser else []
    _insert(select, [*params, *moments, cells.span, cells.dimension.value])


def _insert(select: str, params: list[Any]) -> None:
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {_TABLE} ({names}) {select}", params)


def as_the_rows_say(cells: Cells) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """(start, provider, key) -> the sums and the latencies."""
    select, params = _selected(cells)
    with connection.cursor() as cursor:
        cursor.execute(select, params)
        return dict(_compared(row) for row in cursor)


def as_stored(cells: Cells) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """The same of what is kept."""
    stored = stored_cells(cells).values_list(*_COLUMNS)
    return dict(_compared(row) for row in stored.iterator(chunk_size=2000))


def stored_cells(cells: Cells) -> QuerySet[UsageRollup]:
    rows = UsageRollup.objects.filter(
        within("start", [(cells.start, cells.end)]), span=cells.span, dimension=cells.dimension.value
    ).order_by()
    if cells.by_provider:
        return rows.exclude(provider=ALL_PROVIDERS)
    return rows.filter(provider=ALL_PROVIDERS)


def _selected(cells: Cells) -> tuple[str, list[Any]]:
    """A statement that gives the columns of the cells from the rows, without the facts that they are stored
    from. The rows are grouped by latency class; the outer statement makes one cell of the classes."""
    rows = settled_rows(cells.dimension).filter(within("created_at", [(cells.start, cells.end)]))
    if not cells.by_provider:
        rows = rows.annotate(provider=Value(ALL_PROVIDERS))
    trunc = TRUNC.get(cells.span)
    moment = trunc("created_at", tzinfo=UTC) if trunc else Value(cells.start)
    rows = rows.annotate(moment=moment, latency_class=_latency_class(cells))
    inner, params = sums_of(rows, "moment", "provider", "key", "latency_class").query.sql_with_params()
    names = ("moment", "provider", "key", "latency_class", *COUNTS)
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in COUNTS)
    is_known = "FILTER (WHERE latency_class IS NOT NULL)"
    collect = f"{_JSON_OBJECT[connection.vendor]}(latency_class, latency_calls) {is_known}"
    select = f"""
        SELECT %s, moment, %s, provider, key, {sums}, coalesce({collect}, '{{}}')
          FROM ({_renamed(inner, names)}) AS cells GROUP BY moment, provider, key
    """  # noqa: S608
    return select, [cells.span, cells.dimension.value, *params]


def _renamed(inner: str, names: tuple[str, ...]) -> str:
    """The statement with its columns called `names`, whatever it calls them."""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"WITH summed ({listed}) AS ({inner}) SELECT * FROM summed"  # noqa: S608


def _latency_class(cells: Cells) -> Any:
    if cells.dimension in _WITHOUT_LATENCY:
        return Value(None, output_field=models.IntegerField())
    return Case(When(ANSWERED, then=LATENCY_CLASS), default=None)


def _compared(row: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    _, start, _, provider, key, *sums, latencies = row
    # What the database cut to the hour or day is in UTC, and says so on no database.
    if isinstance(start, str):
        start = datetime.fromisoformat(start)
    if start.tzinfo is None:
        start = start.replace(tzinfo=UTC)
    histogram = json.loads(latencies) if isinstance(latencies, str) else latencies
    return (start, provider, key), (*map(int, sums), frozenset(histogram.items()))


def differences(cells: Cells, *, without_people: bool = False) -> Iterator[tuple[Any, ...]]:
    """The cells, by start, provider and key, that are not what the rows say. A cell keeps the number of a
    provider or user that was deleted since, and rows do not: those count as nobody's on both sides.
    `without_people` takes all users for nobody."""
    said, stored = as_the_rows_say(cells), as_stored(cells)
    place_of = _place_now(cells, stored, without_people=without_people)
    said, stored = _joined(said, place_of), _joined(stored, place_of)
    for place in said.keys() | stored.keys():
        if said.get(place) != stored.get(place):
            yield place


_Cell = tuple[Any, ...]


def _place_now(cells: Cells, stored: Iterable[_Cell], *, without_people: bool) -> Callable[[_Cell], _Cell]:
    providers = {provider for _, provider, _ in stored} - {ALL_PROVIDERS, NO_PROVIDER}
    gone = providers - set(AIProviderConfig.objects.filter(pk__in=providers).values_list("pk", flat=True))
    is_of_users = cells.dimension is Dimension.USER
    users = {key for _, _, key in stored if key} if is_of_users else set()
    known = User.objects.filter(pk__in=users).values_list("pk", flat=True) if users else ()
    left = users - {str(pk) for pk in known}

    def place_of(cell: _Cell) -> _Cell:
        start, provider, key = cell
        is_nobody = is_of_users and (without_people or key in left)
        return start, NO_PROVIDER if provider in gone else provider, "" if is_nobody else key

    return place_of


def _joined(cells: Mapping[_Cell, _Cell], place_of: Callable[[_Cell], _Cell]) -> dict[_Cell, _Cell]:
    joined: dict[_Cell, _Cell] = {}
    for cell, figures in cells.items():
        place = place_of(cell)
        joined[place] = _added(joined[place], figures) if place in joined else figures
    return joined


def _added(one: _Cell, other: _Cell) -> _Cell:
    histogram = Counter(dict(one[-1]))
    histogram.update(dict(other[-1]))
    return (*map(int.__add__, one[:-1], other[:-1]), frozenset(histogram.items()))
