"""Lists that begin with what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.views.main import ORDER_VAR
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest

# A sort looks at every row: more of them keep their own order, which the console can show at once.
MOST_RANKED_ROWS = 100_000
TOO_LONG = (
    f"In the order that the headings show: of more than {MOST_RANKED_ROWS:,} rows the worst cannot be found "
    "at once. Filters leave fewer."
)


class WorstFirstList:
    """Put before a ChangeList. A page of a list says what comes first by `comes_first` in words, and either
    by `in_trouble` as conditions of which the worst is the first, or by `worst_ids` as the keys of rows,
    however many others there are; or it says by `keeps_order` why its rows stay in an order of their own."""

    _is_too_long = False

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        ordering: list[Any] = super().get_ordering(request, queryset)  # type: ignore[misc]
        in_trouble = getattr(self.model_admin, "in_trouble", None)  # type: ignore[attr-defined]
        if in_trouble is None or self._is_sorted:
            return ordering
        # Of what the filters leave, which whoever counts the rows for the page looks at anyway.
        self._is_too_long = queryset.order_by()[: MOST_RANKED_ROWS + 1].count() > MOST_RANKED_ROWS
        if self._is_too_long:
            return ordering
        conditions: Sequence[Q] = in_trouble(request)
        # Without any the order is the one that an index may have.
        return [by_rank(conditions), *ordering] if conditions else ordering

    def get_results(self, request: HttpRequest) -> None:
        worst_ids = getattr(self.model_admin, "worst_ids", None)  # type: ignore[attr-defined]
        if worst_ids is None or self._is_sorted:
            super().get_results(request)  # type: ignore[misc]
            return
        super().get_results(request)  # type: ignore[misc]
        is_one_page = not self.multi_page  # type: ignore[attr-defined]
        size = self.result_count if is_one_page else self.list_per_page  # type: ignore[attr-defined]
        start = 0 if is_one_page else (self.page_num - 1) * size  # type: ignore[attr-defined]
        self.result_list = self._beginning_with(worst_ids(request), start, size)

    def _beginning_with(self, ids: Sequence[Any], start: int, size: int) -> list[Any]:
        """A page of the rows with these keys and then all others in the list's own order: two questions, of
        which neither sorts by what is wrong."""
        rows: QuerySet[Any] = self.queryset  # type: ignore[attr-defined]
        found = {row.pk: row for row in rows.filter(pk__in=ids)}
        first = [found[pk] for pk in ids if pk in found]
        shown, behind = first[start : start + size], max(0, start - len(first))
        return [*shown, *rows.exclude(pk__in=found)[behind : behind + size - len(shown)]]

    @property
    def order_told(self) -> str:
        """What the page says of its order; empty once somebody sorted it otherwise."""
        told: str = getattr(self.model_admin, "comes_first", "")  # type: ignore[attr-defined]
        if not told or self._is_sorted:
            return ""
        return TOO_LONG if self._is_too_long else f"First: {told}."

    @property
    def _is_sorted(self) -> bool:
        return bool(self.params.get(ORDER_VAR))  # type: ignore[attr-defined]


def by_rank(conditions: Sequence[Q]) -> Case:
    """The number of the first condition that a row meets; behind all of them, what meets none."""
    whens = [When(condition, then=Value(rank)) for rank, condition in enumerate(conditions)]
    return Case(*whens, default=Value(len(conditions)), output_field=IntegerField())
