import json
from decimal import Decimal

import pytest

from extraction.schema import JobData
from extraction.structured.jsontext import read_json
from extraction.structured.own import choose
from extraction.visible.page import parse_html, read_page
from tests.extraction.pages import POSTINGS


def find_posting(tree, *, url):
    return choose(tree, read_page(tree, url=url), url=url).posting


def posting_of(*blocks, url="https://jobs.example/1"):
    scripts = "".join(
        f'<script type="application/ld+json">{text}</script>'
        for text in (block if isinstance(block, str) else json.dumps(block) for block in blocks)
    )
    return find_posting(parse_html(f"<html><head>{scripts}</head><body><p>x</p></body></html>"), url=url)


def data_of(**properties):
    node = {"@type": "JobPosting", "title": "Cook", "description": "Cooks."} | properties
    return posting_of({"@context": "https://schema.org"} | node).data


def test_it_reads_every_field_of_json_ld():
    tree = parse_html((POSTINGS / "jsonld.html").read_text())

    found = find_posting(tree, url="https://jobs.baobab.example/data-engineer")

    assert (found.origin, found.is_valid, found.unreadable, found.others) == ("json-ld", True, (), 0)
    assert found.data.model_dump(mode="json", exclude_none=True, exclude_defaults=True) == {
        "title": "Senior Data Engineer",
        "hiring_organization": "Baobab Analytics Ltd",
        "job_location_type": "TELECOMMUTE",
        "job_locations": [
            {"text": "Nairobi, KE", "locality": "Nairobi", "country": "KE"},
            {
                "text": "Kigali, Kigali City, RW",
                "locality": "Kigali",
                "region": "Kigali City",
                "country": "RW",
            },
        ],
        "applicant_location_requirements": ["Kenya", "Rwanda"],
        "employment_type": ["FULL_TIME", "CONTRACTOR"],
        "description": "Build pipelines.\n\n- Python\n- Airflow",
        "responsibilities": ["Own the warehouse", "Mentor two engineers"],
        "qualifications": ["5 years of data engineering"],
        "skills": ["Python", "SQL", "Airflow"],
        "experience_requirements": "60 months",
        "education_requirements": "bachelor degree",
        "industry": "Analytics",
        "base_salary": {
            "currency": "KES",
            "min_value": "350000",
            "max_value": "450000",
            "unit_text": "MONTH",
        },
        "date_posted": "2026-11-02",
        "valid_through": "2099-12-31",
        "direct_apply": True,
        "identifier": "BA-1042",
        "url": "https://jobs.baobab.example/data-engineer",
    }


def test_it_reads_microdata_and_leaves_absent_fields_null():
    tree = parse_html((POSTINGS / "microdata.html").read_text())

    found = find_posting(tree, url="https://hospital.example/jobs/7")

    assert (found.origin, found.is_valid) == ("microdata", True)
    assert found.data == JobData.model_validate(
        {
            "title": "Paediatric Nurse",
            "hiring_organization": "Lakeside Hospital",
            "job_locations": [{"text": "Kisumu, Kenya", "locality": "Kisumu", "country": "KE"}],
            "employment_type": ["PART_TIME"],
            "description": "Care for children on the ward.\n\nNight shifts are shared.",
            "base_salary": {
                "currency": "USD",
                "min_value": "27.50",
                "max_value": "27.50",
                "unit_text": "HOUR",
            },
            "date_posted": "2026-11-05",
            "valid_through": "2020-01-31",
        }
    )


def test_a_page_without_a_posting_has_none():
    assert posting_of({"@type": "Organization", "name": "Acme"}) is None
    assert find_posting(parse_html("<p>We are hiring.</p>"), url="https://jobs.example/") is None


@pytest.mark.parametrize(
    "block",
    [
        "{broken",
        "",
        "null",
        "[[[[",
        "[" * 50_000,
        '{"a":' * 50_000,
        '{"@type": 7}',
        '{"@type": ["JobPosting"',
        "\x00",
    ],
)
def test_a_malformed_block_does_not_hide_a_good_one(block):
    found = posting_of(block, {"@type": "JobPosting", "title": "Cook", "description": "Cooks."})

    assert found.data == JobData(title="Cook", description="Cooks.")


