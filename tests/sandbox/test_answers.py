"""The answers are pure functions of the question, so they are tested without a server."""

import base64
import io
import json

import jsonschema
import pytest
from PIL import Image, PngImagePlugin

from extraction.schema import JobData
from sandbox.answers import answer_text
from sandbox.reading import Reading, document, first_date, money
from sandbox.tokens import Picture
from sandbox.wire import WireRequest

POSTING = """Site Reliability Engineer
Company: Bahari Cloud
Location: Mombasa, Kenya (remote within East Africa)
Employment type: Contract
Salary: USD 3,500 - 4,200 per month
Apply by: 20 January 2027

You keep ninety hotels up. Alerts wake somebody only when it matters.

What you bring
- Three years of Kubernetes
- Python or Go

Write to us when you have read this.
"""
FACTS = """POSTING
Title: Backend Engineer
- Django and PostgreSQL

FACTS (id: fact)
work-1: Developer at Acme
work-1.h1: Wrote the manual
work-1.h2: Built APIs with Django
work-10: Cook at Foo
"""


def ask(prompt, schema=None, **fields):
    return answer_text(WireRequest(model="sandbox-mini", prompt=prompt, schema=schema, **fields))


def fill(schema, prompt=POSTING, **fields):
    answer = json.loads(ask(prompt, schema, **fields))
    jsonschema.validate(answer, schema)
    return answer


def one_field(schema, name="value", prompt=POSTING):
    return fill({"type": "object", "properties": {name: schema}, "required": [name]}, prompt)[name]


def picture(size=(900, 420), text=""):
    info = PngImagePlugin.PngInfo()
    if text:
        info.add_text("Description", text)
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG", pnginfo=info)
    return Picture.decode(base64.b64encode(buffer.getvalue()).decode())


def test_it_makes_a_record_from_the_postings_own_words():
    answer = fill(JobData.model_json_schema())

    job = JobData.model_validate(answer)
    assert job.title == "Site Reliability Engineer"
    assert job.hiring_organization == "Bahari Cloud"
    assert job.job_location == "Mombasa, Kenya (remote within East Africa)"
    assert job.job_location_type == "TELECOMMUTE"
    assert job.employment_type == ["Contract"]
    assert (job.base_salary.currency, job.base_salary.min_value, job.base_salary.max_value) == (
        "USD",
        3500,
        4200,
    )
    assert job.base_salary.unit_text == "MONTH"
    assert job.valid_through.isoformat() == "2027-01-20"
    assert job.qualifications == ["Three years of Kubernetes", "Python or Go"]
    assert (job.date_posted, job.industry, job.direct_apply) == (None, None, None)


def test_it_answers_different_postings_differently_and_the_same_one_alike():
    other = POSTING.replace("Bahari Cloud", "Tausi Traders")
    schema = JobData.model_json_schema()

    assert ask(POSTING, schema) == ask(POSTING, schema)
    assert ask(POSTING, schema) != ask(other, schema)
    assert ask(POSTING) != ask("Accountant\nYou keep the books of three shops in Kisumu.")


def test_it_marks_free_text_as_its_own():
    assert ask(POSTING).startswith("[sandbox] Site Reliability Engineer You keep ninety hotels up.")


@pytest.mark.parametrize(
    "prompt",
    [
        "Fill in.\n<posting>\nWelder at Acme\n</posting>\nTitle: no",
        "[posting 7f]\nWelder at Acme\n[end of posting 7f]",
    ],
    ids=["tags", "brackets"],
)
def test_it_reads_only_what_is_between_the_marks(prompt):
    assert document(prompt) == "Welder at Acme"
    assert one_field({"type": "string"}, "title", prompt) == "Welder"
    assert one_field({"type": "string"}, "company", prompt) == "Acme"


def test_it_names_source_ids_and_puts_the_fitting_ones_first():
    ids = ["work-1.h1", "work-1.h2", "work-10"]
    line = {"source": {"type": "string", "enum": ids}, "text": {"type": "string"}}
    schema = {
        "type": "object",
        "properties": {
            "keep": {"type": "array", "items": {"enum": ["work-1", "work-10", "work-2"]}},
            "lines": {
                "type": "array",
                "maxItems": 2,
                "items": {"type": "object", "properties": line, "required": ["source", "text"]},
            },
        },
        "required": ["keep", "lines"],
    }

    answer = fill(schema, FACTS)

    assert answer["keep"] == ["work-1", "work-10"]
    assert answer["lines"] == [
        {"source": "work-1.h2", "text": "Built APIs with Django"},
        {"source": "work-1.h1", "text": "Wrote the manual"},
    ]


