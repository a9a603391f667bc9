"""What a configuration of LiteLLM's proxy (https://docs.litellm.ai/docs/proxy/configs) says, as our providers
and prices: pure functions over the YAML, and the environment for keys that it names.

A deployment is an entry of `model_list`. Of those with one `model_name` calls are shared, by `order` and
`weight`; `fallbacks` say which model is asked when all of another's have failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from accounts.errors import DomainError
from providers.registry import PROVIDER_TYPES
from usage.moving_in.translation import NotTaken

# LiteLLM's names of vendors, before the slash of `model`: ours, and the address where it is not in ours.
_VENDORS = {
    "openai": ("openai", ""),
    "anthropic": ("claude", ""),
    "gemini": ("gemini", ""),
    "ollama": ("local", "/v1"),
    "ollama_chat": ("local", "/v1"),
    "hosted_vllm": ("local", ""),
    "openai_like": ("local", ""),
    "lm_studio": ("local", ""),
    "llamafile": ("local", ""),
}
# How names of models begin that LiteLLM knows without their vendor.
_FAMILIES = {"gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "claude-": "anthropic"}
_OPENAI = "https://api.openai.com/"
_ENVIRONMENT = "os.environ/"
_LONGEST_FILE = 4 * 1024 * 1024
_MILLION = Decimal(1_000_000)
_MOST_RATE = 2**31 - 1
# Of LiteLLM's prices a token, ours a million.
_PRICES = {
    "input_cost_per_token": "input_mtok",
    "output_cost_per_token": "output_mtok",
    "cache_read_input_token_cost": "cache_read_mtok",
    "cache_creation_input_token_cost": "cache_write_mtok",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h_mtok",
}
_WITHOUT_COUNTERPART = {
    "tpm": "tokens a minute (tpm) are no limit here",
    "max_budget": "its budget (max_budget) is not taken: set a limit in USD",
}
# Between two models of a chain of fallbacks there is room for the order of a model's own deployments.
_STEP = 100

Entry = Mapping[str, Any]


class UnreadableConfig(DomainError):
    code = "unreadable_litellm_config"
    status = 400
    message = "This is no LiteLLM configuration: a YAML file with a model_list. Correct it and try again."


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of the list as a provider of ours. `name` tells it from the file's others in a report,
    `old_id` from all others for ever. `prices` are fields of ModelPrice; empty where the file has none."""

    name: str
    old_id: str
    provider_type: str
    api_key: str = field(repr=False)
    fields: Mapping[str, Any]
    prices: Mapping[str, Decimal]
    noticed: tuple[str, ...]


def read(text: str) -> Entry:
    """The file's content. Raises UnreadableConfig."""
    if len(text) > _LONGEST_FILE:
        raise UnreadableConfig
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        # The parser's message repeats lines of the file, which may hold keys.
        raise UnreadableConfig from None
    if not isinstance(found, dict) or not isinstance(found.get("model_list"), list):
        raise UnreadableConfig
    return found


def deployments(config: Entry, environment: Mapping[str, str]) -> Iterator[tuple[str, Deployment | NotTaken]]:
    """By its name in the report, each entry of the list, or why it is not taken."""
    ranks = _ranks(config)
    seen: dict[str, int] = {}
    for number, entry in enumerate(config["model_list"], start=1):
        model_name = _scalar(entry.get("model_name")) if isinstance(entry, dict) else ""
        name = f"{number}. {model_name or 'without a name'}"
        try:
            if not isinstance(entry, dict) or not isinstance(entry.get("litellm_params"), dict):
                raise NotTaken("no litellm_params")
            identity = _identity(entry, model_name)
            seen[identity] = seen.get(identity, 0) + 1
            old_id = hashlib.sha256(f"{identity}\n{seen[identity]}".encode()).hexdigest()
            yield name, _deployment(entry, name, old_id, ranks.get(model_name, 0), environment)
        except NotTaken as reason:
            yield name, reason


def _deployment(
    entry: dict[str, Any], name: str, old_id: str, rank: int, environment: Mapping[str, str]
) -> Deployment:
    params, info = entry["litellm_params"], entry.get("model_info") or {}
    info = info if isinstance(info, dict) else {}
    if (mode := _scalar(info.get("mode")) or "chat") not in ("chat", "completion", "responses"):
        raise NotTaken(f"it is for {mode[:30]}, which nothing here asks for")
    vendor, model, base_url = _addressed(params, environment)
    api_key = _text(params.get("api_key"), environment)
    if not api_key and not base_url:
        # The vendor's own variable is for the vendor's own address, and for no other.
        api_key = environment.get(PROVIDER_TYPES[vendor].key_variable, "")
    fields: dict[str, Any] = {
        "display_name": (_scalar(entry.get("model_name")) or model)[:200],
        "description": "Moved in from LiteLLM.",
        "model_name": model[:200],
        "base_url": base_url,
        "priority": rank * _STEP - min(_count(params.get("order"), most=_STEP - 1) or 0, _STEP - 1),
        "weight": _count(params.get("weight")) or 1,
        "requests_per_minute": _count(params.get("rpm") or entry.get("rpm")),
        "max_concurrent_calls": _count(params.get("max_parallel_requests")),
    }
    if timeout := _count(params.get("timeout")):
        fields["timeout"] = min(timeout, 600)
    noticed = tuple(what for key, what in _WITHOUT_COUNTERPART.items() if params.get(key) or entry.get(key))
    return Deployment(name, old_id, vendor, api_key, fields, _prices({**info, **params}), noticed)


