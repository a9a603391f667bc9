"""The error every app raises when it refuses something a person asked for."""

from typing import Any


class DomainError(Exception):
    """A refusal with a stable code and a sentence that tells the person what to do next.

    `code` and `status` (HTTP) belong to the class; `message` may be refined by the raiser and must never
    carry a key, a prompt or a stack trace, because it is shown to the client and stored in logs.
    `details` is JSON-serialisable; `retry_after` is in whole seconds and becomes the Retry-After header.
    """

    code = "error"
    status = 500
    message = "Something went wrong on our side. Try again; if it persists, report the request id."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.message = message or type(self).message
        self.details = details or {}
        self.retry_after = retry_after
        super().__init__(self.message)
