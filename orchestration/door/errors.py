"""What the door refuses, and every refusal in OpenAI's form
(https://platform.openai.com/docs/guides/error-codes)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from accounts.errors import DomainError
from accounts.personal_tokens import InvalidPersonalToken
from orchestration.errors import ContentBlocked, InputTooLong, RequestRefused
from usage.ledger.limits import QuotaExceeded

# Clients of OpenAI's make a request again on their own; not worth it where the wait is longer than they have.
LONGEST_WAIT_FOR_RETRY_SECONDS = 60


class InvalidRequest(DomainError):
    """`param` names the part of the request that is at fault."""

    code = "invalid_value"
    status = 400
    message = "The request is not valid."

    def __init__(self, message: str, *, param: str = "") -> None:
        super().__init__(message)
        self.param = param


class MissingParameter(InvalidRequest):
    code = "missing_required_parameter"


class UnsupportedParameter(InvalidRequest):
    code = "unsupported_parameter"

    def __init__(self, param: str, why: str = "Leave it out.") -> None:
        super().__init__(f"The parameter '{param}' is not supported here. {why}", param=param)


class ModelNotFound(InvalidRequest):
    code = "model_not_found"
    status = 404

    def __init__(self, name: str) -> None:
        shown = name[:100]
        super().__init__(
            f"The model '{shown}' is served by no active provider. GET /v1/models lists those that are.",
            param="model",
        )


class ModelNotAllowed(InvalidRequest):
    code = "model_not_allowed"
    status = 403

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This access token may not use '{name[:100]}'. Use one that may, or make one.", param="model"
        )


class BodyTooLarge(InvalidRequest):
    code = "request_too_large"
    status = 413


class MethodNotAllowed(InvalidRequest):
    code = "method_not_allowed"
    status = 405


class NotWithAStream(InvalidRequest):
    code = "not_with_a_stream"

    def __init__(self) -> None:
        super().__init__(
            "An Idempotency-Key does not go with a stream. Leave one of them out.", param="stream"
        )


@dataclass(frozen=True, slots=True)
class Shaped:
    """A refusal as it is sent."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


# Under the names that clients of OpenAI's know.
_KNOWN: tuple[tuple[type[DomainError], int, str], ...] = (
    (InputTooLong, 400, "context_length_exceeded"),
    (ContentBlocked, 400, "content_filter"),
    (RequestRefused, 400, "request_refused"),
)
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def shaped(error: DomainError) -> Shaped:
    """Any refusal in OpenAI's form, with the headers that its clients go by."""
    status, code = next(
        ((status, code) for kind, status, code in _KNOWN if isinstance(error, kind)),
        (error.status, error.code),
    )
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    if isinstance(error, QuotaExceeded):
        kind = "insufficient_quota"
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if status == 429 and (error.retry_after is None or error.retry_after > LONGEST_WAIT_FOR_RETRY_SECONDS):
        headers["x-should-retry"] = "false"
    if isinstance(error, InvalidPersonalToken):
        headers["WWW-Authenticate"] = "Bearer"
    param = getattr(error, "param", "") or None
    return Shaped(status, error_body(error.message, kind=kind, code=code, param=param), headers)


def error_body(
    message: str, *, kind: str = "server_error", code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
