"""`manage.py usage_report`: the statistics for terminals and cron."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import make_config, make_user
from tests.usage.calls import make_calls

pytestmark = pytest.mark.django_db


def report(*options):
    out = io.StringIO()
    call_command("usage_report", *options, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("by", ["provider", "model", "task", "plan", "user", "day"])
def test_each_table_adds_up_to_the_calls_that_were_made(by):
    make_calls(3, make_config(), cost="0.25", user=make_user("=cmd@example.com"), ago=timedelta(minutes=1))
    make_calls(1, None, cost=None, ago=timedelta(minutes=1))

    body = json.loads(report("--by", by, "--format", "json", "--days", "2"))
    rows = list(csv.DictReader(io.StringIO(report("--by", by, "--format", "csv", "--days", "2"))))

    assert (body["total"]["calls"], Decimal(body["total"]["cost_usd"])) == (4, Decimal("0.75"))
    assert body["total"]["unpriced_calls"] == 1
    assert sum(int(row["calls"]) for row in rows) == 4
    assert "Total" in report("--by", by)


def test_a_name_is_no_formula_in_the_csv_and_moves_no_cursor_in_the_table():
    make_calls(1, None, provider_type="local", model_name="=1+1\x1b[2J")

    assert ",local" in report("--by", "model", "--format", "csv")
    assert "\x1b" not in report("--by", "model")


def test_from_to_and_zone_choose_local_days():
    today = timezone.now().date()
    make_calls(2, None, at=timezone.now() - timedelta(days=3))
    day = (today - timedelta(days=3)).isoformat()

    body = json.loads(report("--from", day, "--to", day, "--by", "day", "--format", "json"))

    assert [(row["key"], row["calls"]) for row in body["rows"]] == [(day, 2)]


@pytest.mark.parametrize(
    "options",
    [
        ("--days", "0"),
        ("--days", "3", "--from", "2026-11-01"),
        ("--from", "2026-11-02", "--to", "2026-11-01"),
        ("--tz", "Mars"),
        ("--by", "colour"),
        ("--from", "yesterday"),
    ],
)
def test_a_question_that_makes_no_sense_is_an_error(options):
    with pytest.raises(CommandError):
        report(*options)
