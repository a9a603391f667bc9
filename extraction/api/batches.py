"""Extraction while nobody waits."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from extraction.api.serializers import ExtractRequestSerializer, extraction_body
from extraction.extractor import extract
from orchestration.batches.kinds import Answer, Kind

EXTRACT = "extract"


def _check(given: Any) -> None:
    ExtractRequestSerializer(data=given).is_valid(raise_exception=True)


async def _answer(user: User, given: Any) -> Answer:
    extraction = await extract(user=user, **given)
    return Answer(200 if extraction.is_known else 201, extraction_body(extraction))


KIND = Kind(EXTRACT, _check, _answer)
