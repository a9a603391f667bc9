"""Lists that begin with what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.functional import cached_property

# A sort looks at every row: a longer table keeps its own order, which the console can show at once.
MOST_RANKED_ROWS = 100_000


class WorstFirstList:
    """Put before a ChangeList. A page of a list says either by `in_trouble` what comes first, as conditions
    of which the worst is the first or as `by_place`, and by `comes_first` the same in words; or by
    `keeps_order` why its rows stay in an order of their own."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        ordering: list[Any] = super().get_ordering(request, queryset)  # type: ignore[misc]
        in_trouble = getattr(self.model_admin, "in_trouble", None)  # type: ignore[attr-defined]
        if in_trouble is None or self._is_sorted or self._is_too_long:
            return ordering
        found: Case | Sequence[Q] | None = in_trouble()
        # Without any the order is the one that an index may have.
        if not found:
            return ordering
        return [found if isinstance(found, Case) else by_rank(found), *ordering]

    @property
    def comes_first(self) -> str:
        """What the page says of its order; empty once somebody sorted it otherwise."""
        told: str = getattr(self.model_admin, "comes_first", "")  # type: ignore[attr-defined]
        return "" if not told or self._is_sorted or self._is_too_long else told

    @cached_property
    def _is_too_long(self) -> bool:
        rows = self.model._default_manager.order_by()  # type: ignore[attr-defined]
        return bool(rows[: MOST_RANKED_ROWS + 1].count() > MOST_RANKED_ROWS)

    @property
    def _is_sorted(self) -> bool:
        return bool(self.params.get(ORDER_VAR))  # type: ignore[attr-defined]


def by_place(ids: Sequence[Any]) -> Case | None:
    """These rows in their order, then all others; None without any. The places are looked at for these rows
    alone, however many others there are."""
    if not ids:
        return None
    whens = [When(pk=pk, then=Value(place)) for place, pk in enumerate(ids)]
    places = Case(*whens, output_field=IntegerField())
    last = Value(len(ids))
    return Case(When(pk__in=ids, then=places), default=last, output_field=IntegerField())


def by_rank(conditions: Sequence[Q]) -> Case:
    """The number of the first condition that a row meets; behind all of them, what meets none."""
    whens = [When(condition, then=Value(rank)) for rank, condition in enumerate(conditions)]
    return Case(*whens, default=Value(len(conditions)), output_field=IntegerField())
