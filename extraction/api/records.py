"""The record of a posting as clients see it: `extraction.schema.JobData`, field by field."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from extraction.values.employment import EMPLOYMENT_TYPES

_UNITS = ("HOUR", "DAY", "WEEK", "MONTH", "YEAR")

SOURCES = serializers.DictField(
    child=serializers.ChoiceField(
        choices=("json-ld", "microdata", "rdfa", "state", "text", "model", "request")
    ),
    help_text="For each field that has a value, where it came from.",
)
EVIDENCE = serializers.DictField(
    child=serializers.CharField(), help_text="For each field that has a value, the words it came from."
)


class PlaceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(help_text="The place in the posting's words.")
    street = serializers.CharField(allow_null=True)
    locality = serializers.CharField(allow_null=True)
    region = serializers.CharField(allow_null=True)
    postal_code = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True, help_text="ISO 3166-1 alpha-2.")


class SalarySerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_null=True, help_text="ISO 4217.")
    min_value = serializers.CharField(allow_null=True, help_text="Decimal.")
    max_value = serializers.CharField(allow_null=True, help_text="Decimal.")
    unit_text = serializers.ChoiceField(choices=_UNITS, allow_null=True)


def _texts(help_text: str = "") -> Any:
    return serializers.ListField(child=serializers.CharField(), help_text=help_text)


class JobDataSerializer(serializers.Serializer[Any]):
    """schema.org JobPosting in snake_case, in the posting's language. What it does not say is null or
    empty."""

    title = serializers.CharField(allow_null=True)
    hiring_organization = serializers.CharField(allow_null=True)
    job_location = serializers.CharField(allow_null=True, help_text="`job_locations` in one line.")
    job_locations = PlaceSerializer(many=True)
    job_location_type = serializers.ChoiceField(choices=("TELECOMMUTE",), allow_null=True)
    applicant_location_requirements = _texts("Where those who work from afar must live.")
    employment_type = _texts(f"{', '.join(sorted(EMPLOYMENT_TYPES))}, or the words of the posting.")
    description = serializers.CharField(allow_null=True, help_text="Markdown.")
    responsibilities = _texts()
    qualifications = _texts()
    skills = _texts()
    experience_requirements = serializers.CharField(allow_null=True)
    education_requirements = serializers.CharField(allow_null=True)
    languages = _texts("Languages to be known, with the level where one is stated.")
    job_benefits = _texts()
    industry = serializers.CharField(allow_null=True)
    base_salary = SalarySerializer(allow_null=True)
    date_posted = serializers.DateField(allow_null=True)
    valid_through = serializers.DateField(allow_null=True)
    is_closed = serializers.BooleanField(allow_null=True, help_text="True where the posting says so.")
    direct_apply = serializers.BooleanField(allow_null=True)
    apply_url = serializers.CharField(allow_null=True)
    contact_emails = _texts()
    identifier = serializers.CharField(allow_null=True)
    url = serializers.CharField(allow_null=True)


class WarningSerializer(serializers.Serializer[Any]):
    """`reason` says what happened: not_in_source, implausible, unreadable, ambiguous_date, expired,
    several_postings, instructions_in_posting, shortened_for_model, unverified_image, cropped_image."""

    field = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    dropped = serializers.IntegerField(required=False, help_text="Items left out of a list.")
    others = serializers.IntegerField(required=False, help_text="Further postings on the page.")
    removed = serializers.IntegerField(required=False, help_text="Sentences kept from the model.")
