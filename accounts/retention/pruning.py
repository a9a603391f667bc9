"""Forgetting what is older than its rule lets it be."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.audit import Actor, record
from accounts.models import RetentionRule
from accounts.retention.kinds import KINDS, Kind

PRUNED = "retention.pruned"


@dataclass(frozen=True, slots=True)
class Pruned:
    """`rows` of the kind that were older than `before`, and are forgotten or would be."""

    kind: Kind
    days: int
    before: datetime
    rows: int


def due(*, now: datetime, kinds: Collection[str] = ()) -> list[Pruned]:
    """What `prune` would forget, by rule; all rules unless `kinds` names some. Changes nothing."""
    return [replace(one, rows=one.kind.old(one.before).count()) for one in _in_force(now, kinds)]


def prune(*, actor: Actor, now: datetime, kinds: Collection[str] = ()) -> list[Pruned]:
    """Forget what is too old by the rules in force, in short transactions, each with its entry in the audit
    trail. Running it twice or in parallel is safe; one that is stopped goes on with its next run."""
    return [replace(one, rows=_prune(one, actor)) for one in _in_force(now, kinds)]


def _in_force(now: datetime, kinds: Collection[str]) -> list[Pruned]:
    # A row of a kind that is not installed any more is nobody's to hold to; a shorter time than the least is
    # refused by the form, and written by nobody else.
    return [
        Pruned(kind, days, now - timedelta(days=days), 0)
        for rule in RetentionRule.objects.order_by("kind")
        if (kind := KINDS.get(rule.kind)) and (not kinds or rule.kind in kinds)
        for days in [max(rule.days, kind.least_days)]
    ]


def _prune(one: Pruned, actor: Actor) -> int:
    if one.kind.forget_sums is not None and (sums := one.kind.forget_sums(one.before)):
        _record(one, actor, sums=[sums, 0])
    rows, last = 0, None
    while found := _prune_some(one, last, actor):
        rows, last = rows + len(found), found[-1]
    return rows


@transaction.atomic
def _prune_some(one: Pruned, last: Any, actor: Actor) -> list[Any]:
    """The keys of the next rows, which are forgotten; what another run holds is left to it."""
    rows = one.kind.old(one.before).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    if one.kind.lockable:
        rows = rows.select_for_update(skip_locked=True)
    keys = list(rows.values_list("pk", flat=True)[: one.kind.chunk])
    if keys:
        one.kind.forget(rows.model._base_manager.filter(pk__in=keys))
        _record(one, actor, rows=[len(keys), 0])
    return keys


def _record(one: Pruned, actor: Actor, **numbers: list[int]) -> None:
    changes: dict[str, list[Any]] = {**numbers, "before": [None, one.before]}
    record(action=PRUNED, actor=actor, target_label=one.kind.label, changes=changes)
