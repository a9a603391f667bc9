"""What a model read in a picture, held against its own transcript."""

import pytest

from extraction.errors import NoPostingInImage
from extraction.findings import Findings
from extraction.pictures import put_from_picture
from extraction.prompts import ImageAnswer

TEXT = """Line Cook wanted
Hotel Baobab, Diani
KES 40,000 per month
Requirements
- Two years of experience
Apply by 31 January 2099"""


def read(**answer):
    findings = Findings()
    put_from_picture(findings, ImageAnswer(**answer))
    return findings


def test_what_the_transcript_says_is_kept_and_all_is_marked_unverified():
    findings = read(
        title="Line Cook", hiring_organization="Hotel Baobab", salary="KES 40,000 per month", text=TEXT
    )

    assert (findings.data.title, findings.data.hiring_organization) == ("Line Cook", "Hotel Baobab")
    assert findings.data.base_salary.model_dump(mode="json") == {
        "currency": "KES", "min_value": "40000", "max_value": "40000", "unit_text": "MONTH",
    }  # fmt: skip
    assert findings.data.valid_through.isoformat() == "2099-01-31"
    assert findings.data.qualifications == ["Two years of experience"]
    assert set(findings.sources.values()) == {"model"}
    assert findings.warnings == [{"field": None, "reason": "unverified_image"}]


def test_what_the_transcript_does_not_say_is_dropped():
    findings = read(
        title="Line Cook", hiring_organization="EvilCorp", salary="KES 90,000 per month", text=TEXT
    )

    assert findings.data.hiring_organization is None
    assert findings.data.base_salary.min_value == 40_000
    assert {"field": "hiring_organization", "reason": "not_in_source"} in findings.warnings


def test_without_a_transcript_the_answer_is_all_there_is():
    findings = read(title="Line Cook", salary="KES 40,000 per month")

    assert (findings.data.title, findings.data.base_salary.min_value) == ("Line Cook", 40_000)


def test_a_cropped_picture_is_read_and_says_so():
    assert {"field": None, "reason": "cropped_image"} in read(
        title="Line Cook", text=TEXT, is_cropped=True
    ).warnings


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, "unreadable"),
        ({"is_readable": False}, "unreadable"),
        ({"is_job_posting": False, "text": "A cat on a chair"}, "not_a_posting"),
        (
            {
                "text": "Ingredients: rice. Preheat the oven, add a tablespoon of oil. Simmer.",
                "title": "Pilau",
            },
            "not_a_posting",
        ),
    ],
)
def test_unreadable_and_no_posting_are_told_apart(answer, reason):
    with pytest.raises(NoPostingInImage) as refused:
        read(**answer)

    assert refused.value.details == {"reason": reason}
