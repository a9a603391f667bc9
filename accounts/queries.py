"""Query parameters: what a view does not know, or cannot read, is refused before its handler runs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from accounts.serializers import StrictSerializer

LONGEST_PAGE = 200


class PageQuerySerializer(StrictSerializer):
    """Of lists that come in pages; `rest_framework.pagination.LimitOffsetPagination` reads the values."""

    limit = serializers.IntegerField(required=False, min_value=1, max_value=LONGEST_PAGE)
    offset = serializers.IntegerField(required=False, min_value=0, max_value=10**9)


class StrictQuery:
    """Mix in before an APIView. `query_serializer_class` names the parameters of GET, none by default; the
    handler finds them valid in `self.query`. Others are a 400 like a field of a body."""

    query_serializer_class: type[StrictSerializer] = StrictSerializer
    query: StrictSerializer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method in {"GET", "HEAD"}:
            self.query = self.query_serializer_class(data=request.query_params.dict())
            self.query.is_valid(raise_exception=True)
            if twice := [name for name, values in request.query_params.lists() if len(values) > 1]:
                message = "Give this parameter once."
                raise serializers.ValidationError({name: [message] for name in twice}, code="given_twice")
