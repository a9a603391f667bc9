"""Turns every exception that reaches the edge into the error envelope."""

import math
import sys
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback
from rest_framework_simplejwt.exceptions import InvalidToken

from accounts.api_base import BodyTooLarge
from accounts.errors import DATABASE_AWAY, DatabaseUnavailable, DomainError
from orchestration.door.errors import error_body as door_error_body

_HOW_TO_LOG_IN = (
    "This takes an access token that is still valid. Log in at /api/v1/auth/token and send Authorization: "
    "Bearer with the token; personal access tokens are for /v1."
)


def error_body(code: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": message, "details": details or {}}}


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. Anything not listed is a bug: Django logs it and answers by `server_error`."""
    set_rollback()
    if isinstance(exc, DATABASE_AWAY):
        exc = DatabaseUnavailable()
    if isinstance(exc, DomainError):
        return _respond(exc.status, exc.code, exc.message, exc.details, exc.retry_after)
    if isinstance(exc, RequestDataTooBig):
        exc = BodyTooLarge()
    elif isinstance(exc, Http404):
        exc = exceptions.NotFound()
    elif isinstance(exc, PermissionDenied):
        exc = exceptions.PermissionDenied()
    if isinstance(exc, exceptions.APIException):
        return _from_api_exception(exc, context.get("view"))
    return None


def _from_api_exception(exc: exceptions.APIException, view: Any) -> Response:
    if isinstance(exc, exceptions.ValidationError):
        details = exc.detail if isinstance(exc.detail, dict) else {"non_field_errors": exc.detail}
        return _respond(400, "invalid_input", "Some fields are not valid; see details.", {"fields": details})
    detail: Any = exc.detail
    if isinstance(detail, dict):  # simplejwt
        detail = detail.get("detail", exc.default_detail)
    wait = getattr(exc, "wait", None)
    response = _respond(
        exc.status_code,
        str(getattr(detail, "code", exc.default_code)),
        _sentence(exc, view) or str(detail),
        retry_after=None if wait is None else math.ceil(wait),
    )
    if authenticate := getattr(exc, "auth_header", None):
        response["WWW-Authenticate"] = authenticate
    return response


def _sentence(exc: exceptions.APIException, view: Any) -> str:
    """What to do next, where the framework does not say; else empty."""
    sentence = ""
    match exc:
        case exceptions.NotFound() if exc.detail == exc.default_detail:
            sentence = "There is nothing here, or it is not yours. Check the address and the id in it."
        case exceptions.NotAuthenticated() | InvalidToken():
            sentence = _HOW_TO_LOG_IN
        case exceptions.MethodNotAllowed():
            sentence = f"{exc.detail} The header Allow says what may be sent."
        case exceptions.NotAcceptable():
            sentence = "No answer has the form that Accept names. Send Accept: application/json."
        case exceptions.UnsupportedMediaType():
            kinds = ", ".join(parser.media_type for parser in getattr(view, "parser_classes", ()))
            sentence = f"{exc.detail} Send one of: {kinds}."
    return sentence


def _respond(
    status: int,
    code: str,
    message: str,
    details: dict[str, Any] | None = None,
    retry_after: int | None = None,
) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Response(error_body(code, message, details), status=status, headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: a request that never reached a view, such as one with a foreign Host header or a form of
    several megabytes."""
    if isinstance(exception, RequestDataTooBig):
        page = _page(request, defaults.bad_request, exception)
        if page is None:
            return _json(request, 413, BodyTooLarge.default_code, BodyTooLarge.default_detail)
        page.status_code = 413
        return page
    message = "This request cannot be understood. Check its address, headers and size."
    return _page(request, defaults.bad_request, exception) or _json(request, 400, "bad_request", message)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    message = "You are not allowed to do this."
    return _page(request, defaults.permission_denied, exception) or _json(
        request, 403, "permission_denied", message
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    message = "There is nothing at this address."
    return _page(request, defaults.page_not_found, exception) or _json(request, 404, "not_found", message)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a bug, or a database that went away outside an API view."""
    if isinstance(sys.exc_info()[1], DATABASE_AWAY):
        away = DatabaseUnavailable()
        response = (
            _json(request, away.status, away.code, away.message)
            if _is_api(request)
            else HttpResponse(away.message, status=away.status, content_type="text/plain; charset=utf-8")
        )
        response["Retry-After"] = str(away.retry_after)
        return response
    if not _is_api(request):
        return defaults.server_error(request)
    return _json(request, DomainError.status, DomainError.code, DomainError.message)


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(("/api/", "/v1/"))


def _page(
    request: HttpRequest, view: Callable[[HttpRequest, Exception], HttpResponse], exception: Exception
) -> HttpResponse | None:
    """Django's own page for people in a browser; None for programs, who get the envelope."""
    return None if _is_api(request) else view(request, exception)


def _json(request: HttpRequest, status: int, code: str, message: str) -> JsonResponse:
    if request.path_info.startswith("/v1/"):
        kind = "server_error" if status >= 500 else "invalid_request_error"
        return JsonResponse(door_error_body(message, kind=kind, code=code), status=status)
    return JsonResponse(error_body(code, message), status=status)
