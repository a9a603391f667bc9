"""One JSON object a line, under the request's id, and never a key in it."""

import json
import logging
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django_guid import clear_guid, set_guid
from django_guid.log_filters import CorrelationId

from aditus.logs import JsonFormatter
from providers.redaction import MASK, remember_secret

SHAPED = "sk-canary-0123456789abcdef"
# No vendor's shape, and with characters that JSON escapes.
ODD = 'odd"canary\\key-é-0123456789'


@pytest.fixture
def lines():
    """A logger set up as the console is; returns it and the lines it wrote."""
    written = []

    class Keep(logging.Handler):
        def emit(self, record):
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(JsonFormatter())
    handler.addFilter(CorrelationId(correlation_id_field="request_id"))
    logger = logging.getLogger("tests.redaction")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, written
    logger.removeHandler(handler)
    logger.propagate = True


class Unprintable:
    def __str__(self):
        raise RuntimeError(ODD)


class Holder:
    def __init__(self, secret):
        self.secret = secret

    def __repr__(self):
        return f"<Holder {self.secret}>"


def log_exception(logger, secret):
    try:
        raise ValueError(secret)
    except ValueError:
        logger.exception("failed")


def log_cause(logger, secret):
    try:
        try:
            raise ValueError(secret)
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        logger.exception("failed")


PLACES = {
    "message": lambda logger, secret: logger.error("calling with " + secret),  # noqa: G003 - the point of it
    "argument": lambda logger, secret: logger.error("calling with %s", secret),
    "extra": lambda logger, secret: logger.error("calling", extra={"header": secret}),
    "nested extra": lambda logger, secret: logger.error(
        "calling", extra={"request": {"headers": [("x", secret), {"y": secret}]}}
    ),
    "object": lambda logger, secret: logger.error("calling", extra={"holder": Holder(secret)}),
    "key": lambda logger, secret: logger.error("calling", extra={"map": {secret: 1}}),
    "exception": log_exception,
    "cause": log_cause,
}


@pytest.mark.parametrize("secret", [SHAPED, ODD], ids=["a vendor's shape", "any other text"])
@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_masked_wherever_it_is(lines, secret, place):
    logger, written = lines
    remember_secret(ODD)

    PLACES[place](logger, secret)

    assert len(written) == 1
    assert "canary" not in written[0]
    assert MASK in json.dumps(json.loads(written[0]))


@pytest.mark.parametrize("name", ["api_key", "password", "Authorization", "x-goog-api-key", "otp"])
def test_a_field_with_a_telling_name_is_masked_whatever_it_holds(lines, name):
    logger, written = lines

    logger.info("calling", extra={"headers": {name: "hunter2"}})

    assert json.loads(written[0])["headers"] == {name: MASK}


def test_a_line_has_time_level_logger_message_and_request_id(lines):
    logger, written = lines
    set_guid("0123456789abcdef0123456789abcdef")

    logger.warning("read %d rows", 3, extra={"rows": 3, "ratio": 0.5, "first": None})

    clear_guid()
    line = json.loads(written[0])
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "tests.redaction",
        "message": "read 3 rows",
        "request_id": "0123456789abcdef0123456789abcdef",
        "rows": 3,
        "ratio": 0.5,
        "first": None,
    }


def test_an_object_that_cannot_be_printed_does_not_lose_the_line(lines):
    logger, written = lines

    logger.info("odd", extra={"thing": Unprintable()})

    assert json.loads(written[0])["thing"] == "<Unprintable>"


def test_the_console_writes_this_format_for_every_logger():
    console = settings.LOGGING["handlers"]["console"]

    assert console["formatter"] == "json"
    assert settings.LOGGING["formatters"]["json"]["()"] == "aditus.logs.JsonFormatter"
    assert settings.LOGGING["root"]["handlers"] == ["console"]
    assert all(
        logger.get("handlers", ["console"]) == ["console"] for logger in settings.LOGGING["loggers"].values()
    )


def test_a_line_that_cannot_be_formatted_is_not_printed_past_the_redaction(capsys):
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    record = logging.LogRecord("x", logging.INFO, str(Path(__file__)), 1, "%d", (SHAPED,), None)

    handler.handle(record)

    assert "canary" not in capsys.readouterr().err


def test_a_request_keeps_the_id_it_came_with():
    request_id = "3f1c2a4b5d6e4f708192a3b4c5d6e7f8"

    response = Client().get("/healthz", headers={"X-Request-ID": request_id})

    assert response["X-Request-ID"] == request_id


def test_a_request_with_a_made_up_id_gets_a_new_one():
    response = Client().get("/healthz", headers={"X-Request-ID": "x'; drop table"})

    assert len(response["X-Request-ID"]) == 32
    assert response["X-Request-ID"].isalnum()
