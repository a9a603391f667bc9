"""Taking people out of the rollups, whose sums stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from usage.models import PersonRollup, UsageRollup
from usage.stats import rollup
from usage.stats.dimensions import Dimension
from usage.stats.figures import COUNTS


def forget_before(midnight: datetime) -> int:
    """Delete what each person did on the days (UTC) before `midnight`, and count what anybody did as
    nobody's; returns how many cells that took. The rows of those days are the caller's to take people out of,
    afterwards: from here on nobody compares them by person. A transaction a day, safe to kill and to run
    again."""
    with transaction.atomic():
        state = rollup.hold()
        state.nobody_before = max(midnight, state.nobody_before or midnight)
        state.save(update_fields=["nobody_before"])
        forgotten = PersonRollup.objects.filter(start__lt=midnight).delete()[0]
    of_users = UsageRollup.objects.filter(dimension=Dimension.USER.value, start__lt=midnight).exclude(key="")
    for span, start in list(of_users.order_by("start", "span").values_list("span", "start").distinct()):
        forgotten += _join(span, start)
    return forgotten


@transaction.atomic
def _join(span: str, start: datetime) -> int:
    rollup.hold()
    cells = UsageRollup.objects.filter(dimension=Dimension.USER.value, span=span, start=start)
    sums = cells.order_by().values("provider").annotate(**{f"sum_{name}": Sum(name) for name in COUNTS})
    rows = sums.values_list("provider", *(f"sum_{name}" for name in COUNTS))
    joined = [
        UsageRollup(
            span=span,
            start=start,
            dimension=Dimension.USER.value,
            provider=provider,
            key="",
            **dict(zip(COUNTS, counts, strict=True)),
        )
        for provider, *counts in rows
    ]
    named = cells.exclude(key="").count()
    cells.delete()
    UsageRollup.objects.bulk_create(joined)
    return named
