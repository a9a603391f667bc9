"""What a person has here: to take away as one archive, and to delete."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from axes.models import AccessAttempt
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import (
    AuditEntry,
    Authenticator,
    IdempotencyKey,
    PersonalToken,
    Subscription,
    TokenFamily,
    User,
)
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from orchestration.models import Batch, BatchItem, CallFeedback
from usage.models import AIProviderUsageLog, QuotaRule

# An archive up to this size is made in memory.
_IN_MEMORY_BYTES = 4 * 1024 * 1024

_ACCOUNT = ("id", "email", "full_name", "role", "time_zone", "is_active", "date_joined", "last_login")
_SUBSCRIPTION = ("plan", "status", "started_at", "current_period_end")
_TOKEN = (
    "name", "hint", "tasks", "model_names", "daily_token_limit", "monthly_token_limit",
    "daily_cost_limit_usd", "monthly_cost_limit_usd", "requests_per_minute", "max_concurrent_calls",
    "created_at", "expires_at", "last_used_at", "revoked_at",
)  # fmt: skip
_CALL = (
    "created_at", "settled_at", "request_id", "attempt", "task_type", "plan", "provider_type", "model_name",
    "reported_model", "status", "error_kind", "input_tokens", "cached_tokens", "cache_write_tokens",
    "output_tokens", "reasoning_tokens", "total_tokens", "usage_source", "estimated_cost_usd", "latency_ms",
    "cached",
)  # fmt: skip
_ATTEMPT = ("attempt_time", "ip_address", "user_agent", "path_info", "failures_since_start")
_ITEM = ("number", "state", "given", "status", "answer", "ended_at")
_README = """What Aditus has of you.

account.json       the account and its plan; limits of its own, logins and wrong attempts at one,
                   authenticators and access tokens (without their secrets)
profiles/          your profiles as JSON Resume, https://jsonresume.org
drafts/            your CVs (`content` is a JSON Resume) and letters, every version with what it was made from
batches/           requests that were answered while you did not wait, with their answers
job-postings/      the postings that were read for you, with where each value came from
calls.ndjson       one line for each attempt at an AI provider that was made for you, in UTC and USD
kept-answers.ndjson
                   one line for each answer that is kept for a day because its request had an Idempotency-Key
feedback.json      your ratings
audit.json         what the audit trail says that you did, or that was done to your account
"""


def archive_of(user: User) -> IO[bytes]:
    """A ZIP file of all that is kept about the person, at its start; secrets and keys are left out, and what
    a vendor is working on, which is sealed until its batch has the answer. Its README.txt says what is
    where."""
    file: IO[bytes] = SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - the caller's to close
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        archive.writestr("account.json", _json(_account(user)))
        for name, content in _documents(user):
            archive.writestr(name, _json(content))
        with archive.open(_entry_of_now("calls.ndjson"), "w") as calls:
            for row in _rows(AIProviderUsageLog.objects.filter(user=user), *_CALL):
                calls.write(_json(row, indent=None) + b"\n")
        with archive.open(_entry_of_now("kept-answers.ndjson"), "w") as answers:
            for row in _kept_answers(user):
                answers.write(_json(row, indent=None) + b"\n")
        ratings = CallFeedback.objects.filter(user=user)
        archive.writestr(
            "feedback.json", _json(list(_rows(ratings, "request_id", "rating", "created_at", "updated_at")))
        )
        archive.writestr("audit.json", _json(list(_audit(user))))
    file.seek(0)
    return file


def _entry_of_now(name: str) -> ZipInfo:
    """What is written piece by piece would be said to be of 1980."""
    entry = ZipInfo(name, time.localtime()[:6])
    entry.compress_type = ZIP_DEFLATED
    return entry


def _account(user: User) -> dict[str, Any]:
    plans = _rows(Subscription.objects.filter(user=user), *_SUBSCRIPTION)
    limits = _rows(QuotaRule.objects.filter(user=user), "task", "unit", "period", "limit")
    logins = _rows(TokenFamily.objects.filter(user=user), "started_at", "ended_at")
    factors = _rows(Authenticator.objects.filter(user=user), "name", "confirmed_at")
    attempts = _rows(AccessAttempt.objects.filter(username=user.email), *_ATTEMPT)
    tokens = _rows(PersonalToken.objects.filter(user=user), *_TOKEN)
    return {name: getattr(user, name) for name in _ACCOUNT} | {
        "subscription": list(plans),
        "limits": list(limits),
        "logins": list(logins),
        "authenticators": list(factors),
        "access_tokens": list(tokens),
        "wrong_log_ins": list(attempts),
    }


def _documents(user: User) -> Iterator[tuple[str, Any]]:
    for profile in MasterProfile.objects.filter(user=user).order_by("pk").iterator(chunk_size=50):
        yield f"profiles/{profile.pk}.json", profile.resume
    for batch in _all(Batch.objects.filter(user=user)):
        items = _rows(BatchItem.objects.filter(batch=batch["id"]), *_ITEM)
        yield f"batches/{batch['id']}.json", batch | {"items": list(items)}
    for folder, model in (("drafts", Draft), ("job-postings", JobPosting)):
        for row in _all(model.objects.filter(user=user)):
            yield f"{folder}/{row['id']}.json", row


def _kept_answers(user: User) -> Iterator[Mapping[str, Any]]:
    kept = IdempotencyKey.objects.filter(user=user, status__isnull=False)
    for row in _rows(kept, "key", "created_at", "status", "body"):
        yield {**row, "body": json.loads(row["body"])}


def _audit(user: User) -> Iterator[Mapping[str, Any]]:
    entries = AuditEntry.objects.filter(
        Q(actor=user) | Q(target_type=user._meta.label_lower, target_id=str(user.pk))
    )
    return _rows(
        entries, "number", "created_at", "action", "outcome", "door", "ip_address", "user_agent", "changes"
    )


def _rows(rows: QuerySet[Any], *fields: str) -> Iterator[Mapping[str, Any]]:
    return rows.order_by("pk").values(*fields).iterator(chunk_size=2000)


def _all(rows: QuerySet[Any]) -> Iterable[dict[str, Any]]:
    return rows.order_by("pk").values().iterator(chunk_size=50)


def _json(content: Any, indent: int | None = 2) -> bytes:
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=indent).encode()


def delete_profile(profile: MasterProfile, *, with_drafts: bool) -> dict[str, int]:
    """Delete a profile and, when asked to, all that was drafted from it; otherwise the drafts stay, which
    hold copies of what they were made from. How many drafts were `drafts_deleted` and `drafts_kept`."""
    with transaction.atomic():
        drafts = Draft.objects.filter(profile=profile)
        count = drafts.count()
        if with_drafts:
            drafts.delete()
        profile.delete()
    deleted = count if with_drafts else 0
    return {"drafts_deleted": deleted, "drafts_kept": count - deleted}
