"""What a model is asked about a CV: its own words, section by section."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

MAX_WORDS = 240
MAX_PROSE = 1_200
MAX_LINES = 20
MAX_ENTRIES = 40
MAX_SKILLS = 80
_NOTHING = frozenset({"", "null", "none", "n/a", "na", "unknown", "not specified", "not stated", "-"})


def _words(value: Any) -> Any:
    """A model's way of saying nothing is nothing. Too long is cut: a refusal would cost a call."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    return None if value.casefold().strip(".") in _NOTHING else value[:MAX_WORDS]


def _prose(value: Any) -> Any:
    return value[:MAX_PROSE] if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    if not isinstance(value, list):
        return [] if value is None else value
    return [one for one in value if one is not None and not (isinstance(one, str) and not one.strip())]


_Told = Annotated[str, Field(json_schema_extra={"maxLength": MAX_WORDS})]
_ToldProse = Annotated[str, Field(json_schema_extra={"maxLength": MAX_PROSE})]
Words = Annotated[_Told | None, BeforeValidator(_words)]
Prose = Annotated[_ToldProse | None, BeforeValidator(_prose)]
_LISTED = BeforeValidator(_listed)
_MANY = Field(json_schema_extra={"maxItems": MAX_ENTRIES})
Lines = Annotated[list[_ToldProse], _LISTED, Field(json_schema_extra={"maxItems": MAX_LINES})]


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore")


class WorkEntry(_Form):
    name: Words = None
    position: Words = None
    location: Words = None
    startDate: Words = None  # noqa: N815 - the names of JSON Resume
    endDate: Words = None  # noqa: N815
    summary: Prose = None
    highlights: Lines = []


class VolunteerEntry(_Form):
    organization: Words = None
    position: Words = None
    startDate: Words = None  # noqa: N815
    endDate: Words = None  # noqa: N815
    summary: Prose = None
    highlights: Lines = []


class EducationEntry(_Form):
    institution: Words = None
    studyType: Words = None  # noqa: N815
    area: Words = None
    startDate: Words = None  # noqa: N815
    endDate: Words = None  # noqa: N815
    score: Words = None
    courses: Lines = []


class ProjectEntry(_Form):
    name: Words = None
    startDate: Words = None  # noqa: N815
    endDate: Words = None  # noqa: N815
    description: Prose = None
    highlights: Lines = []


class CertificateEntry(_Form):
    name: Words = None
    issuer: Words = None
    date: Words = None


class AwardEntry(_Form):
    title: Words = None
    awarder: Words = None
    date: Words = None


class PublicationEntry(_Form):
    name: Words = None
    publisher: Words = None
    releaseDate: Words = None  # noqa: N815


class LanguageEntry(_Form):
    language: Words = None
    fluency: Words = None


class SkillEntry(_Form):
    name: Words = None
    keywords: Lines = []


class CvAnswer(_Form):
    """All of it in the CV's own words, letter for letter."""

    label: Words = None
    city: Words = None
    summary: Prose = None
    work: Annotated[list[WorkEntry], _LISTED, _MANY] = []
    volunteer: Annotated[list[VolunteerEntry], _LISTED, _MANY] = []
    education: Annotated[list[EducationEntry], _LISTED, _MANY] = []
    projects: Annotated[list[ProjectEntry], _LISTED, _MANY] = []
    certificates: Annotated[list[CertificateEntry], _LISTED, _MANY] = []
    awards: Annotated[list[AwardEntry], _LISTED, _MANY] = []
    publications: Annotated[list[PublicationEntry], _LISTED, _MANY] = []
    languages: Annotated[list[LanguageEntry], _LISTED, _MANY] = []
    skills: Annotated[list[SkillEntry], _LISTED, Field(json_schema_extra={"maxItems": MAX_SKILLS})] = []
    interests: Lines = []


TASK = "profile_import"
