"""The base of views that await a vendor."""

from __future__ import annotations

from typing import Any

from adrf.views import APIView
from django.db import connections
from rest_framework.request import Request


class AsyncAPIView(APIView):
    """Holds no database connection while its handler waits.

    Authentication and permissions run in a thread of the request's own, whose connection Django would keep
    until the response is sent; a thousand calls in flight would need a thousand of them.
    """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        try:
            super().initial(request, *args, **kwargs)
        finally:
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close()
