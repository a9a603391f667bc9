"""Amounts, dates, places and kinds of work by value, in the forms that postings write them in."""

from datetime import date
from decimal import Decimal

import pytest
from babel.dates import format_date

from extraction.values.dates import find_dates, parse_date
from extraction.values.employment import employment_types, is_remote_value, says_remote
from extraction.values.money import find_salaries, parse_salary
from extraction.values.numbers import parse_number
from extraction.values.places import places_of


def money(salary):
    return salary.currency, salary.min_value, salary.max_value, salary.unit_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$120,000 - $150,000 a year", ("USD", 120000, 150000, "YEAR")),
        ("€55.000\u201365.000 brutto pro Jahr", ("EUR", 55000, 65000, "YEAR")),
        ("£45k-£55k per annum", ("GBP", 45000, 55000, "YEAR")),
        ("KES150,000 per month", ("KES", 150000, 150000, "MONTH")),
        ("Salary: up to $90k", ("USD", None, 90000, None)),
        ("Salary: from EUR 3 500 monthly", ("EUR", 3500, None, "MONTH")),
        ("$35/hour", ("USD", 35, 35, "HOUR")),
        ("Pay range $25.50 to $31.75 per hour", ("USD", Decimal("25.50"), Decimal("31.75"), "HOUR")),
        ("Salary: $100,000-$120,000 CAD", ("CAD", 100000, 120000, None)),
        ("Annual salary: CHF 110'000", ("CHF", 110000, 110000, "YEAR")),
        (
            "We pay KES 180,000 - 240,000 per month, and a learning budget of $1,000.",
            ("KES", 180000, 240000, "MONTH"),
        ),
        ("Offices in Toronto. Paid in CAD. Salary $90,000 a year", ("CAD", 90000, 90000, "YEAR")),
        ("Paid in CAD or AUD. Salary $90,000 a year", (None, 90000, 90000, "YEAR")),
    ],
)
def test_it_reads_pay_by_value(text, expected):
    assert [money(salary) for salary in find_salaries(text)] == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "We raised $50 million in Series B",
        "A $5,000 signing bonus",
        "Bonus of $5,000 per year",
        "Our 401k plan",
        "3 - 5 years of experience",
        "try 3 times per day",
        "A budget of USD 20,000 per year",
    ],
)
def test_other_money_is_not_pay(text):
    assert find_salaries(text) == []


def test_a_labelled_amount_needs_no_currency_but_years_are_not_pay():
    assert money(parse_salary("150,000 - 200,000 per month")) == (None, 150000, 200000, "MONTH")
    assert parse_salary("3 - 5 years") is None
    assert parse_salary("competitive") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("50000", "50000"),
        ("50,000", "50000"),
        ("50.000", "50000"),
        ("1 200,50", "1200.50"),
        ("120k", "120000"),
        ("1.5", "1.5"),
        ("45.1234", "45.1234"),
    ],
)
def test_it_reads_a_number_by_value(text, value):
    assert parse_number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-30",
        "30 November 2026",
        "30th of November 2026",
        "November 30, 2026",
        "Nov. 30 2026",
        "30.11.2026",
        "30/11/2026",
        "11/30/2026",
        "30. November 2026",
        "30 novembre 2026",
        "30 de noviembre de 2026",
        "30-Nov-2026",
        "2026-11-30T23:59:59+03:00",
    ],
)
def test_it_reads_a_date(text):
    assert parse_date(text) == date(2026, 11, 30)


@pytest.mark.parametrize(
    "text", ["03/04/2026", "tomorrow", "31 February 2026", "2026", "1/2/3", "2026-11-30 or 2026-12-01"]
)
def test_a_date_with_two_readings_or_none_is_not_read(text):
    assert parse_date(text) is None


def test_an_ambiguous_date_is_found_but_has_no_value():
    assert [found.value for found in find_dates("Apply by 03/04/2026")] == [None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("₹12,00,000 - ₹18,00,000 per annum", ("INR", 1200000, 1800000, "YEAR")),
        ("CHF 64’017 – 82’602 per year", ("CHF", 64017, 82602, "YEAR")),
        ("18000/21000€ gross/year", ("EUR", 18000, 21000, "YEAR")),
        ("R$ 3.500,00 a R$ 4.200,00 por mês", ("BRL", 3500, 4200, "MONTH")),
        ("月給25万円〜30万円", ("JPY", 250000, 300000, "MONTH")),
        ("時給1,200円以上", ("JPY", 1200, None, "HOUR")),
        ("年収400万円～600万円", ("JPY", 4000000, 6000000, "YEAR")),
        ("UGX 2.5M per month", ("UGX", 2500000, 2500000, "MONTH")),
        ("KES 250,000 - 320,000 per month", ("KES", 250000, 320000, "MONTH")),
        ("от 120 000 до 150 000 руб. на руки", ("RUB", 120000, 150000, None)),
        ("8 000 – 10 000 zł brutto / mies.", ("PLN", 8000, 10000, "MONTH")),
        ("راتب 5000 - 7000 ريال شهريا", ("SAR", 5000, 7000, "MONTH")),
        ("25 000 kr/mån", ("SEK", 25000, 25000, "MONTH")),
        ("Bruttomonatsgehalt ab 3.100 €", ("EUR", 3100, None, "MONTH")),
        ("TSh 600,000 - 800,000 kwa mwezi", ("TZS", 600000, 800000, "MONTH")),
        ("₹25,000 – ₹30,000 प्रति माह", ("INR", 25000, 30000, "MONTH")),
        ("月薪 8000-12000元", ("CNY", 8000, 12000, "MONTH")),
        ("RAL 28.000 - 32.000 €", ("EUR", 28000, 32000, "YEAR")),
        ("€ 2.500 - € 3.100 bruto per maand", ("EUR", 2500, 3100, "MONTH")),
        ("45 000 TL aylık net", ("TRY", 45000, 45000, "MONTH")),
    ],
)
def test_it_reads_pay_as_each_language_writes_it(text, expected):
    assert [money(salary) for salary in find_salaries(text)] == [expected]


