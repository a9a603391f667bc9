"""Pages of a list of millions: each begins at the row where its neighbour ended, so the thousandth takes as
long as the first, and rows that come meanwhile move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from unfold.paginator import InfinitePaginator

from console.page_size import SizedChangeList

# In an address: what was before this row, or came after it.
BEFORE, AFTER = "before", "after"
# A sort has to look at every row it sorts, so it is given no more than it does at once.
MOST_SORTED = 20_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Cursor(NamedTuple):
    """A place in a list: the moment of a row and its id, which tells apart those of one moment."""

    moment: datetime
    pk: int

    @classmethod
    def of(cls, row: Model, column: str) -> Cursor:
        return cls(getattr(row, column), row.pk)

    @classmethod
    def read(cls, text: str) -> Cursor:
        """From what `str` says; ValueError or OverflowError for anything else."""
        moment, _, pk = text.partition("-")
        return cls(_EPOCH + int(moment) * _MICROSECOND, int(pk))

    def __str__(self) -> str:
        return f"{(self.moment - _EPOCH) // _MICROSECOND}-{self.pk}"

    def beyond(self, column: str, *, is_older: bool) -> Q:
        """The rows that are older than this one, or newer. The first half is what an index finds."""
        side, tie = ("lte", "gte") if is_older else ("gte", "lte")
        return Q(**{f"{column}__{side}": self.moment}) & ~Q(**{column: self.moment, f"pk__{tie}": self.pk})


class CursorChangeList(SizedChangeList):
    """A list by `column`, a moment, the newest first or the oldest, of any length. By another column it shows
    the newest MOST_SORTED rows that the filters find, with numbered pages."""

    column = "created_at"
    next_url = previous_url = first_url = ""
    next_label, previous_label = "Next", "Previous"
    # Whether only the newest were sorted, which the page has to say.
    is_cut = False
    most_sorted = MOST_SORTED

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        # No filter, and not handed on by one: with another filter it is another list, and begins anew.
        for name in (BEFORE, AFTER):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        ordering: list[Any] = list(super().get_ordering(request, queryset))
        if not self._is_by_moment(ordering):
            return ordering
        return [ordering[0], "-pk" if ordering[0].startswith("-") else "pk"]

    def _is_by_moment(self, ordering: Sequence[Any]) -> bool:
        return bool(ordering) and str(ordering[0]).removeprefix("-") == self.column

    def get_results(self, request: HttpRequest) -> None:
        self.choose_size(request)
        # Knows no number of rows, by which name unfold's templates show none.
        self.paginator = InfinitePaginator(self.queryset, self.list_per_page)
        self.paginator.template_name = "console/cursor_pages.html"
        ordering = self.queryset.query.order_by
        if self._is_by_moment(ordering):
            self.page_num = 1
            self.result_list = self._by_moment(request, newest_first=str(ordering[0]).startswith("-"))
        else:
            self.result_list = self._sorted()
        self.result_count = self.paginator.count
        self.full_result_count = None
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = True

    def _by_moment(self, request: HttpRequest, *, newest_first: bool) -> list[Any]:
        onwards, back = (BEFORE, AFTER) if newest_first else (AFTER, BEFORE)
        self.next_label, self.previous_label = ("Older", "Newer") if newest_first else ("Newer", "Older")
        size = self.list_per_page
        if asked := request.GET.get(back):
            nearest = self.queryset.filter(self._beyond(asked, back)).reverse()
            found = list(nearest[: size + 1])[::-1]
            # Fewer are a part of the first page, which is shown as it is.
            if len(found) > size:
                return self._linked(found[1:], onwards, back, is_first=False, is_last=False)
        rows = self.queryset
        asked = None if asked else request.GET.get(onwards)
        if asked:
            rows = rows.filter(self._beyond(asked, onwards))
        found = list(rows[: size + 1])
        return self._linked(found[:size], onwards, back, is_first=not asked, is_last=len(found) <= size)

    def _beyond(self, asked: str, side: str) -> Q:
        return Cursor.read(asked).beyond(self.column, is_older=side == BEFORE)

    def _linked(
        self, rows: list[Any], onwards: str, back: str, *, is_first: bool, is_last: bool
    ) -> list[Any]:
        """The rows, with the addresses of the pages beside them, as far as there are any."""
        if not is_first:
            self.first_url = self.get_query_string()
        if rows and not is_first:
            self.previous_url = self.get_query_string({back: str(Cursor.of(rows[0], self.column))})
        if rows and not is_last:
            self.next_url = self.get_query_string({onwards: str(Cursor.of(rows[-1], self.column))})
        return rows

    def _sorted(self) -> list[Any]:
        """A page of the newest rows in another order."""
        newest = self.queryset.order_by(f"-{self.column}", "-pk").values_list(self.column, flat=True)
        edge = newest[MOST_SORTED - 1 : MOST_SORTED].first()
        rows = self.queryset
        if edge is not None:
            self.is_cut = True
            rows = rows.filter(**{f"{self.column}__gte": edge})
        start = max(0, self.page_num - 1) * self.list_per_page
        found = list(rows[start : start + self.list_per_page + 1])
        if self.page_num > 1:
            self.previous_url = self.get_query_string({PAGE_VAR: self.page_num - 1})
            self.first_url = self.get_query_string()
        if len(found) > self.list_per_page:
            self.next_url = self.get_query_string({PAGE_VAR: self.page_num + 1})
        return found[: self.list_per_page]
