"""Shapes of the extraction endpoints, in and out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api_base import ExactlyOneSerializer, StrictSerializer
from extraction.api.records import EVIDENCE, SOURCES, ExtractionWarningSerializer, JobDataSerializer
from extraction.extractor import Extraction
from extraction.image_check import ImageCheck
from extraction.models import JobPosting, SourceKind
from extraction.schema import JobData
from extraction.visible.page import MAX_CHARACTERS
from orchestration.calls.question import GenerationResult, usage_body
from usage.api.quotas import QuotaWarningSerializer


class ExtractSerializer(ExactlyOneSerializer):
    """Exactly one of the two."""

    # Not URLField: which addresses may be read is one question with one answer, in extraction.addresses.
    url = serializers.CharField(required=False, max_length=2000, help_text="Address of the posting's page.")
    text = serializers.CharField(
        required=False, max_length=MAX_CHARACTERS, help_text="The posting's own text, pasted."
    )


class ExtractFormSerializer(ExtractSerializer):
    """Exactly one of the four."""

    image = serializers.FileField(required=False, help_text="PNG, JPEG, WebP or GIF.")
    pdf = serializers.FileField(required=False, help_text="A PDF of at most 10 MB and 20 pages.")


class ImageSerializer(StrictSerializer):
    image = serializers.FileField(help_text="PNG, JPEG, WebP or GIF.")


class UsageSerializer(serializers.Serializer[Any]):
    """Tokens of the answering call; cached is part of input, reasoning part of output."""

    input = serializers.IntegerField()
    cached = serializers.IntegerField()
    output = serializers.IntegerField()
    reasoning = serializers.IntegerField()
    total = serializers.IntegerField()
    saved_usd = serializers.CharField(
        allow_null=True,
        help_text="What the vendor's cache took off the cost; below 0 where it added to it. Decimal; null "
        "when a price is not known.",
    )
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a declared field, moved aside by DRF
        choices=["vendor", "estimated", "none"]
    )


class CallSerializer(serializers.Serializer[Any]):
    """The account of the model call behind a reply; nulls and zeros when there was none."""

    provider_used = serializers.CharField(allow_null=True)
    model_used = serializers.CharField(allow_null=True)
    usage = UsageSerializer()
    cost_usd = serializers.CharField(allow_null=True, help_text="Decimal; null when a price is not known.")
    latency_ms = serializers.IntegerField(help_text="Of the whole request, fetching included.")
    attempts = serializers.IntegerField(help_text="Requests made to vendors.")
    request_id = serializers.CharField()
    degraded = serializers.ListField(
        child=serializers.CharField(),
        help_text="What the model lacks and was made up for: structured_output (asked for by prompt).",
    )
    from_cache = serializers.BooleanField(help_text="An answer you got before to the same question.")
    votes = serializers.IntegerField(
        help_text="How many models' answers are in this one; 0 where the task takes no votes."
    )
    agreement = serializers.DictField(
        child=serializers.FloatField(),
        allow_null=True,
        help_text="By field, the share of the votes that gave this value; null with fewer than two votes.",
    )
    quota_warnings = QuotaWarningSerializer(
        many=True, help_text="Your quotas of which 80 % or more are taken; mostly empty."
    )


class ExtractResponseSerializer(CallSerializer):
    job_id = serializers.IntegerField()
    is_known = serializers.BooleanField(
        help_text="You have had this posting before: the same job, and nothing was asked of a model."
    )
    extracted_data = JobDataSerializer()
    sources = SOURCES
    evidence = EVIDENCE
    warnings = ExtractionWarningSerializer(many=True)


class ImageCheckResponseSerializer(CallSerializer):
    valid = serializers.BooleanField(help_text="Readable, and a job posting.")
    is_readable = serializers.BooleanField()
    is_job_posting = serializers.BooleanField()
    reason = serializers.CharField(allow_null=True)


class JobSummarySerializer(serializers.ModelSerializer[JobPosting]):
    job_id = serializers.IntegerField(source="id")
    source_kind = serializers.ChoiceField(choices=SourceKind.choices)

    class Meta:
        model = JobPosting
        fields = ("job_id", "title", "hiring_organization", "source_kind", "source_url", "created_at")


class JobDetailSerializer(JobSummarySerializer):
    extracted_data = serializers.SerializerMethodField()
    sources = SOURCES
    evidence = EVIDENCE
    warnings = ExtractionWarningSerializer(many=True)
    provider_used = serializers.SerializerMethodField()
    model_used = serializers.SerializerMethodField()

    class Meta(JobSummarySerializer.Meta):
        fields = (  # type: ignore[assignment]
            *JobSummarySerializer.Meta.fields,
            "extracted_data",
            "sources",
            "evidence",
            "warnings",
            "provider_used",
            "model_used",
            "request_id",
        )

    @extend_schema_field(JobDataSerializer)
    def get_extracted_data(self, posting: JobPosting) -> dict[str, Any]:
        return JobData.model_validate(posting.data).model_dump(mode="json")

    def get_provider_used(self, posting: JobPosting) -> str | None:
        return posting.provider_type or None

    def get_model_used(self, posting: JobPosting) -> str | None:
        return posting.model_name or None


def extraction_body(extraction: Extraction) -> dict[str, Any]:
    return {
        "job_id": extraction.posting.pk,
        "is_known": extraction.is_known,
        "extracted_data": extraction.data.model_dump(mode="json"),
        "sources": extraction.sources,
        "evidence": extraction.evidence,
        "warnings": extraction.warnings,
        **call_body(extraction.result, extraction.latency_ms, extraction.request_id),
    }


def image_check_body(check: ImageCheck) -> dict[str, Any]:
    return {
        "valid": check.is_readable and check.is_job_posting,
        "is_readable": check.is_readable,
        "is_job_posting": check.is_job_posting,
        "reason": check.reason,
        **call_body(check.result, check.latency_ms, check.result.request_id),
    }


def call_body(result: GenerationResult | None, latency_ms: int, request_id: str) -> dict[str, Any]:
    """The members of a CallSerializer; zeros and nulls when no model was asked."""
    return {
        "provider_used": result.provider_type if result else None,
        "model_used": result.model_name if result else None,
        "usage": usage_body(result),
        "cost_usd": _amount(result),
        "latency_ms": latency_ms,
        "attempts": result.attempts if result else 0,
        "request_id": request_id,
        "degraded": list(result.degraded) if result else [],
        "from_cache": result.cached if result else False,
        "votes": result.votes if result else 0,
        "agreement": dict(result.agreement) if result and result.agreement else None,
        "quota_warnings": [warning.as_dict() for warning in result.quota_warnings] if result else [],
    }


def _amount(result: GenerationResult | None) -> str | None:
    if result is None:
        return "0"
    return None if result.cost_usd is None else format(result.cost_usd, "f")
