"""The profile a user keeps, and what was drafted from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import models

from extraction.models import JobPosting


class MasterProfile(models.Model):
    """`resume` is a JSON Resume v1.0.0 as `drafting.resume` read and normalised it on the way in. `name` is
    the user's own label for it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profiles")
    name = models.CharField(max_length=200)
    resume = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "master_profiles"
        ordering = ["-updated_at", "-id"]
        indexes = [models.Index(fields=["user", "-updated_at"], name="master_profiles_user_updated")]

    def __str__(self) -> str:
        return self.name


class Kind(models.TextChoices):
    CV = "cv", "CV"
    COVER_LETTER = "cover_letter", "Cover letter"


class MadeBy(models.TextChoices):
    """What made a version of a draft."""

    DRAFT = "draft", "Drafting"
    EDIT = "edit", "A person's edit"
    RESTORE = "restore", "Restoring a version"
    REGENERATE = "regenerate", "Writing a section anew"


class Draft(models.Model):
    """One version of a CV or letter; never changed once made.

    `series` is the digest of what makes two drafts versions of each other: kind, posting and profile.
    `content` is a JSON Resume (CV) or a letter as `drafting.letter.Letter` describes it. `changes` and
    `grounding` say what was done to the profile's facts and which of the model's texts were refused, `proofs`
    what vouches for each sentence that is printed, or that the person wrote it. `report` compares posting and
    profile, and has the CV's warnings and number of pages. `calls` are all calls made for it: writer, repair,
    reader; the columns below describe the first, but `cost_usd` is that of all, and null when the price of
    any attempt is unknown. `degraded` is GenerationResult's. `made_from` is the version that an edit, a
    restoration or a new section was made from.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    series = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    made_by = models.CharField(
        max_length=10, choices=MadeBy.choices, default=MadeBy.DRAFT, db_default=MadeBy.DRAFT
    )
    made_from = models.PositiveIntegerField(null=True)
    job = models.ForeignKey(JobPosting, on_delete=models.SET_NULL, null=True, related_name="drafts")
    profile = models.ForeignKey(MasterProfile, on_delete=models.SET_NULL, null=True, related_name="drafts")
    title = models.CharField(max_length=300, blank=True)
    hiring_organization = models.CharField(max_length=300, blank=True)
    parameters = models.JSONField(default=dict)
    content = models.JSONField()
    changes = models.JSONField(default=list)
    grounding = models.JSONField(default=list)
    proofs = models.JSONField(default=list)
    report = models.JSONField(default=dict)
    calls = models.JSONField(default=list)
    prompt_version = models.CharField(max_length=20)
    # Its owner's receipt, though usage rows have figures of the same calls: several rows (attempts, votes)
    # make one call, and an answer given again from the cache has no tokens in its row.
    provider_type = models.CharField(max_length=20)
    provider_name = models.CharField(max_length=200, blank=True)
    model_name = models.CharField(max_length=200)
    request_id = models.CharField(max_length=36)
    usage = models.JSONField(default=dict)
    cost_usd = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    latency_ms = models.PositiveIntegerField()
    attempts = models.PositiveSmallIntegerField()
    degraded = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    # Told once, to whoever had the draft made; see `GenerationResult.quota_warnings`.
    quota_warnings: Sequence[Mapping[str, Any]] = ()

    class Meta:
        db_table = "drafts"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"], name="drafts_user_created")]
        constraints = [
            models.UniqueConstraint(fields=["user", "series", "version"], name="drafts_one_row_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.title} v{self.version}".replace("  ", " ")

    @property
    def language(self) -> str:
        return str(self.parameters["language"])

    @property
    def sections(self) -> list[str]:
        """The sections of a CV that were asked to stand first, in their order."""
        return list(self.parameters.get("sections", []))
