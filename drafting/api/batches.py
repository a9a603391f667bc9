"""Drafting while nobody waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from accounts.concurrency import in_database_thread
from accounts.models import User
from drafting.api.serializers import DraftInputSerializer, DraftSerializer
from drafting.drafter import draft_cv, load_source, write_letter
from drafting.models import Draft
from orchestration.batches.kinds import Answer, Kind
from orchestration.calls.heard import Hear

CV, LETTER = "cv_draft", "cover_letter"


async def drafted(
    generate: Callable[..., Awaitable[Draft]], user: User, given: Any, hear: Hear | None = None
) -> Any:
    """What the endpoint answers with."""
    serializer = DraftInputSerializer(data=given)
    serializer.is_valid(raise_exception=True)
    source = await in_database_thread(load_source, user=user, **serializer.sources)
    return DraftSerializer(
        await generate(user=user, source=source, options=serializer.options, hear=hear)
    ).data


def _check(given: Any) -> None:
    DraftInputSerializer(data=given).is_valid(raise_exception=True)


async def _cv(user: User, given: Any) -> Answer:
    return Answer(201, await drafted(draft_cv, user, given))


async def _letter(user: User, given: Any) -> Answer:
    return Answer(201, await drafted(write_letter, user, given))


KINDS = (Kind(CV, _check, _cv), Kind(LETTER, _check, _letter))
