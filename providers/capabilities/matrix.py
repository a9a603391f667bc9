"""The capability matrix in the database: reading it, and writing into it what vendors' lists say.

A vendor's word is stored beside an admin's, never over it. Models of one name are one row, whichever server
or key they were listed for; where two lists differ, the more cautious word counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from django.db import transaction
from django.utils import timezone

from providers.adapters.base import ListedModel
from providers.capabilities.facts import FACTS, UNKNOWN, Capabilities, CapabilityMatrix, capabilities_of
from providers.capabilities.parameters import still_held
from providers.model_names import plain_name
from providers.models import AIProviderConfig, ModelCapability, RoutingRevision

Origin = Literal["admin", "vendor", "rule", ""]
Value = bool | int | None

_LONGEST_NAME = 200
_VENDOR_COLUMNS = [f"vendor_{name}" for name in FACTS]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing a model can do or holds, and who says so; None, of nobody, is not known."""

    value: Value
    origin: Origin


@dataclass(frozen=True, slots=True)
class Learned:
    """Names of models that a list brought, described otherwise than before, no longer has, or has again."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


def load_matrix() -> CapabilityMatrix:
    """The matrix as it stands; one query."""
    known, refused, today = {}, {}, timezone.now().date()
    for row in ModelCapability.objects.all():
        if held := still_held(row.refused_parameters, today=today):
            refused[row.provider_type, plain_name(row.model_name)] = held
        facts = facts_of(row)
        if any(fact.origin in {"admin", "vendor"} for fact in facts.values()):
            key = row.provider_type, plain_name(row.model_name)
            known[key] = Capabilities(**{name: f.value for name, f in facts.items() if f.value is not None})  # type: ignore[arg-type]
    return CapabilityMatrix(MappingProxyType(known), MappingProxyType(refused))


def note_refused(*, provider_type: str, model_name: str, parameter: str) -> None:
    """Write down that the model does not take `parameter` (`capabilities.parameters`), if it has a row."""
    with transaction.atomic():
        RoutingRevision.hold()
        for row in ModelCapability.objects.filter(provider_type=provider_type):
            if plain_name(row.model_name) == plain_name(model_name):
                today = timezone.now().date()
                if parameter not in still_held(row.refused_parameters, today=today):
                    row.refused_parameters = row.refused_parameters | {parameter: today.isoformat()}
                    row.save(update_fields=["refused_parameters"])


def facts_of(row: ModelCapability) -> dict[str, Fact]:
    """By the order of trust: the admin, the vendor's list, the rules."""
    by_rule = capabilities_of(row.provider_type, row.model_name)
    facts = {}
    for name in FACTS:
        words: tuple[tuple[Origin, Value], ...] = (
            ("admin", getattr(row, name)),
            ("vendor", getattr(row, f"vendor_{name}")),
            ("rule", None if by_rule == UNKNOWN else getattr(by_rule, name)),
        )
        facts[name] = next((Fact(value, who) for who, value in words if value is not None), Fact(None, ""))
    return facts


def retired_models(provider_type: str) -> frozenset[str]:
    """Plain names of the models that the vendor no longer lists."""
    rows = ModelCapability.objects.filter(provider_type=provider_type, retired_at__isnull=False)
    return frozenset(plain_name(name) for name in rows.values_list("model_name", flat=True))


def learn(*, provider_type: str, lists: Mapping[int, Sequence[ListedModel]], now: datetime) -> Learned:
    """Write down what the vendor's list said to each config (by id) of this type. An empty list says nothing.

    Only the lists of all working configs of the type together can retire a model or widen what was said of
    it: keys see different models, and servers run the same one differently. The revision moves when something
    changed that routing reads.
    """
    said = _merged(models for models in lists.values() if models)
    if not said:
        return Learned()
    heard = [config_id for config_id, models in lists.items() if models]
    with transaction.atomic():
        # Two lists of the same vendor are written one after the other.
        RoutingRevision.hold()
        rows = {
            plain_name(row.model_name): row
            for row in ModelCapability.objects.filter(provider_type=provider_type)
        }
        # A refused key is shown no list, so there is none to wait for.
        in_use = AIProviderConfig.objects.active().filter(provider_type=provider_type, flagged_at=None)
        is_complete = not in_use.exclude(pk__in=heard).exists()
        added = _add(provider_type, [model for name, model in said.items() if name not in rows], now)
        changed = _describe(rows, said, is_complete=is_complete)
        ModelCapability.objects.filter(pk__in=[rows[name].pk for name in said if name in rows]).update(
            seen_at=now
        )
        retired, returned = _retire(rows, said, is_complete=is_complete, now=now)
    return Learned(added, changed, retired, returned)


def _merged(lists: Iterable[Sequence[ListedModel]]) -> dict[str, ListedModel]:
    """By plain name; of what is too long to be named in a config, nothing."""
    said: dict[str, ListedModel] = {}
    for models in lists:
        for model in models:
            if not 0 < len(model.name) <= _LONGEST_NAME:
                continue
            name = plain_name(model.name)
            said[name] = _cautious(said[name], model) if name in said else model
    return said


def _cautious(one: ListedModel, other: ListedModel) -> ListedModel:
    facts = {name: _smaller(getattr(one, name), getattr(other, name)) for name in FACTS}
    return ListedModel(one.name, **facts, is_retired=one.is_retired and other.is_retired)  # type: ignore[arg-type]


def _smaller(one: Value, other: Value) -> Value:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _add(provider_type: str, models: Sequence[ListedModel], now: datetime) -> tuple[str, ...]:
    rows = [
        ModelCapability(
            provider_type=provider_type,
            model_name=model.name,
            seen_at=now,
            retired_at=now if model.is_retired else None,
            **{f"vendor_{name}": getattr(model, name) for name in FACTS},
        )
        for model in models
    ]
    if rows:
        ModelCapability.objects.bulk_create(rows)
    return _names(rows)


def _describe(
    rows: Mapping[str, ModelCapability], said: Mapping[str, ListedModel], *, is_complete: bool
) -> tuple[str, ...]:
    changed = []
    for plain, model in said.items():
        row = rows.get(plain)
        if row is None:
            continue
        before = [getattr(row, column) for column in _VENDOR_COLUMNS]
        after = [getattr(model, name) for name in FACTS]
        if not is_complete:
            after = [_smaller(old, new) for old, new in zip(before, after, strict=True)]
        if after != before:
            for column, value in zip(_VENDOR_COLUMNS, after, strict=True):
                setattr(row, column, value)
            changed.append(row)
    if changed:
        ModelCapability.objects.bulk_update(changed, _VENDOR_COLUMNS)
    return _names(changed)


def _retire(
    rows: Mapping[str, ModelCapability], said: Mapping[str, ListedModel], *, is_complete: bool, now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A row that no list ever had was written by an admin, and is theirs to judge."""
    retired, returned = [], []
    for plain, row in rows.items():
        model = said.get(plain)
        is_gone = model.is_retired if model else is_complete and row.seen_at is not None
        if is_gone and row.retired_at is None:
            retired.append(row)
        elif model and not is_gone and row.retired_at is not None:
            returned.append(row)
    for changed, moment in ((retired, now), (returned, None)):
        if changed:
            ModelCapability.objects.filter(pk__in=[row.pk for row in changed]).update(retired_at=moment)
    return _names(retired), _names(returned)


def _names(rows: Sequence[ModelCapability]) -> tuple[str, ...]:
    return tuple(sorted(row.model_name for row in rows))
