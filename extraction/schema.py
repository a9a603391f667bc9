"""The record of a job posting, in schema.org's terms (https://schema.org/JobPosting), snake_case."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

Unit = Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"]


class Salary(BaseModel):
    """schema.org baseSalary: amounts in `currency` (ISO 4217) per `unit_text`."""

    model_config = ConfigDict(extra="forbid")

    currency: str | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    unit_text: Unit | None = None


class Place(BaseModel):
    """schema.org PostalAddress as far as it is stated. `country` is ISO 3166-1 alpha-2; `text` is the whole
    of it in the posting's words."""

    model_config = ConfigDict(extra="forbid")

    text: str
    street: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class JobData(BaseModel):
    """What is known of a posting, in its language. A field that the posting does not state is null or empty,
    never guessed. `job_location` is `job_locations` in one line; `description` is Markdown; `is_closed` is
    true where the posting says so."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = None
    hiring_organization: str | None = None
    job_location: str | None = None
    job_locations: list[Place] = []
    job_location_type: Literal["TELECOMMUTE"] | None = None
    applicant_location_requirements: list[str] = []
    employment_type: list[str] = []
    description: str | None = None
    responsibilities: list[str] = []
    qualifications: list[str] = []
    skills: list[str] = []
    experience_requirements: str | None = None
    education_requirements: str | None = None
    languages: list[str] = []
    job_benefits: list[str] = []
    industry: str | None = None
    base_salary: Salary | None = None
    date_posted: date | None = None
    valid_through: date | None = None
    is_closed: bool | None = None
    direct_apply: bool | None = None
    apply_url: str | None = None
    contact_emails: list[str] = []
    identifier: str | None = None
    url: str | None = None

    @field_validator("applicant_location_requirements", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Records kept before this was a list hold "Kenya; Uganda"."""
        if value is None:
            return []
        return (
            [part.strip() for part in value.split(";") if part.strip()] if isinstance(value, str) else value
        )