def test_a_word_behind_a_comma_is_not_the_period_of_an_amount():
    assert money(parse_salary("EUR 75,000, day shift")) == ("EUR", 75000, 75000, None)


@pytest.mark.parametrize(
    "text",
    ["Rent is $1,200 per month for staff housing.", "We raised $50 million per year on average in funding"],
)
def test_money_for_something_else_is_not_pay_though_it_has_a_period(text):
    assert find_salaries(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Wed Mar 04 00:00:00 UTC 2026", "20260304", "1772582400", "1772582400000", "2026年3月4日",
        "4 de março de 2026", "4 Machi 2026", "٤ مارس ٢٠٢٦", "4 آذار 2026", "4 मार्च 2026", "4 Mart 2026",
        "4 марта 2026 г.", "2026년 3월 4일", "4. března 2026", "4 березня 2026", "4 Maret 2026",
        "4 maart 2026",
        "ngày 4 tháng 3 năm 2026", "令和8年3月4日", "4.3.26", "March 4th, 2026",
    ],
)  # fmt: skip
def test_it_reads_a_date_as_each_language_writes_it(text):
    assert parse_date(text) == date(2026, 3, 4)


def test_no_language_has_the_month_names_of_another():
    """Babel kept what it resolved for one where all look (https://github.com/python-babel/babel/issues/1234)."""
    named = {
        code: format_date(date(2019, 9, 1), "LLLL", locale=code)
        for code in ("he", "zh", "ja", "ar", "de", "nl")
    }

    assert named == {
        "he": "ספטמבר", "zh": "九月", "ja": "9月", "ar": "سبتمبر", "de": "September", "nl": "september",
    }  # fmt: skip


def test_a_language_with_one_order_decides_a_date_with_two_readings():
    assert parse_date("03/04/2026", language="fr") == date(2026, 4, 3)
    assert parse_date("03/04/2026", language="en") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://schema.org/FULL_TIME", ["FULL_TIME"]),
        ("Vollzeit", ["FULL_TIME"]),
        ("Part time (20h)", ["PART_TIME"]),
        ("CDI, temps plein", ["FULL_TIME"]),
        ("Vollzeit/Teilzeit", ["FULL_TIME", "PART_TIME"]),
        ("full-time or part-time", ["FULL_TIME", "PART_TIME"]),
        ("正社員", ["FULL_TIME"]),
        ("Festanstellung", []),
        ("Zero-point", ["Zero-point"]),
    ],
)
def test_it_reads_kinds_of_employment(text, expected):
    assert employment_types(text) == expected


@pytest.mark.parametrize(
    "text", ["100 % Homeoffice", "Télétravail total", "Home based - Worldwide", "フルリモート可"]
)
def test_it_knows_remote_work_by_its_words(text):
    assert is_remote_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "Remote work is not possible.",
        "Hybrid, remote on Fridays",
        "Work from home 2 days a week",
        "Télétravail partiel",
    ],
)
def test_remote_work_that_is_denied_or_partial_is_none(text):
    assert not is_remote_value(text)
    assert not says_remote(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thika, Kenya", [("Thika", None, "KE")]),
        ("Berlin / Hamburg", [("Berlin", None, None), ("Hamburg", None, None)]),
        ("Nairobi; Kampala, Uganda", [("Nairobi", None, None), ("Kampala", None, "UG")]),
        ("Köln, Deutschland", [("Köln", None, "DE")]),
        ("Austin, TX, USA", [("Austin", "TX", "US")]),
        ("San Francisco, CA", [("San Francisco", "CA", None)]),
        ("دبي، الإمارات العربية المتحدة", [("دبي", None, "AE")]),
        ("Москва, Россия", [("Москва", None, "RU")]),
        ("80331 München", [("München", None, None)]),
        ("Hauptstr. 12, 50667 Köln", [("Köln", None, None)]),
        ("Germany", [(None, None, "DE")]),
        ("Remote", []),
        ("12", []),
    ],
)
def test_it_reads_places(text, expected):
    assert [(place.locality, place.region, place.country) for place in places_of(text)] == expected
