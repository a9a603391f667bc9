"""The statements of docs/operations/monitoring-sql.md run, and say what they promise."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from tests.factories import make_config, make_user
from tests.usage.calls import make_calls

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "monitoring-sql.md"
STATEMENTS = dict(re.findall(r"^## (.*?)\n.*?```sql\n(.*?)```", PAGE.read_text(), re.DOTALL | re.MULTILINE))

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def answer(title):
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS[title])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(autouse=True)
def calls():
    config = make_config(provider_type="openai", model_name="gpt-5-mini")
    soon = {"ago": timedelta(minutes=5), "provider_type": "openai"}
    make_calls(
        3, config, cost="0.125", user=make_user("a@example.com"), unit_prices={"input_mtok": "2"}, **soon
    )
    make_calls(1, config, status="timeout", error_kind="timeout", error_message="too slow", **soon)
    make_calls(1, config, cost=None, status="started", **soon)
    make_calls(1, config, status="aborted", **soon)
    make_calls(2, None, cost=None, at=timezone.now() - timedelta(hours=2), provider_type="openai")
    make_calls(1, None, attempt=0, status="error", error_kind="quota_exceeded", **soon)


def test_every_statement_of_the_page_is_one_that_is_run():
    assert len(STATEMENTS) == PAGE.read_text().count("```sql")
    for title in STATEMENTS:
        assert answer(title), title


def test_availability_counts_calls_that_ended_at_a_vendor():
    (row,) = answer("Provider availability")

    assert (row["provider_type"], row["success_percent"], row["calls"]) == ("openai", Decimal(75), 4)


def test_cost_is_in_usd_and_unknown_costs_are_counted():
    rows = answer("Cost trends")

    assert sum(row["cost_usd"] or 0 for row in rows) == Decimal("0.375")
    assert sum(row["unpriced_calls"] for row in rows) == 2


def test_errors_are_grouped_by_kind():
    kinds = {row["error_kind"]: row["errors"] for row in answer("Error tracking")}

    assert kinds == {"timeout": 1, "quota_exceeded": 1}


def test_calls_without_user_or_config_are_listed_too():
    rows = answer("The latest calls")

    assert len(rows) == 9
    assert {row["email"] for row in rows} == {"a@example.com", None}


def test_what_was_billed_tells_its_prices():
    rows = answer("What a call was billed at")

    assert [row["calls"] for row in rows if row["input_mtok"] == "2"] == [3]
