"""Keeping job postings, each of a user's once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import User
from extraction.models import JobPosting
from extraction.schema import JobData
from extraction.values.dates import find_dates
from extraction.values.money import find_salaries
from extraction.vocabulary import comparable
from orchestration.calls.question import GenerationResult

MAX_NAME = 300
MAX_KEY = 500
# Of two readings of one address, the share of lines that must be the same for one posting: a word that
# somebody corrected makes no other job.
SAME_SHARE = 0.9
LEAST_LINES = 3
# Characters of a line that may count visitors or days.
MAX_COUNTER = 40


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a posting is known again. `content_hash` is the SHA-256 of what it says, in hex; `address_key`
    is empty for what was pasted or uploaded; `text` is compared where only the address is the same."""

    content_hash: str
    address_key: str = ""
    text: str = field(default="", repr=False)


def find_known(user: User, identity: Identity) -> JobPosting | None:
    """The user's posting that this is, if there is one. Reads the database."""
    mine = JobPosting.objects.filter(user=user)
    if same := mine.filter(fingerprint=identity.content_hash).first():
        return same
    if not identity.address_key:
        return None
    at_address = mine.filter(address_key=identity.address_key[:MAX_KEY])[:5]
    return next((kept for kept in at_address if _says_the_same(kept, identity.text)), None)


def _says_the_same(kept: JobPosting, text: str) -> bool:
    before, now = _lines(str(kept.data.get("description") or "")), _lines(text)
    if len(before) < LEAST_LINES or len(now) < LEAST_LINES:
        return False
    return len(before & now) >= SAME_SHARE * max(len(before), len(now))


def _lines(text: str) -> set[str]:
    lines = (comparable(line) for line in text.split("\n") if not _is_counter(line))
    return {words for words in lines if words}


def _is_counter(line: str) -> bool:
    """ "1,204 views", "3 days ago": a short line with a figure that is neither pay nor a date. To be asked at
    one and the same address only: elsewhere "Ward 3" and "Ward 5" are two jobs."""
    if len(line) > MAX_COUNTER or not any(map(str.isdigit, line)):
        return False
    return not find_salaries(line, trusted=True) and not find_dates(line)


def save(
    *,
    user: User,
    kind: str,
    source_url: str,
    identity: Identity,
    data: JobData,
    sources: dict[str, str],
    evidence: dict[str, str],
    warnings: list[dict[str, Any]],
    request_id: str,
    result: GenerationResult | None,
) -> tuple[JobPosting, bool]:
    """Store a record and say True, or find the same posting, stored meanwhile by another request, and say
    False. `result` is the model call it came from, if any."""
    posting = JobPosting(
        user_id=user.pk,
        source_kind=kind,
        source_url=source_url,
        content_hash=identity.content_hash,
        fingerprint=identity.content_hash,
        address_key=identity.address_key[:MAX_KEY],
        title=(data.title or "")[:MAX_NAME],
        hiring_organization=(data.hiring_organization or "")[:MAX_NAME],
        data=data.model_dump(mode="json"),
        sources=sources,
        evidence=evidence,
        warnings=warnings,
        request_id=request_id[:36],
        provider_type=result.provider_type if result else "",
        model_name=result.model_name[:200] if result else "",
    )
    return _saved_once(posting)


def _saved_once(posting: JobPosting) -> tuple[JobPosting, bool]:
    try:
        # In a transaction of its own: PostgreSQL ends the one in which an insert was refused.
        with transaction.atomic():
            posting.save()
    except IntegrityError:
        same = JobPosting.objects.filter(user_id=posting.user_id, fingerprint=posting.fingerprint).first()
        if same is None:
            raise
        return same, False
    return posting, True
