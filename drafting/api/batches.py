"""Drafting while nobody waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from accounts.concurrency import in_database_thread
from accounts.models import User
from drafting.api.import_serializers import ImportItemSerializer, import_body
from drafting.api.living_serializers import RegenerateItemSerializer
from drafting.api.serializers import DraftInputSerializer, DraftSerializer
from drafting.drafter import draft_cv, load_source, write_letter
from drafting.errors import SourceNotFound
from drafting.imports.documents import Document
from drafting.imports.importer import import_profile
from drafting.models import Draft
from drafting.regenerating import regenerate
from orchestration.batches.kinds import Answer, Kind
from orchestration.calls.heard import Hear

CV, LETTER, REGENERATE, IMPORT = "cv_draft", "cover_letter", "regenerate", "profile_import"


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


def _own_draft(user: User, pk: int) -> Draft:
    draft = Draft.objects.filter(user=user, pk=pk).first()
    if draft is None:
        raise SourceNotFound(details={"field": "draft_id"})
    return draft


def _check_section(given: Any) -> None:
    RegenerateItemSerializer(data=given).is_valid(raise_exception=True)


async def _section(user: User, given: Any) -> Answer:
    serializer = RegenerateItemSerializer(data=given)
    serializer.is_valid(raise_exception=True)
    chosen = dict(serializer.validated_data)
    draft = await in_database_thread(_own_draft, user, chosen.pop("draft_id"))
    return Answer(201, DraftSerializer(await regenerate(user=user, draft=draft, **chosen)).data)


def _check_cv(given: Any) -> None:
    ImportItemSerializer(data=given).is_valid(raise_exception=True)


async def _import(user: User, given: Any) -> Answer:
    read = await import_profile(user=user, document=Document(given["kind"], given["text"]))
    return Answer(200, import_body(read))


KINDS = (
    Kind(CV, _check, _cv),
    Kind(LETTER, _check, _letter),
    Kind(REGENERATE, _check_section, _section),
    Kind(IMPORT, _check_cv, _import),
)
