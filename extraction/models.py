"""Job postings as users brought them."""

from django.conf import settings
from django.db import models


class SourceKind(models.TextChoices):
    URL = "url", "Web page"
    TEXT = "text", "Text"
    IMAGE = "image", "Image"
    PDF = "pdf", "PDF"


class JobPosting(models.Model):
    """`data` is an `extraction.schema.JobData`; `sources` says for each field that has a value where it came
    from: "json-ld", "microdata", "rdfa", "state" (data of the page's own scripts), "text" (the words
    themselves, by rule), "model" (copied by a model, checked against the words unless a warning says
    "unverified_image"), "request" (the address that was given); `evidence` has the words it came from.
    `content_hash` is the SHA-256 of what the posting says, not of its bytes; `address_key` its canonical
    address without what changes on the way to it. By the two the same posting is known again: one of them is
    unique for a user. Provider fields are empty when no model was asked."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="job_postings")
    source_kind = models.CharField(max_length=10, choices=SourceKind.choices)
    source_url = models.CharField(max_length=2000, blank=True)
    content_hash = models.CharField(max_length=64, db_index=True)
    address_key = models.CharField(max_length=500, blank=True, db_index=True)
    # Null in rows from before postings were known again, some of which are the same.
    fingerprint = models.CharField(max_length=64, null=True, blank=True, editable=False)  # noqa: DJ001
    title = models.CharField(max_length=300, blank=True)
    hiring_organization = models.CharField(max_length=300, blank=True)
    data = models.JSONField(default=dict)
    sources = models.JSONField(default=dict)
    evidence = models.JSONField(default=dict, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    provider_type = models.CharField(max_length=20, blank=True)
    model_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "job_postings"
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["user", "-created_at"], name="job_postings_user_created")]
        constraints = [
            models.UniqueConstraint(fields=["user", "fingerprint"], name="job_postings_once_a_user")
        ]

    def __str__(self) -> str:
        return self.title or f"Posting {self.pk}"
