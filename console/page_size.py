"""How many rows a page of a list has, chosen by who reads it and kept in the address like any filter;
and which of all rows it shows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from console.labels import label_of, lowered, things

SIZES = (25, 50, 100, 200)


class PageSizeFilter(admin.SimpleListFilter):
    title = "rows a page"
    parameter_name = "rows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(size), str(size)) for size in SIZES]

    def choices(self, changelist: Any) -> Any:
        """The sizes and the list's own; there is none for all rows."""
        own = changelist.model_admin.list_per_page
        for size in sorted({own, *SIZES}):
            asked = {} if size == own else {self.parameter_name: str(size)}
            yield {
                "selected": changelist.list_per_page == size,
                "query_string": changelist.get_query_string(asked, [self.parameter_name]),
                "display": str(size),
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class SizedChangeList(ChangeList):
    """A list of one of SIZES, else of what its page says."""

    def get_results(self, request: HttpRequest) -> None:
        self.choose_size(request)
        # Whatever the address asks for: all rows on one page may be millions.
        self.list_max_show_all = 0
        super().get_results(request)

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        for one in found[0]:
            # Those of a column are called by what it is called for programs.
            if name := getattr(one, "field_path", None):
                one.title = lowered(label_of(self.model, name))
        return found

    @property
    def shown_of_all(self) -> str:
        """Which rows these are, of how many: "1 to 25 of 200 providers", with a dash for the "to"."""
        one, several = things(self.model)
        if self.result_count <= 1 or not self.multi_page:
            return f"{self.result_count:,} {one if self.result_count == 1 else several}"
        first = (self.page_num - 1) * self.list_per_page + 1
        return f"{first:,}\N{EN DASH}{first + len(self.result_list) - 1:,} of {self.result_count:,} {several}"

    def choose_size(self, request: HttpRequest) -> None:
        asked = request.GET.get(PageSizeFilter.parameter_name, "")
        if asked in map(str, SIZES):
            self.list_per_page = int(asked)
