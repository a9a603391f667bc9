"""Pages of the console asked with a query that means nothing: the visitor is told so, and it is no error of
ours. Filters hand what the address says to the database, which has its own idea of dates and patterns."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse

from accounts.errors import DomainError
from console.security import confirmation

logger = logging.getLogger(__name__)

_MEANINGLESS = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, FieldError, ValidationError,
    DatabaseError,
)  # fmt: skip


class MeaninglessQuery(DomainError):
    code = "invalid_query"
    status = 400
    message = "The filters of this address cannot be understood. They were taken off; choose them again."


def serve(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """The page of `view`; the same one without its query when the query means nothing."""
    if "\x00" in request.path:
        raise Http404
    if request.method != "GET" or not request.GET:
        return view()
    try:
        # A statement that PostgreSQL refuses takes along those after it, but no further than to here.
        with transaction.atomic():
            response = view()
            if isinstance(response, SimpleTemplateResponse):
                # Lists are read from the database as late as here.
                response.render()
            return response
    except _MEANINGLESS as error:
        if _is_away(error):
            raise
        # Were it a mistake of ours after all, this is where it is found.
        logger.warning("A query of the console means nothing: %s", request.path, exc_info=True)
    if confirmation.wants_json(request):
        return confirmation.refusal_as_json(MeaninglessQuery())
    messages.warning(request, MeaninglessQuery.message)
    return HttpResponseRedirect(request.path)


def _is_away(error: Exception) -> bool:
    # SQLite says the same of a pattern that is none.
    is_operational = isinstance(error, OperationalError) and connection.vendor != "sqlite"
    return is_operational or isinstance(error, InterfaceError)
