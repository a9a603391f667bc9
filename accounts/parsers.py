"""How JSON comes in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "body_too_large"
    default_detail = "This is more than is read at once. Send less, or in several requests."


class JSONParser(BaseParser):
    """Takes what RFC 8259 calls interoperable, and bounds what it reads: a number that no float can hold, a
    name that is given twice, of which readers differ about the meaning, and input that is nested too deeply
    are refused with ParseError, more than DATA_UPLOAD_MAX_MEMORY_SIZE bytes with BodyTooLarge."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw = _bounded(stream, (parser_context or {}).get("encoding") or settings.DEFAULT_CHARSET)
        try:
            return json.loads(
                raw, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_twins
            )
        except RecursionError:
            raise ParseError("The JSON is nested too deeply. Flatten it and try again.") from None
        except json.JSONDecodeError as error:
            raise ParseError(f"This is not JSON: {error}. Correct it and try again.") from None
        except ValueError:
            raise ParseError("A number in the JSON has too many digits. Send a smaller one.") from None


def _bounded(stream: Any, encoding: str) -> str:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise BodyTooLarge
    try:
        return str(raw, encoding)
    except (UnicodeDecodeError, LookupError):
        raise ParseError("The body is not in the encoding it names. Send it as UTF-8.") from None


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ParseError("A number in the JSON is too large to be read. Send a smaller one.")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not JSON. Send a number, or null.")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ParseError(f"The name {name[:100]!r} is given twice in one object. Send it once.")
        found[name] = value
    return found
