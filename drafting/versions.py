"""Drafts are kept in versions: the same kind from the same posting and profile is the next of its series, and
so is what became of a draft by editing, restoring or writing a section anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from drafting.errors import DraftSuperseded
from drafting.models import Draft, MadeBy
from orchestration.calls.question import GenerationResult, usage_body

_OF_THE_ROW = frozenset({"id", "version", "created_at"})


def series_of(*, kind: str, job: object, profile: object, variant: str = "") -> str:
    """The digest that versions of one draft share. A posting or profile is named by its id, or, when it was
    sent along with the request, by its content. A `variant` is a series of its own."""
    key = json.dumps([kind, job, profile, *filter(None, [variant])], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(key.encode()).hexdigest()


def account_for(draft: Draft, *, result: GenerationResult, cost_usd: Decimal | None) -> None:
    """Put the account of the call that wrote an unsaved draft into it. `cost_usd` is that of all calls made
    for it."""
    draft.provider_type = result.provider_type
    draft.provider_name = result.provider_name
    draft.model_name = result.model_name
    draft.request_id = result.request_id
    draft.usage = usage_body(result)
    draft.cost_usd = cost_usd
    draft.latency_ms = result.latency_ms
    draft.attempts = result.attempts
    draft.degraded = list(result.degraded)
    draft.quota_warnings = [warning.as_dict() for warning in result.quota_warnings]


def save_next_version(draft: Draft) -> Draft:
    """Store an unsaved draft, whose `series` and account are set."""
    with transaction.atomic():
        _wait_for_turn(draft.user_id)
        newest = _versions(draft).first()
        draft.version = (newest.version if newest else 0) + 1
        draft.save(force_insert=True)
    return draft


def save_after(base: Draft, build: Callable[[Draft], Draft]) -> Draft:
    """Store what `build` makes of the newest version of the series of `base`, as the version after it.

    `build` is called while no other version can be made, and may raise to refuse; it must ask nobody.
    Raises DraftSuperseded when `base` was deleted.
    """
    with transaction.atomic():
        _wait_for_turn(base.user_id)
        newest = _versions(base).first()
        if newest is None or not _versions(base).filter(pk=base.pk).exists():
            raise DraftSuperseded
        draft = build(newest)
        draft.version = newest.version + 1
        draft.save(force_insert=True)
    return draft


def require_newest(draft: Draft, newest: Draft | None = None) -> None:
    """Raise DraftSuperseded unless the draft is the newest version of its series."""
    newest = newest or _versions(draft).first()
    if newest is None or newest.pk != draft.pk:
        raise DraftSuperseded(details={"draft_id": newest.pk, "version": newest.version} if newest else {})


def copy_of(draft: Draft, *, made_by: MadeBy) -> Draft:
    """An unsaved copy for which no call was made. Provider, model and request stay those that wrote what is
    not the person's."""
    fields = [one.attname for one in Draft._meta.concrete_fields if one.attname not in _OF_THE_ROW]
    copy = Draft(**{name: getattr(draft, name) for name in fields})
    copy.made_by, copy.made_from = made_by, draft.version
    copy.calls, copy.usage, copy.cost_usd = [], usage_body(None), Decimal(0)
    copy.latency_ms = copy.attempts = 0
    return copy


def restore(draft: Draft) -> Draft:
    """Make an old version the newest one, as a copy; the newest is returned as it is."""
    newest = _versions(draft).first()
    if newest is not None and newest.pk == draft.pk:
        return draft
    return save_after(draft, lambda _: copy_of(draft, made_by=MadeBy.RESTORE))


def _versions(draft: Draft) -> QuerySet[Draft]:
    """All versions of its series, newest first."""
    return Draft.objects.filter(user_id=draft.user_id, series=draft.series).order_by("-version")


def _wait_for_turn(user_id: int) -> None:
    """Let one draft of a user be numbered at a time, by a lock on the user's row that others may refer to
    meanwhile. SQLite has no row locks; its transactions wait for one another from the start."""
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=user_id)
