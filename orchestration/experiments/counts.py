"""What the usage rows say of an experiment's arms, added up by the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any

from django.db import connection
from django.db.models import Case, Count, IntegerField, Max, Q, QuerySet, Sum, Value, When

from orchestration.experiments.intervals import Sample
from orchestration.models import CallFeedback
from usage.models import AIProviderUsageLog, Status
from usage.stats.cells import PICOS
from usage.stats.figures import LATENCY_GROWTH, PICOS_PER_USD, Figures, merged

# One row per request in, one row per arm and latency class out: classes as `usage.stats` has them, for the
# percentile; NULL for a request without an answer. A product with 1e-12 is exact on PostgreSQL.
_BY_ARM = """
SELECT experiment_arm,
       CASE WHEN succeeded = 0 THEN NULL
            WHEN latency <= 1 THEN 0
            ELSE CEILING(LN(latency) / {growth}) END AS latency_class,
       COUNT(*),
       SUM(succeeded),
       SUM(CASE WHEN succeeded = 1 OR failed = 1 THEN 1 ELSE 0 END),
       SUM(picos),
       SUM(CASE WHEN unpriced = 0 THEN 1 ELSE 0 END),
       SUM(CASE WHEN unpriced = 0 THEN picos ELSE 0 END),
       SUM(CASE WHEN unpriced = 0 THEN (picos * 1e-12) * (picos * 1e-12) ELSE 0 END),
       SUM(CASE WHEN succeeded = 1 THEN latency ELSE 0 END),
       SUM(CASE WHEN succeeded = 1 THEN latency * latency ELSE 0 END),
       COUNT(rating),
       COALESCE(SUM(rating), 0),
       COALESCE(SUM(rating * rating), 0)
FROM ({requests}) AS requests
LEFT JOIN {feedback} AS feedback
       ON feedback.request_id = requests.request_id AND feedback.user_id = requests.user_id
GROUP BY experiment_arm, latency_class
"""


@dataclass(frozen=True, slots=True)
class ArmCounts:
    """Sums over the requests of one arm, whichever provider answered in the end.

    A request is one question with all its attempts. It `ended` when a vendor answered or failed, and not when
    the caller left. `cost_picos` is what is known of the cost of all requests in 1e-12 USD; those with an
    attempt of unknown price are not in `cost` (USD), which is for the mean. `latency` is in milliseconds, all
    attempts of a request together, of those that succeeded. Replies from the cache are in no count.
    """

    users: int = 0
    calls: int = 0
    successes: int = 0
    ended: int = 0
    cost_picos: int = 0
    priced_cost_picos: int = 0
    cost: Sample = field(default_factory=Sample)
    latency: Sample = field(default_factory=Sample)
    latencies: Mapping[int, int] = field(default_factory=dict)
    feedback: Sample = field(default_factory=Sample)

    @property
    def p95_latency_ms(self) -> int | None:
        """To 2.5 %, as every percentile of the statistics."""
        return Figures(latencies=self.latencies).p95_latency_ms


def counts_of(arm_ids: Iterable[int]) -> dict[int, ArmCounts]:
    """The counts of these arms; without any for an arm nobody has been in. Two queries."""
    rows = _rows(list(arm_ids))
    per_arm = rows.values("experiment_arm").annotate(n=Count("user", distinct=True))
    users = {row["experiment_arm"]: row["n"] for row in per_arm}
    return {arm: _counts(parts, users.get(arm, 0)) for arm, parts in _parts(rows).items()}


def _rows(arm_ids: list[int]) -> QuerySet[AIProviderUsageLog]:
    """Ended attempts at a vendor."""
    rows = AIProviderUsageLog.objects.filter(experiment_arm__in=arm_ids, attempt__gte=1, cached=False)
    return rows.exclude(status=Status.STARTED).order_by()


def _parts(rows: QuerySet[AIProviderUsageLog]) -> dict[int, list[tuple[Any, ...]]]:
    """Per arm what `_BY_ARM` selects, from the latency class on."""
    requests = rows.values("experiment_arm", "request_id", "user_id").annotate(
        succeeded=_any(Q(status=Status.SUCCESS)),
        failed=_any(Q(status__in=(Status.ERROR, Status.TIMEOUT))),
        picos=Sum(PICOS, default=0),
        unpriced=Count("pk", filter=Q(estimated_cost_usd=None)),
        latency=Sum("latency_ms", default=0),
    )
    inner, parameters = requests.query.sql_with_params()
    table = connection.ops.quote_name(CallFeedback._meta.db_table)
    by_arm: dict[int, list[tuple[Any, ...]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_BY_ARM.format(requests=inner, feedback=table, growth=log(LATENCY_GROWTH)), parameters)
        for arm, *part in cursor.fetchall():
            by_arm.setdefault(arm, []).append(tuple(part))
    return by_arm


def _any(condition: Q) -> Max:
    return Max(Case(When(condition, then=Value(1)), default=Value(0)), output_field=IntegerField())


def _counts(parts: list[tuple[Any, ...]], users: int) -> ArmCounts:
    classes = [{int(part[0]): int(part[1])} for part in parts if part[0] is not None]
    calls, successes, ended, picos, priced, priced_picos, cost_squares, *rest = (
        sum(column) for column in list(zip(*parts, strict=True))[1:]
    )
    latency, latency_squares, ratings, rating_sum, rating_squares = rest
    return ArmCounts(
        users=users,
        calls=int(calls),
        successes=int(successes),
        ended=int(ended),
        cost_picos=int(picos),
        priced_cost_picos=int(priced_picos),
        cost=Sample(int(priced), int(priced_picos) / PICOS_PER_USD, float(cost_squares)),
        latency=Sample(int(successes), float(latency), float(latency_squares)),
        latencies=merged(classes),
        feedback=Sample(int(ratings), float(rating_sum), float(rating_squares)),
    )
