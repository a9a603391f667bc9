"""What every view of the API is made of: how JSON comes in, fields and query parameters that refuse what they
do not know, and how often an address may knock without a token. No view: the framework's own imports this."""

from __future__ import annotations

import codecs
import json
import logging
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from drf_spectacular.utils import OpenApiResponse
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle

from accounts.errors import DomainError
from accounts.nesting import NestedTooDeeply, refuse_deep

logger = logging.getLogger(__name__)

LONGEST_PAGE = 200
NOT_IN_ITS_ENCODING = "The body is not in the encoding it names. Send it as UTF-8."
LARGEST_OFFSET = 10**9
# Python's names of what JSON is sent in (RFC 8259 knows the first alone); its other codecs are no character
# sets, or take a body of two megabytes minutes to read.
_ENCODINGS = frozenset(
    {"utf-8", "ascii", "iso8859-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"}
)
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_NAMES_HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
# More than so many choices are for the description of the API to list.
MOST_TOLD_CHOICES = 40


def refusals(*errors: type[DomainError], rule: str = "") -> dict[int, OpenApiResponse]:
    """For `extend_schema(responses=…)`: what an operation refuses although its description of the request
    allows it, because no description can say why. `rule` is one between fields; a breach is
    `invalid_input`."""
    told: dict[int, list[str]] = {400: [f"`invalid_input`: {rule}"]} if rule else {}
    for error in errors:
        told.setdefault(error.status, []).append(f"`{error.code}`: {error.message}")
    schema = {"$ref": "#/components/schemas/Error"}
    return {status: OpenApiResponse(schema, description=" ".join(lines)) for status, lines in told.items()}


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys it does not know, so that a misspelt field is an error rather than a silent default, and
    says of a value that is none of the choices which those are.

    Holds for nested serializers and lists of them too, because each one checks its own mapping.
    """

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for field in fields.values():
            _tell_choices(getattr(field, "child", field))
        return fields

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(key) for key in data if key not in self.fields)
            if unknown:
                message = "This field is not known here. Remove it, or check its spelling."
                raise serializers.ValidationError({name: [message] for name in unknown}, code="unknown_field")
        return super().to_internal_value(data)


def _tell_choices(field: Any) -> None:
    if isinstance(field, serializers.ChoiceField) and len(field.choices) <= MOST_TOLD_CHOICES:
        # DRF formats it with the value, which is all that may stand in braces.
        known = ", ".join(str(choice) for choice in field.choices).replace("{", "{{").replace("}", "}}")
        field.error_messages["invalid_choice"] = f'"{{input}}" is not a valid choice. Send one of: {known}.'


class ExactlyOneSerializer(StrictSerializer):
    """Its fields are alternatives, none of them required: exactly one is sent."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            *names, last = self.fields
            message = f"Send exactly one of {', '.join(names)} and {last}."
            raise serializers.ValidationError(message, code="one_source")
        return attrs


class PageQuerySerializer(StrictSerializer):
    """Of lists that come in pages; `aditus.pages.Pages` reads the values."""

    limit = serializers.IntegerField(required=False, min_value=1, max_value=LONGEST_PAGE)
    offset = serializers.IntegerField(required=False, min_value=0, max_value=LARGEST_OFFSET)


def valid_query(request: Request, serializer_class: type[StrictSerializer]) -> StrictSerializer:
    """The parameters of a request, valid. ValidationError for others, and for one that is given twice."""
    query = serializer_class(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    if twice := [name for name, values in request.query_params.lists() if len(values) > 1]:
        message = "Give this parameter once."
        raise serializers.ValidationError({name: [message] for name in twice}, code="given_twice")
    return query


class StrictQuery:
    """Mix in before an APIView. `query_serializer_class` names the parameters of GET, none by default; the
    handler finds them valid in `self.query`. Others are a 400 like a field of a body."""

    query_serializer_class: type[StrictSerializer] = StrictSerializer
    query: StrictSerializer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method in {"GET", "HEAD"}:
            self.query = valid_query(request, self.query_serializer_class)


class AnonymousThrottle(AnonRateThrottle):
    """DRF's, which goes by the client's address (`accounts.client_addresses`). Fails open: while the cache is
    away, logins go on, and the lock after wrong passwords, which the database keeps, still holds."""

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return bool(super().allow_request(request, view))
        except (RedisError, OSError):
            logger.warning("The cache is away; anonymous requests are not counted")
            return True


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
        encoding = (parser_context or {}).get("encoding") or settings.DEFAULT_CHARSET
        if not _is_for_json(encoding):
            raise ParseError(NOT_IN_ITS_ENCODING)
        return read_json(bounded(stream, encoding))


def _is_for_json(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name in _ENCODINGS
    except LookupError:
        return False


def read_json(text: str) -> Any:
    """The value that a text of JSON is, held to what JSONParser says."""
    try:
        found = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_twins
        )
        refuse_deep(found)
        if _NAMES_HALF_A_CHARACTER.search(text) and _has_half_a_character(found):
            raise ParseError("A text in the JSON has half of a character, as \\ud800 is. Leave it out.")
    except (RecursionError, NestedTooDeeply):
        raise ParseError(NestedTooDeeply.message) from None
    except json.JSONDecodeError as error:
        raise ParseError(f"This is not JSON: {error}. Correct it and try again.") from None
    except ValueError:
        raise ParseError("A number in the JSON has too many digits. Send a smaller one.") from None
    return found


def _has_half_a_character(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_half_a_character, value)) or any(map(_has_half_a_character, value.values()))
    if isinstance(value, list):
        return any(map(_has_half_a_character, value))
    return isinstance(value, str) and _HALF_A_CHARACTER.search(value) is not None


def bounded(stream: Any, encoding: str) -> str:
    """The body as text. Raises BodyTooLarge, and ParseError when it is not in that encoding."""
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    raw = stream.read(limit + 1)
    if len(raw) > limit:
        raise BodyTooLarge
    try:
        return str(raw, encoding)
    except UnicodeDecodeError:
        raise ParseError(NOT_IN_ITS_ENCODING) from None


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
