"""The record of a job posting, in schema.org's terms (https://schema.org/JobPosting), snake_case."""

from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Salary(BaseModel):
    """schema.org baseSalary: amounts in `currency` (ISO 4217) per `unit_text`."""

    model_config = ConfigDict(extra="forbid")

    currency: str | None = None
    min_value: Decimal | None = None
    max_value: Decimal | None = None
    unit_text: Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"] | None = None


class JobData(BaseModel):
    """What is known of a posting. A field that the posting does not state is null or empty, never guessed."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = None
    hiring_organization: str | None = None
    job_location: str | None = None
    job_location_type: Literal["TELECOMMUTE"] | None = None
    applicant_location_requirements: str | None = None
    employment_type: list[str] = []
    description: str | None = None
    responsibilities: list[str] = []
    qualifications: list[str] = []
    skills: list[str] = []
    experience_requirements: str | None = None
    education_requirements: str | None = None
    industry: str | None = None
    base_salary: Salary | None = None
    date_posted: date | None = None
    valid_through: date | None = None
    direct_apply: bool | None = None
    identifier: str | None = None
    url: str | None = None