def _identity(entry: dict[str, Any], model_name: str) -> str:
    info = entry.get("model_info")
    if isinstance(info, dict) and (own := _scalar(info.get("id"))):
        return f"id {own}"
    params = entry["litellm_params"]
    return "\n".join([model_name, _scalar(params.get("model")), _scalar(params.get("api_base"))])


def _addressed(params: dict[str, Any], environment: Mapping[str, str]) -> tuple[str, str, str]:
    """Our provider type, the model as its vendor names it, and the base URL, empty for the vendor's own."""
    written = _text(params.get("model"), environment)
    prefix, slash, model = written.partition("/")
    prefix = (_scalar(params.get("custom_llm_provider")) or (prefix if slash else "")).lower()
    if not slash:
        model = written
        prefix = prefix or next((name for start, name in _FAMILIES.items() if written.startswith(start)), "")
    if not model or "*" in model:
        raise NotTaken("no single model" if model else "no model")
    if prefix not in _VENDORS:
        raise NotTaken(f"a vendor that Aditus has no adapter for: {prefix[:30] or 'none is named'}")
    vendor, path = _VENDORS[prefix]
    base_url = _text(params.get("api_base") or params.get("base_url"), environment).rstrip("/")
    if vendor == "openai" and base_url and not base_url.startswith(_OPENAI):
        vendor = "local"  # Some other server that speaks OpenAI's protocol.
    if base_url and path and not base_url.endswith(path):
        base_url += path
    return vendor, model, base_url


def _text(value: object, environment: Mapping[str, str]) -> str:
    """A value, or the one that the environment has for `os.environ/NAME`."""
    text = _scalar(value)
    if text.startswith(_ENVIRONMENT):
        name = text.removeprefix(_ENVIRONMENT)
        if not environment.get(name):
            raise NotTaken(f"the environment has no {name[:60]}")
        return environment[name].strip()
    return text


def _scalar(value: object) -> str:
    """The value on one line. What is no text or number counts as not given: lists that repeat each other by
    YAML's aliases may be endless as text."""
    text = str(value) if isinstance(value, str | int | float) else ""
    return "".join(sign for sign in text if sign.isprintable()).strip()


def _count(value: object, *, most: int = _MOST_RATE) -> int | None:
    """A whole number above 0, else None."""
    try:
        count = int(float(_scalar(value)))
    except (ValueError, OverflowError):
        return None
    return min(count, most) if count > 0 else None


def _prices(given: Entry) -> dict[str, Decimal]:
    """Fields of a ModelPrice; empty without both of input and output, which it needs."""
    found: dict[str, Decimal] = {}
    for theirs, ours in _PRICES.items():
        if given.get(theirs) is None:
            continue
        try:
            price = Decimal(_scalar(given[theirs])) * _MILLION
        except InvalidOperation:
            raise NotTaken(f"{theirs} is no number") from None
        if not price.is_finite() or not 0 <= price < 10**9:
            raise NotTaken(f"{theirs} cannot be a price")
        found[ours] = price.quantize(Decimal("1e-9"))
    return found if {"input_mtok", "output_mtok"} <= found.keys() else {}


def _ranks(config: Entry) -> dict[str, int]:
    """By model name, its place in the fallbacks from below: a fallback is asked after the model that it
    stands in for. In a circle the model that is named first is above."""
    after: dict[str, list[str]] = {}
    for section in ("litellm_settings", "router_settings"):
        settings = config.get(section)
        for entry in _listed(settings.get("fallbacks") if isinstance(settings, dict) else None):
            for model, following in entry.items() if isinstance(entry, dict) else ():
                names = following if isinstance(following, list) else [following]
                after.setdefault(_scalar(model), []).extend(map(_scalar, names))
    return {name: rank for rank, name in enumerate(_from_below(after))}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _from_below(after: Mapping[str, list[str]]) -> Iterator[str]:
    """Each name once, those that come after it before it."""
    seen: set[str] = set()
    for first in after:
        path = [] if first in seen else [first]
        while path:
            name = path[-1]
            seen.add(name)
            below = next((one for one in reversed(after.get(name, ())) if one not in seen), None)
            if below is None:
                yield path.pop()
            else:
                path.append(below)
