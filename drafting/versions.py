"""Drafts are kept in versions: the same kind from the same posting and profile is the next of its series."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from drafting.models import Draft
from orchestration.calls.results import GenerationResult, usage_body


def series_of(*, kind: str, job: object, profile: object, variant: str = "") -> str:
    """The digest that versions of one draft share. A posting or profile is named by its id, or, when it was
    sent along with the request, by its content. A `variant` is a series of its own."""
    key = json.dumps([kind, job, profile, *filter(None, [variant])], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(key.encode()).hexdigest()


def save_next_version(draft: Draft, *, result: GenerationResult, cost_usd: Decimal | None) -> Draft:
    """Store an unsaved draft, whose `series` is set, with the account of the call that wrote it. `cost_usd`
    is that of all calls made for it."""
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
    with transaction.atomic():
        _wait_for_turn(draft.user_id)
        siblings = Draft.objects.filter(user_id=draft.user_id, series=draft.series)
        draft.version = (siblings.aggregate(last=Max("version"))["last"] or 0) + 1
        draft.save(force_insert=True)
    return draft


def _wait_for_turn(user_id: int) -> None:
    """Let one draft of a user be numbered at a time, by a lock on the user's row that others may refer to
    meanwhile. SQLite has no row locks; its transactions wait for one another from the start."""
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=user_id)
