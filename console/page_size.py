"""How many rows a page of a list has, chosen by who reads it and kept in the address like any filter."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

SIZES = (25, 50, 100, 200)


class PageSizeFilter(admin.SimpleListFilter):
    title = "rows a page"
    parameter_name = "rows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(size), str(size)) for size in SIZES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset


class SizedChangeList(ChangeList):
    """A list of one of SIZES, else of what its page says."""

    def get_results(self, request: HttpRequest) -> None:
        self.choose_size(request)
        super().get_results(request)

    def choose_size(self, request: HttpRequest) -> None:
        asked = request.GET.get(PageSizeFilter.parameter_name, "")
        if asked in map(str, SIZES):
            self.list_per_page = int(asked)
