"""A vendor's bill against the log: every form that vendors export, and what explains a difference."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.usage.calls import make_calls
from usage.models import AIProviderUsageLog, RollupState
from usage.reconciliation.comparison import RowsPruned, model_key, reconcile
from usage.reconciliation.invoices import LONGEST_LINE, UnreadableInvoice, read_invoice

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
INVOICES = Path(__file__).parent / "invoices"

OPENAI_COSTS = (INVOICES / "openai_costs.csv").read_text()
OPENAI_USAGE = (INVOICES / "openai_usage.csv").read_text()
ANTHROPIC_COST = (INVOICES / "anthropic_cost.csv").read_text()
ANTHROPIC_USAGE = (INVOICES / "anthropic_usage.csv").read_text()
GOOGLE_COST_TABLE = (INVOICES / "google_cost_table.csv").read_text()
GOOGLE_EXPORT = (INVOICES / "google_export.csv").read_text()
PLAIN = (INVOICES / "plain.csv").read_text()
TOLD = (Decimal("2.25"), 1000, 500)


def told(text):
    lines = list(read_invoice(io.StringIO(text, newline="")))
    sums = []
    for name in ("cost_usd", "input_tokens", "output_tokens"):
        values = [getattr(line, name) for line in lines if getattr(line, name) is not None]
        sums.append(sum(values) if values else None)
    return {line.day for line in lines}, {model_key(line.model) for line in lines}, tuple(sums)


@pytest.mark.parametrize(
    ("text", "model", "sums"),
    [
        (OPENAI_COSTS, "gpt-5-mini", TOLD),
        (OPENAI_USAGE, "gpt-5-mini", (None, 1000, 500)),
        (ANTHROPIC_COST, "claude-haiku-4-5", (Decimal("2.25"), None, None)),
        (ANTHROPIC_USAGE, "claude-haiku-4-5", (None, 1000, 500)),
        (GOOGLE_COST_TABLE, "gemini-2-5-flash-lite", TOLD),
        (GOOGLE_EXPORT, "gemini-2-5-flash-lite", TOLD),
        (PLAIN, "gpt-5-mini", TOLD),
    ],
)
def test_every_form_tells_the_same(text, model, sums):
    assert told(text) == ({DAY}, {model}, sums)


def test_a_byte_order_mark_and_another_order_of_columns_are_fine():
    assert told("\ufeffoutput_tokens,model,date,input_tokens\n5,m,2026-11-20,7\n")[2] == (None, 7, 5)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "none of the forms"),
        ("a,b\n1,2\n", "none of the forms"),
        (PLAIN + "2026-13-01,m,1,,\n", "line 3"),
        (PLAIN + "2026-11-20,m,NaN,,\n", "no amount"),
        (PLAIN + "2026-11-20,m,1e999999999,,\n", "no amount"),
        (PLAIN + "2026-11-20,m,free,,\n", "not a number"),
        (PLAIN + '2026-11-20,"m,1,,\n', "line"),
        (PLAIN + "x" * (LONGEST_LINE + 1), "too long"),
        (PLAIN + "2026-11-20,m\x00,1,,\n", "NUL"),
        (OPENAI_COSTS.replace("usd", "eur"), "only USD"),
        (OPENAI_COSTS.replace("2026-11-20T00:00:00+00:00", "9" * 15), "line 3"),
        (OPENAI_COSTS.replace("2026-11-20T00:00:00+00:00", "9" * 18), "line 3"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text, why):
    with pytest.raises(UnreadableInvoice, match=why):
        told(text)


def test_an_amount_of_a_million_places_is_no_long_text():
    assert told("date,model,cost_usd\n2026-11-20,m,1e-1000000\n")[2][0] == 0


def test_a_month_of_lines_is_read_one_by_one():
    def lines():
        yield "date,model,cost_usd\n"
        for n in range(200_000):
            yield f"2026-11-{n % 30 + 1:02},m,0.001\n"

    class Stream(io.StringIO):
        def __init__(self):
            self.given = lines()

        def readline(self, size=-1):
            return next(self.given, "")

    first = next(iter(read_invoice(Stream())))

    assert first.cost_usd == Decimal("0.001")


def calls(count, **fields):
    make_calls(
        count,
        None,
        at=fields.pop("at", NOON),
        **{
            "provider_type": "openai",
            "model_name": "gpt-5-mini",
            "input_tokens": 500,
            "output_tokens": 250,
            "cost": "1.125",
            **fields,
        },
    )


def reconciled(text=PLAIN, **question):
    lines = read_invoice(io.StringIO(text, newline=""))
    return reconcile(lines, **{"provider_type": "openai", **question})


@pytest.mark.django_db
def test_a_bill_that_agrees_has_no_difference():
    calls(2, reported_model="gpt-5-mini-2025-08-07")
    calls(5, at=datetime(2026, 11, 21, tzinfo=UTC))
    calls(5, attempt=0)
    calls(1, cached=True, cost="0")

    found = reconciled()

    (row,) = found.rows
    assert (row.day, row.model) == (DAY, "gpt-5-mini-2025-08-07")
    assert (row.difference_usd, row.difference_percent, row.difference_tokens) == (0, 0.0, 0)
    assert found.beyond(percent=Decimal(0), usd=Decimal(0)) == []


@pytest.mark.django_db
def test_a_bill_of_a_time_whose_rows_are_pruned_is_refused():
    calls(2)
    RollupState.objects.create(id=1, until=NOON, as_of=NOON, pruned_before=datetime(2026, 11, 20, tzinfo=UTC))
    still_there = reconciled().total
    RollupState.objects.update(pruned_before=datetime(2026, 11, 21, tzinfo=UTC))

    with pytest.raises(RowsPruned, match="before 2026-11-21 were pruned"):
        reconciled()
    assert still_there.difference_usd == 0


@pytest.mark.django_db
def test_what_explains_a_difference_is_counted():
    calls(1)
    calls(1, usage_source="estimated", cost="0.5")
    calls(1, cost=None)
    calls(1, status="started", cost=None)
    calls(1, status="error", error_kind="server", input_tokens=0, output_tokens=0)

    (row,) = reconciled().rows

    assert row.difference_usd == Decimal("2.25") - Decimal("1.625")
    doubt = row.doubt
    assert (doubt.calls, doubt.unsettled, doubt.estimated, doubt.unpriced) == (5, 1, 1, 1)
    assert doubt.estimated_usd == Decimal("0.5")


@pytest.mark.django_db
def test_a_model_that_one_side_does_not_have_is_a_difference():
    calls(2)
    calls(1, model_name="gpt-5-nano")

    found = reconciled(PLAIN + "2026-11-20,gpt-6,3,10,10\n")
    beyond = found.beyond(percent=Decimal(1), usd=Decimal("0.01"))

    assert [(one.model, one.difference_usd) for one in beyond] == [
        ("gpt-5-nano", Decimal("-1.125")),
        ("gpt-6", 3),
        ("", Decimal("1.875")),
    ]


@pytest.mark.django_db
def test_an_unknown_price_of_ours_is_beyond_any_tolerance():
    calls(2, cost=None)

    beyond = reconciled().beyond(percent=Decimal(100), usd=Decimal(1000))

    assert [one.difference_usd for one in beyond] == [None, None]


@pytest.mark.django_db
def test_a_bill_of_whole_months_and_one_without_models_are_compared_as_such():
    calls(2)
    monthly = GOOGLE_COST_TABLE.replace("2026-11-20,2026-11-20", "2026-11-01,2026-11-30")
    make_calls(1, None, at=NOON, provider_type="gemini", model_name="gemini-2.5-flash-lite", cost="2.25")

    by_model = reconciled(monthly, provider_type="gemini")
    by_day = reconciled(re.sub(r'"gpt-5-mini.*?"', "", OPENAI_COSTS))

    assert [(row.day, row.difference_usd) for row in by_model.rows] == [(None, 0)]
    assert [(row.day, row.model, row.difference_usd) for row in by_day.rows] == [(DAY, "", 0)]


@pytest.mark.django_db
def test_days_are_those_of_the_vendors_zone_and_months_leave_out_others():
    calls(2, at=datetime(2026, 11, 21, 3, tzinfo=UTC))
    text = PLAIN + "2026-10-31,gpt-5-mini,9,1,1\n"

    found = reconciled(text, tz="America/Los_Angeles", month=DAY)

    assert [row.difference_usd for row in found.rows] == [0]
    assert (found.left_out, found.first, found.last) == (1, date(2026, 11, 1), date(2026, 11, 30))


def command(tmp_path: Path, text: str, *options: str):
    file = tmp_path / "invoice.csv"
    file.write_text(text)
    out = io.StringIO()
    try:
        call_command("reconcile_usage", "--vendor", "openai", "--file", str(file), *options, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


@pytest.mark.django_db
def test_the_command_tells_cron_whether_they_agree_and_writes_nothing(tmp_path):
    calls(2)
    before = list(AIProviderUsageLog.objects.values())

    agreed = command(tmp_path, PLAIN, "--month", "2026-11")
    differs = command(tmp_path, PLAIN.replace("2.25", "2.50"), "--format", "json")
    tolerated = command(
        tmp_path, PLAIN.replace("2.25", "2.50"), "--tolerance-percent", "10", "--format", "csv"
    )
    wrong = command(tmp_path, "nothing")

    assert agreed[0] == 0
    assert "gpt-5-mini" in agreed[1]
    assert (differs[0], differs[2]) == (2, "Ours and theirs differ: gpt-5-mini, the whole.")
    body = json.loads(differs[1])
    assert body["beyond_tolerance"] == ["gpt-5-mini"]
    assert Decimal(body["total"]["difference_usd"]) == Decimal("0.25")
    (row,) = csv.DictReader(io.StringIO(tolerated[1]))
    assert (tolerated[0], row["difference_percent"], row["model"]) == (0, "10.0", "gpt-5-mini")
    assert wrong[0] == 1
    assert list(AIProviderUsageLog.objects.values()) == before


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(CommandError, match="cannot be opened"):
        call_command("reconcile_usage", "--vendor", "openai", "--file", str(tmp_path / "none.csv"))