@pytest.mark.parametrize(
    "wrapped",
    [
        '<!-- {"@type": "JobPosting", "title": "Cook", "description": "Cooks."} -->',
        '//<![CDATA[\n{"@type": "JobPosting", "title": "Cook", "description": "Cooks."}\n//]]>',
        '{"@type": "http://schema.org/JobPosting", "title": "Cook", "description": "Cooks."};',
        '[{"@type": "schema:JobPosting", "title": "Cook", "description": "Cooks."}]',
        '{"mainEntity": {"item": {"@type": "JobPosting", "title": "Cook", "description": "Cooks."}}}',
    ],
)
def test_it_finds_the_posting_however_it_is_wrapped(wrapped):
    assert posting_of(wrapped).data == JobData(title="Cook", description="Cooks.")


def test_it_takes_the_posting_that_names_this_page_and_none_where_several_do_not():
    cook = {"@type": "JobPosting", "title": "Cook", "description": "Cooks.", "industry": "Hotels"}
    waiter = {
        "@type": "JobPosting",
        "title": "Waiter",
        "description": "Waits.",
        "url": "https://jobs.example/2",
    }

    assert posting_of([waiter, cook], url="https://jobs.example/2").data.title == "Waiter"
    assert posting_of([{**waiter, "url": None}, cook]) is None
    assert posting_of([waiter, cook], url="https://jobs.example/2").others == 1


@pytest.mark.parametrize(
    ("organization", "expected"),
    [
        ("Acme", "Acme"),
        ({"@type": "Organization", "name": "Acme &amp; Sons"}, "Acme & Sons"),
        ([{"legalName": "Acme GmbH"}], "Acme GmbH"),
        ({"@type": "Organization"}, None),
        (None, None),
        ("  ", None),
    ],
)
def test_it_reads_the_employer_in_every_shape(organization, expected):
    assert data_of(hiringOrganization=organization).hiring_organization == expected


@pytest.mark.parametrize(
    ("salary", "expected"),
    [
        (
            {"currency": "eur", "value": {"minValue": 1000, "maxValue": 2000, "unitText": "month"}},
            ("EUR", 1000, 2000, "MONTH"),
        ),
        (
            {"currency": "USD", "value": {"value": "25.5", "unitText": "HOUR"}},
            ("USD", Decimal("25.5"), Decimal("25.5"), "HOUR"),
        ),
        ({"currency": "USD", "value": 90000}, ("USD", 90000, 90000, None)),
        (
            {"currency": "GBP", "minValue": "30,000", "maxValue": "35,000", "unitText": "ANNUALLY"},
            ("GBP", 30000, 35000, "YEAR"),
        ),
        ({"priceCurrency": "USD", "minPrice": 10, "maxPrice": 20}, ("USD", 10, 20, None)),
        ({"currency": "dollars", "value": {"minValue": 5}}, ("USD", 5, None, None)),
        ("50000", (None, 50000, 50000, None)),
        ({"currency": "USD", "value": "competitive"}, None),
        ({"currency": "USD", "value": {"value": -1}}, None),
        ({"currency": "USD", "value": {"value": float("nan")}}, None),
        (True, None),
    ],
)
def test_it_reads_pay_in_every_shape(salary, expected):
    found = data_of(baseSalary=salary).base_salary

    assert (found and (found.currency, found.min_value, found.max_value, found.unit_text)) == expected


def test_a_value_without_one_meaning_is_named_as_unreadable():
    found = posting_of(
        {
            "@type": "JobPosting",
            "title": "Cook",
            "description": "Cooks.",
            "datePosted": "03/04/2026",
            "directApply": "perhaps",
            "jobLocationType": "ON_THE_MOON",
            "url": "javascript:alert(1)",
        }
    )

    assert found.data == JobData(title="Cook", description="Cooks.")
    assert found.unreadable == ("job_location_type", "date_posted", "direct_apply", "url")


def test_a_title_alone_is_not_enough_to_skip_the_model():
    assert not posting_of({"@type": "JobPosting", "title": "Cook"}).is_valid
    assert not posting_of({"@type": "JobPosting", "description": "Cooks."}).is_valid


@pytest.mark.parametrize("found", ['{"a": [%s]}', "{a: [%s],}", '{"a": [%s'])
def test_what_no_database_takes_is_left_out_of_a_page_s_json(found):
    escaped = r'"\u0000w\ud800el\udc00d\ud83d\udd25"'

    assert read_json(found % escaped) == {"a": ["weld\U0001f525"]}
    assert data_of(description="Cooks\ud800 \x00well.", industry="\udfff").description == "Cooks well."
