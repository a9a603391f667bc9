"""The error every app raises when it refuses something a person asked for."""

from math import ceil
from typing import Any

from django.db import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout


class DomainError(Exception):
    """A refusal with a stable code and a sentence that tells the person what to do next.

    `code` and `status` (HTTP) belong to the class; `message` may be refined by the raiser and must never
    carry a key, a prompt or a stack trace, because it is shown to the client and stored in logs.
    `details` is JSON-serialisable; `retry_after` is in seconds and becomes the Retry-After header, in whole
    ones and at most `longest_wait`.
    """

    code = "error"
    status = 500
    message = "Something went wrong on our side. Try again; if it persists, report the request id."
    longest_wait = 24 * 60 * 60

    def __init__(
        self,
        message: str | None = None,
        *,
        details: dict[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.message = message or type(self).message
        self.details = details or {}
        self.retry_after = None if retry_after is None else self._whole_seconds(retry_after)
        super().__init__(self.message)

    def _whole_seconds(self, wait: float) -> int:
        # Compared this way round, what is no number is the longest wait too.
        return max(1, ceil(wait)) if wait < self.longest_wait else self.longest_wait


# What is raised while the database cannot be reached, whoever asked it.
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)


class DatabaseUnavailable(DomainError):
    """One of DATABASE_AWAY, as clients are told of it."""

    code = "database_unavailable"
    status = 503
    message = "The database cannot be reached right now. Try again in a few seconds."

    def __init__(self) -> None:
        super().__init__(retry_after=5)


def told(error: BaseException) -> DomainError:
    """What clients are told of an error that nobody foresaw, and which is logged elsewhere."""
    return DatabaseUnavailable() if isinstance(error, DATABASE_AWAY) else DomainError()
