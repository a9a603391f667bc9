from datetime import date
from decimal import Decimal

import pytest

from extraction.findings import Findings
from extraction.prompts import FactsAnswer, ModelAnswer
from extraction.schema import Salary
from extraction.support import SourceText
from extraction.verification import put_verified

TEXT = """Pastry Chef
Hotel Sacher, Vienna
You bake tortes and train apprentices. Full-time, partly from home: this is a remote position on Mondays.
Pay: EUR 2,800 to 3,200 per month. Posted 3 November 2026, apply by 15 December 2099.
Diploma in patisserie and 4 years of experience. Reference HS-77.
- Chocolate work
- Sugar \u201cart\u201d
"""


def verified(**answer):
    findings = Findings()
    put_verified(findings, ModelAnswer(**answer), SourceText(TEXT))
    return findings


def test_it_keeps_what_stands_in_the_posting():
    findings = verified(
        title="Pastry Chef",
        hiring_organization="hotel  SACHER",
        job_location="Vienna",
        work_mode="remote position",
        employment_type="FULL_TIME",
        salary="EUR 2,800 to 3,200 per month",
        date_posted="3 November 2026",
        valid_through="2099-12-15",
        experience_requirements="4 years of experience",
        education_requirements="Diploma in patisserie",
        identifier="HS-77",
        skills=["Chocolate work", 'sugar "art"'],
        responsibilities=["train apprentices"],
    )

    assert findings.warnings == []
    assert set(findings.sources.values()) == {"model"}
    data = findings.data
    assert (data.title, data.hiring_organization, data.job_location) == (
        "Pastry Chef",
        "hotel SACHER",
        "Vienna",
    )
    assert (data.job_location_type, data.employment_type) == ("TELECOMMUTE", ["FULL_TIME"])
    assert data.base_salary == Salary(
        currency="EUR", min_value=Decimal(2800), max_value=Decimal(3200), unit_text="MONTH"
    )
    assert (data.date_posted, data.valid_through) == (date(2026, 11, 3), date(2099, 12, 15))
    assert data.skills == ["Chocolate work", 'sugar "art"']


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "Chief Executive Officer"),
        ("title", "Pastry Chef and Owner"),
        ("title", "try Che"),
        ("hiring_organization", "EvilCorp"),
        ("job_location", "Vienna, Austria"),
        ("employment_type", "Part-time"),
        ("date_posted", "4 November 2026"),
        ("valid_through", "soon"),
        ("identifier", "HS-78"),
        ("experience_requirements", "5 years of experience"),
    ],
)
def test_it_drops_what_does_not_and_says_so(field, value):
    findings = verified(**{field: value})

    assert findings.sources == {}
    named = "job_locations" if field == "job_location" else field
    assert findings.warnings == [{"field": named, "reason": "not_in_source"}]


@pytest.mark.parametrize("salary", ["EUR 9,000 per month", "USD 2,800 to 3,200 per month", "$1"])
def test_it_drops_pay_of_another_value_or_currency(salary):
    assert verified(salary=salary).warnings == [{"field": "base_salary", "reason": "not_in_source"}]


def test_it_takes_pay_written_differently_by_its_value():
    findings = verified(salary="2.800-3.200 EUR")

    assert findings.data.base_salary == Salary(
        currency="EUR", min_value=Decimal(2800), max_value=Decimal(3200), unit_text="MONTH"
    )


def test_it_drops_the_items_of_a_list_that_are_not_there():
    findings = verified(skills=["Chocolate work", "Quantum physics", "Magic"])

    assert findings.data.skills == ["Chocolate work"]
    assert findings.warnings == [{"field": "skills", "reason": "not_in_source", "dropped": 2}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "77"),
        ("employment_type", "bake tortes"),
        ("identifier", "Diploma"),
        ("experience_requirements", "bake tortes"),
        ("industry", "2,800"),
    ],
)
def test_words_that_cannot_be_what_the_field_is_for_are_implausible(field, value):
    assert verified(**{field: value}).warnings == [{"field": field, "reason": "implausible"}]


def test_a_date_with_two_readings_is_not_decided_by_the_model():
    findings = Findings()

    put_verified(findings, ModelAnswer(valid_through="03/04/2026"), SourceText("Apply by 03/04/2026"))

    assert findings.warnings == [{"field": "valid_through", "reason": "ambiguous_date"}]


def test_one_date_does_not_stand_for_both_ends_and_nothing_is_posted_in_the_future():
    both = verified(date_posted="3 November 2026", valid_through="3 November 2026")
    future = verified(date_posted="15 December 2099")

    assert both.data.valid_through is None
    assert both.warnings == [{"field": "valid_through", "reason": "implausible"}]
    assert future.warnings == [{"field": "date_posted", "reason": "implausible"}]


def test_a_single_word_is_no_task():
    findings = verified(responsibilities=["Vienna", "train apprentices"])

    assert findings.data.responsibilities == ["train apprentices"]
    assert findings.warnings == [{"field": "responsibilities", "reason": "implausible", "dropped": 1}]


def test_what_is_known_already_is_not_overwritten():
    findings = Findings()
    findings.put("title", "Chef", "json-ld")

    put_verified(findings, FactsAnswer(title="Pastry Chef", skills=["Chocolate work"]), SourceText(TEXT))

    assert (findings.data.title, findings.sources["title"]) == ("Chef", "json-ld")
    assert findings.warnings == []


@pytest.mark.parametrize("nothing", [None, "", "  ", "null", "N/A", "Unknown", "not specified."])
def test_a_models_ways_of_saying_nothing_are_nothing(nothing):
    findings = verified(title=nothing, skills=[nothing] if nothing in {"", "  "} else [])

    assert (findings.sources, findings.warnings) == ({}, [])


def test_an_answer_that_is_too_long_is_cut_not_refused():
    answer = ModelAnswer(title="x" * 5000, skills=["y" * 5000] * 100)

    assert len(answer.title) == 240
    assert (len(answer.skills), len(answer.skills[0])) == (30, 400)


def test_words_are_found_whole_only():
    source = SourceText("We start in March.")

    assert source.contains("Start in march")
    assert not source.contains("art in March")
    assert not source.contains("...")