def test_it_rests_each_paragraph_on_the_sources_it_names():
    paragraph = {
        "sources": {"type": "array", "items": {"enum": ["work-1.h1", "work-1.h2", "work-10"]}},
        "text": {"type": "string"},
    }
    schema = {
        "type": "array",
        "maxItems": 2,
        "items": {"type": "object", "properties": paragraph, "required": ["sources", "text"]},
    }

    first, second = one_field(schema, "paragraphs", FACTS)

    assert first == {
        "sources": ["work-1.h2", "work-1.h1"],
        "text": "Built APIs with Django. Wrote the manual.",
    }
    assert second == {"sources": ["work-10"], "text": "Cook at Foo"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
        ({"type": ["integer", "null"]}, None),
        ({"type": "STRING", "nullable": True}, None),
        ({"enum": ["A", None]}, None),
        ({"type": "string"}, "You keep ninety hotels up."),
        ({"type": "string", "maxLength": 12}, "You keep"),
        ({"type": "string", "minLength": 30}, "You keep ninety hotels up....."),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, "USD"),
        ({"type": "string", "format": "date"}, "1970-01-01"),
        ({"type": "string", "format": "email"}, "sandbox@example.invalid"),
        ({"type": "string", "enum": ["x", "y"]}, "x"),
        ({"const": 7}, 7),
        ({"type": "boolean"}, False),
        ({"type": "integer"}, 0),
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3, "multipleOf": 5}, 5),
        ({"type": "number", "minimum": 0, "maximum": 1}, 0.5),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"allOf": [{"type": "integer"}, {"minimum": 2}]}, 2),
    ],
)
def test_it_gives_null_or_the_least_that_fits_when_the_text_says_nothing(schema, expected):
    as_gemini = "nullable" in schema
    question = {"type": "object", "properties": {"zzz": schema}, "required": ["zzz"]}

    answer = json.loads(ask(POSTING, question))

    assert answer == {"zzz": expected}
    if not as_gemini:
        jsonschema.validate(answer, question)


def test_it_follows_references_even_those_that_lead_back():
    node = {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        },
        "required": ["title", "next"],
    }

    answer = fill({"$ref": "#/$defs/Node", "$defs": {"Node": node}})

    assert answer["title"] == "Site Reliability Engineer"


def test_it_answers_yes_to_the_question_that_the_prompt_puts():
    schema = {
        "type": "object",
        "properties": {name: {"type": ["boolean", "null"]} for name in ("is_green", "is_open")},
    }

    assert fill(schema, "Door\nIs it open?") == {"is_green": None, "is_open": True}
    assert fill(schema, "Is open: no") == {"is_green": None, "is_open": False}


def test_it_says_of_a_picture_only_what_it_can_tell_without_eyes():
    seen = picture((900, 420))

    text = ask("Describe the picture.", pictures=(seen,))

    assert text == f"[sandbox] PNG picture of 900 x 420 pixels, {seen.digest}"
    assert picture((10, 10)).digest != seen.digest


def test_it_reads_the_text_that_a_picture_carries():
    carried = picture(text="Accountant\nCompany: Tausi Traders")

    answer = fill(
        {"type": "object", "properties": {"company": {"type": "string"}}}, "Read.", pictures=(carried,)
    )

    assert answer == {"company": "Tausi Traders"}


@pytest.mark.parametrize(
    ("text", "low", "high", "currency"),
    [
        ("€60,000 \u2013 75,000 per year", 60000, 75000, "EUR"),
        ("KES 90,000 per month", 90000, 90000, "KES"),
        ("since 2019 we pay 50-60k USD", 50000, 60000, "USD"),
        ("from 42.000 to 51.500 EUR", 42000, 51500, "EUR"),
    ],
)
def test_it_reads_sums_of_money(text, low, high, currency):
    found = money(text)

    assert (found.low, found.high, found.currency) == (low, high, currency)


def test_it_takes_a_bare_number_for_money_only_under_a_label_that_says_so():
    assert money("founded in 2019") is None
    assert money("90000", currency_needed=False).low == 90000


@pytest.mark.parametrize(
    "text", ["2027-01-20", "20 January 2027", "20. January 2027", "Jan 20, 2027", "20.01.2027"]
)
def test_it_reads_dates(text):
    assert first_date(f"until {text}, noon").isoformat() == "2027-01-20"


def test_it_finds_an_employer_and_a_place_in_prose():
    reading = Reading("Join Jua Logistics today. We are based in Nairobi, Kenya and grow.")

    assert reading.company == "Jua Logistics"
    assert reading.place == "Nairobi, Kenya"
