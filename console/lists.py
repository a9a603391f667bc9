"""What every list of the console has: a page size to choose, the worst first, and figures at the right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.admin.utils import label_for_field
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.html import escape

from console.page_size import PageSizeFilter, SizedChangeList
from console.worst_first import WorstFirstList

_Method = TypeVar("_Method", bound=Callable[..., Any])
_SMALL_LABEL = re.compile(rb'(<t[dh][^>]* data-label=")([a-z])')
_FIRST_VALUE = re.compile(rb'(<td class="field-[^>]* data-label=")Select record"')
_FIGURES = (models.IntegerField, models.DecimalField, models.FloatField)


def figure(method: _Method) -> _Method:
    """Mark a method of `list_display` whose text is a figure. Columns of numbers are figures unmarked."""
    method.is_figure = True  # type: ignore[attr-defined]
    return method


class ListPage:
    """Put before a ModelAdmin by `ConsoleSite.register`."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        own = super().get_changelist(request, **kwargs)  # type: ignore[misc]
        bases = (own,) if issubclass(own, SizedChangeList) else (SizedChangeList, own)
        return type(own.__name__, (WorstFirstList, *bases), {})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        response = super().changelist_view(request, extra_context)  # type: ignore[misc]
        if isinstance(response, TemplateResponse):
            response.add_post_render_callback(_with_sentence_case)
        return response

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        own = list(super().get_list_filter(request))  # type: ignore[misc]
        return own if PageSizeFilter in own else [*own, PageSizeFilter]


def _with_sentence_case(response: Any) -> None:
    """The headings that a phone shows beside each value begin with a capital, as those of the table do; and
    the first value has its own, where unfold takes it for the box that chooses the row."""
    changelist = (response.context_data or {}).get("cl")
    if changelist is not None and changelist.list_display:
        first = label_for_field(changelist.list_display[0], changelist.model, changelist.model_admin)
        response.content = _FIRST_VALUE.sub(
            lambda found: found[1] + escape(str(first)).encode() + b'"', response.content
        )
    response.content = _SMALL_LABEL.sub(lambda found: found[1] + found[2].upper(), response.content)


def figures_in(changelist: Any) -> list[str]:
    """The names of the columns that hold figures."""
    return [
        getattr(name, "__name__", name) for name in changelist.list_display if _is_figure(changelist, name)
    ]


def _is_figure(changelist: Any, name: Any) -> bool:
    own = getattr(changelist.model_admin, str(name), None)
    if own is not None:
        return bool(getattr(own, "is_figure", False))
    try:
        field = getattr(name, "field", None) or changelist.opts.get_field(name)
    except FieldDoesNotExist:
        return False
    return isinstance(field, _FIGURES) and not field.choices
