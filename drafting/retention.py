"""How long postings, profiles and drafts may be kept. What was worked with lately is not old."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from accounts.retention import Kind
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting


def _drafts(before: datetime) -> QuerySet[Any]:
    """All versions go together: an old one is there to go back to from the newest."""
    newer = Draft.objects.filter(user=OuterRef("user"), series=OuterRef("series"), created_at__gte=before)
    return Draft.objects.filter(~Exists(newer), created_at__lt=before)


def _profiles(before: datetime) -> QuerySet[Any]:
    drafted = Draft.objects.filter(profile=OuterRef("pk"), created_at__gte=before)
    return MasterProfile.objects.filter(~Exists(drafted), updated_at__lt=before)


def _postings(before: datetime) -> QuerySet[Any]:
    drafted = Draft.objects.filter(job=OuterRef("pk"), created_at__gte=before)
    return JobPosting.objects.filter(~Exists(drafted), created_at__lt=before)


KINDS = (
    Kind("job_postings", "Job postings, since they were read or drafted for", _postings),
    Kind("profiles", "Profiles, since they were changed or drafted from", _profiles),
    Kind("drafts", "Drafts, all versions, since the newest", _drafts),
)
