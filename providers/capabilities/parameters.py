"""What single models do not take of what our requests say, found out by being refused, and how a request is
made without it.

Known for the process by address and model, and as data where the model has a row among the capabilities. It
is forgotten after a time: servers learn.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum

from providers.adapters.base import GenerationRequest
from providers.adapters.manner import Manner
from providers.model_names import plain_name

REMEMBERED = timedelta(days=30)
_MOST_MODELS = 1024


class Parameter(StrEnum):
    """A part of a request that can be left out or said otherwise. LIMIT is the name under which the limit of
    the reply is sent; written with a number, `limit=4096`, the most that the model takes."""

    FORM = "form"
    EFFORT = "effort"
    TEMPERATURE = "temperature"
    LIMIT = "limit"
    STORE = "store"
    USAGE = "usage"
    TIER = "tier"
    CACHE = "cache"


# By what names vendors' errors call them. The first that is named is the one.
NAMES: Mapping[Parameter, re.Pattern[str]] = {
    Parameter.TIER: re.compile(r"service_?tier", re.IGNORECASE),
    Parameter.CACHE: re.compile(r"prompt_cache_|cache_control", re.IGNORECASE),
    Parameter.FORM: re.compile(
        r"response_?(format|mime_?type|json_?schema|schema)|text\.format|output_config\.format|output_format|"
        r"json_?schema|json.?mode|structured.?outputs?|guided_json",
        re.IGNORECASE,
    ),
    Parameter.EFFORT: re.compile(r"reasoning|thinking|\beffort\b", re.IGNORECASE),
    Parameter.TEMPERATURE: re.compile(r"\b(temperature|top_?p)\b", re.IGNORECASE),
    Parameter.LIMIT: re.compile(r"max_?(completion_?|output_?)?tokens", re.IGNORECASE),
    Parameter.STORE: re.compile(r"[\"'`]store[\"'`]|^store$", re.IGNORECASE),
    Parameter.USAGE: re.compile(r"stream_options|include_usage", re.IGNORECASE),
}

_Model = tuple[str, str, str]
_refused: OrderedDict[_Model, dict[str, float]] = OrderedDict()


def note(*, provider_type: str, base_url: str, model_name: str, parameter: str) -> None:
    """Remember in this process that the model at this address does not take `parameter`."""
    model = (provider_type, base_url, plain_name(model_name))
    _refused.setdefault(model, {})[parameter] = time.monotonic()
    _refused.move_to_end(model)
    if len(_refused) > _MOST_MODELS:
        _refused.popitem(last=False)


def refused_by(*, provider_type: str, base_url: str, model_name: str) -> frozenset[str]:
    """What this process has found that the model at this address does not take."""
    known = _refused.get((provider_type, base_url, plain_name(model_name)))
    if not known:
        return frozenset()
    oldest = time.monotonic() - REMEMBERED.total_seconds()
    return frozenset(name for name, since in known.items() if since > oldest)


def forget() -> None:
    """Of all models; for tests."""
    _refused.clear()


def still_held(refused: Mapping[str, str], *, today: date) -> frozenset[str]:
    """Of what a row has, by the day on which it was found out, what is not too old."""
    return frozenset(
        name for name, since in refused.items() if date.fromisoformat(since) > today - REMEMBERED
    )


def is_lower_limit(parameter: str, request: GenerationRequest) -> bool:
    """Whether `parameter` is a limit of replies that is lower than the one of the request."""
    name, _, number = parameter.partition("=")
    return name == Parameter.LIMIT and number.isdigit() and 0 < int(number) < request.max_output_tokens


def applied(request: GenerationRequest, refused: Iterable[str]) -> GenerationRequest:
    """The request as a model is asked that does not take `refused`."""
    without = frozenset(refused)
    if not without:
        return request
    largest = [int(number) for name in without for _, is_limit, number in [name.partition("=")] if is_limit]
    return replace(
        request,
        without=without,
        manner=_manner(request.manner, without),
        structured_by_prompt=request.structured_by_prompt or Parameter.FORM in without,
        max_output_tokens=min([request.max_output_tokens, *largest]),
    )


def _manner(manner: Manner, without: frozenset[str]) -> Manner:
    if Parameter.TIER in without:
        manner = replace(manner, service_tier="")
    return replace(manner, cache_for="") if Parameter.CACHE in without else manner


def unheard(request: GenerationRequest, *, takes_temperature: bool) -> tuple[str, ...]:
    """The wishes of the request that a model is not told, by their names."""
    if takes_temperature and Parameter.TEMPERATURE not in request.without:
        return ()
    wishes = {"temperature": request.temperature, "top_p": request.top_p}
    return tuple(name for name, value in wishes.items() if value is not None)
