"""JSON log lines with the request id, from which secrets are taken out."""

import logging
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from django_guid.integrations import CeleryIntegration
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter as BaseJsonFormatter

from providers.redaction import MASK, redact

# django-guid's settings: the id of a request in its log lines, its reply and the tasks it sends.
REQUEST_IDS: dict[str, Any] = {
    "GUID_HEADER_NAME": "X-Request-ID",
    "VALIDATE_GUID": True,
    "RETURN_HEADER": True,
    "EXPOSE_HEADER": False,
    # A task logs under the id of the request that sent it, in the format of the web processes.
    "INTEGRATIONS": [CeleryIntegration(use_django_logging=True)],
}
# Masked by name whatever the value looks like.
_SECRET_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "x-api-key", "x-goog-api-key"})
_SECRET_NAMES = _SECRET_HEADERS | {"api_key", "apikey", "otp", "password", "secret", "token"}


class JsonFormatter(BaseJsonFormatter):
    """One JSON object a line: time (UTC), level, logger, message, request_id, and what `extra` carried."""

    def __init__(self) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}{request_id}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            # uvicorn's second copy of its message, for terminals.
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        # Message, traceback and extras are all in here, not yet escaped as JSON.
        return {key: _clean(key, value) for key, value in log_data.items()}


def _clean(key: str, value: Any) -> Any:
    """The value as plain JSON types with every secret masked."""
    if key.lower() in _SECRET_NAMES:
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(name)): _clean(str(name), item) for name, item in value.items()}
    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes):
        return [_clean("", item) for item in value]
    try:
        return redact(str(value))
    except Exception:  # noqa: BLE001 - a log line must not fail because somebody's __str__ does
        return f"<{type(value).__name__}>"


def console_logging(*, level: str) -> dict[str, Any]:
    """Django's LOGGING: every logger of every process writes this format to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {
                "()": "django_guid.log_filters.CorrelationId",
                "correlation_id_field": "request_id",
            },
        },
        "formatters": {"json": {"()": "aditus.logs.JsonFormatter"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "filters": ["request_id"],
                "formatter": "json",
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django": {"level": "INFO"},
            "django_guid": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            # Whatever the level of the rest: it anchors the audit trail.
            "accounts.audit": {"level": "INFO"},
            "django.server": {"handlers": ["console"], "propagate": False},
            # uvicorn puts handlers of its own on these before it loads the application.
            "uvicorn": {"handlers": ["console"], "propagate": False},
            "uvicorn.access": {"handlers": ["console"], "propagate": False},
            # The SDKs log request bodies at DEBUG: prompts and CVs do not belong in logs at any level.
            "openai": {"level": "WARNING"},
            "anthropic": {"level": "WARNING"},
            "google_genai": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
        },
    }
