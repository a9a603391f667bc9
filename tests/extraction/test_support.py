"""A value that occurs in a posting and is not supported by it."""

import pytest

from extraction.findings import Findings
from extraction.prompts import ModelAnswer
from extraction.support import SourceText
from extraction.verification import put_verified

TEXT = """Senior Welder
In this posting we describe the work. Acme Ltd, Thika. Posted 3 November 2026. Reference 77-A of 2026.
Salary: KES 45,000 per month. Remote work is not possible. No degree required.
You need at least 5 years of experience with steel.
"""


def verified(**answer):
    findings = Findings()
    put_verified(findings, ModelAnswer(**answer), SourceText(TEXT, "en"))
    return findings


def test_one_word_for_everything_is_nothing():
    names = ("title", "hiring_organization", "job_location", "education_requirements", "industry")

    findings = verified(**dict.fromkeys(names, "posting"))

    assert findings.sources == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "posting"),
        ("title", "work"),
        ("hiring_organization", "steel"),
        ("hiring_organization", "Salary"),
        ("job_location", "3 November 2026"),
        ("identifier", "3 November 2026"),
        ("identifier", "2026"),
        ("identifier", "KES 45,000"),
        ("experience_requirements", "3 November 2026"),
        ("experience_requirements", "5"),
        ("education_requirements", "degree"),
        ("industry", "KES 45,000 per month"),
    ],
)
def test_words_that_are_there_but_do_not_say_it(field, value):
    findings = verified(**{field: value})

    assert findings.sources == {}
    assert findings.warnings[0]["reason"] == "implausible"


@pytest.mark.parametrize(
    ("field", "value"), [("salary", "KES 45"), ("identifier", "77"), ("salary", "KES 5,000 per month")]
)
def test_part_of_a_longer_figure_is_no_match(field, value):
    assert verified(**{field: value}).sources == {}


def test_a_denied_statement_is_no_statement():
    assert verified(work_mode="Remote work").data.job_location_type is None
    assert verified(work_mode="Remote").data.job_location_type is None


def test_what_is_supported_stays():
    findings = verified(
        title="Senior Welder",
        hiring_organization="Acme Ltd",
        job_location="Thika",
        identifier="77-A",
        salary="KES 45,000 per month",
        experience_requirements="at least 5 years of experience",
    )

    assert findings.warnings == []
    assert findings.data.job_location == "Thika"
    assert findings.evidence["base_salary"] == "KES 45,000 per month"


def test_an_employer_may_be_called_after_its_town():
    findings = verified(hiring_organization="Thika", job_location="Thika")

    assert (findings.data.hiring_organization, findings.data.job_location) == ("Thika", "Thika")
