"""Keeping job postings."""

from __future__ import annotations

from typing import Any

from accounts.concurrency import in_database_thread
from accounts.models import User
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.calls.results import GenerationResult

MAX_NAME = 300


async def save(
    *,
    user: User,
    kind: str,
    source_url: str,
    content_hash: str,
    data: JobData,
    sources: dict[str, str],
    warnings: list[dict[str, Any]],
    request_id: str,
    result: GenerationResult | None,
) -> JobPosting:
    """Store a record; `result` is the model call it came from, None when there was none."""
    posting = JobPosting(
        user_id=user.pk,
        source_kind=kind,
        source_url=source_url,
        content_hash=content_hash,
        title=(data.title or "")[:MAX_NAME],
        hiring_organization=(data.hiring_organization or "")[:MAX_NAME],
        data=data.model_dump(mode="json"),
        sources=sources,
        warnings=warnings,
        request_id=request_id[:36],
        provider_type=result.provider_type if result else "",
        model_name=result.model_name[:200] if result else "",
    )
    await in_database_thread(posting.save)
    return posting
