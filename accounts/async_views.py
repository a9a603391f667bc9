"""The base of views that await a vendor: on the event loop from the first byte to the last, without a thread
and without a database connection while they wait."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from adrf.views import APIView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.concurrency import in_database_thread

View = TypeVar("View", bound=Callable[..., Any])


def stays_on_loop(view: View) -> View:
    """Mark an async view that needs no thread, no session and nothing that middlewares do with them."""
    view.stays_on_loop = True  # type: ignore[attr-defined]
    return view


def answers_at_any_name(view: View) -> View:
    """Mark a view on the loop that makes no address of the Host it was called by: Prometheus and probes call
    each container by its own, which no ALLOWED_HOSTS can name."""
    view.answers_at_any_name = True  # type: ignore[attr-defined]
    return view


class AsyncAPIView(APIView):
    """adrf's without its thread for authentication, permissions, throttles and the rendering: a thousand
    calls in flight would be a thousand threads, each with a connection.

    Authenticators have `aauthenticate`; one without is asked in a database thread. Permissions are asked on
    the loop, where Django refuses every query, so they go by the user that they are given.

    `reads_bearer` False is for a view that does nothing for its user but what a reserving statement lets
    pass, which verifies that the login in `request.auth` lives: of `request.user` only the id is known then.
    """

    reads_bearer = True

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return stays_on_loop(super().as_view(**initkwargs))

    async def async_dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        asked: Request = cast(Any, self).initialize_request(request, *args, **kwargs)
        self.request, self.headers = asked, self.default_response_headers
        try:
            await self.let_in(asked)
            handler = self.http_method_not_allowed
            if request.method and request.method.lower() in self.http_method_names:
                handler = getattr(self, request.method.lower(), handler)
            answer = handler(asked, *args, **kwargs)
            response = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - DRF raises again what it has no answer to
            response = self.handle_exception(error)
        self.response = self.finalize_response(asked, response, *args, **kwargs)
        return _rendered(self.response)

    async def let_in(self, request: Request) -> None:
        """DRF's `initial`. Raises what authentication, permissions and throttles refuse by."""
        self.format_kwarg = self.get_format_suffix(**self.kwargs)
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        request.version, request.versioning_scheme = self.determine_version(
            request, *self.args, **self.kwargs
        )
        await _authenticate(request)
        self.check_sync_permissions(request, cast(Any, self).get_permissions())
        if not request.user.is_authenticated:
            # Throttles count in the cache, those who are known not at all.
            await in_database_thread(self.check_throttles, request)


async def _authenticate(request: Any) -> None:
    for authenticator in request.authenticators or ():
        try:
            if hasattr(authenticator, "aauthenticate"):
                found = await authenticator.aauthenticate(request)
            else:
                found = await in_database_thread(authenticator.authenticate, request)
        except APIException:
            request._not_authenticated()  # as DRF does: its answer depends on it
            raise
        if found is not None:
            request._authenticator = authenticator
            request.user, request.auth = found
            return
    request._not_authenticated()


def _rendered(response: HttpResponseBase) -> HttpResponseBase:
    """A response of DRF's as a plain one: Django renders any other in a thread."""
    if not isinstance(response, Response):
        return response
    response.render()
    plain = HttpResponse(response.content, status=response.status_code, headers=dict(response.items()))
    plain.cookies = response.cookies
    for closer in cast(Any, response)._resource_closers:
        cast(Any, plain)._resource_closers.append(closer)
    return plain
