"""How lists come in pages."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import LimitOffsetPagination

from accounts.api_base import LARGEST_OFFSET, LONGEST_PAGE


class Pages(LimitOffsetPagination):
    """DEFAULT_PAGINATION_CLASS; `accounts.api_base.PageQuerySerializer` refuses what is out of bounds."""

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit, offset = super().get_schema_operation_parameters(view)
        limit["schema"] |= {"minimum": 1, "maximum": LONGEST_PAGE}
        offset["schema"] |= {"minimum": 0, "maximum": LARGEST_OFFSET}
        return [limit, offset]
