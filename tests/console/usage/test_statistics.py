"""The dashboard, the statistics, and what their charts and files are made from."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import connection
from django.template.loader import get_template
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry
from console.usage.panels import MOST_ROWS, PANELS
from tests.factories import make_config, make_user
from tests.usage.ended import make_call, make_refusal, utc
from usage.models import QuotaCounter

pytestmark = pytest.mark.django_db

PAGE = "/admin/statistics/"
WEEK = "from=2026-11-15&to=2026-11-21&tz=UTC"
NOON = utc(2026, 11, 18, 12)


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def panel(console, name, query=WEEK):
    response = console.get(f"{PAGE}{name}.json?{query}")
    assert response.status_code == 200, response.content
    return response.json()


def column(panel, key):
    number = [column["key"] for column in panel["columns"]].index(key)
    return [row[number] for row in panel["rows"]]


def csv_rows(console, name, query=WEEK):
    response = console.get(f"{PAGE}{name}.csv?{query}")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="{name}.csv"'
    return list(csv.reader(io.StringIO(response.content.decode())))


@pytest.mark.parametrize("path", ["/admin/", PAGE])
def test_each_page_names_panels_that_exist(console, path):
    response = console.get(path)

    assert response.status_code == 200
    names = [panel["name"] for panel in response.context["panels"]]
    assert names
    assert set(names) <= set(PANELS)
    assert b"statistics.js" in response.content


def test_the_home_and_statistics_page_have_no_inline_script_and_no_foreign_address():
    for name in (
        "console/usage/statistics.html",
        "console/usage/dashboard.html",
        "console/usage/panels.html",
        "console/usage/panel_places.html",
    ):
        source = get_template(name).template.source
        assert "<script>" not in source
        assert "//" not in source.replace("{#", "").replace("#}", "")
    for name in ("console/statistics.js", "console/usage.css"):
        assert "http" not in Path(finders.find(name)).read_text()


@pytest.mark.parametrize("name", list(PANELS))
def test_every_panel_answers_with_and_without_calls(console, name):
    empty = panel(console, name)
    config = make_config()
    make_call(NOON, provider_config=config, user=make_user("a@example.com"))
    make_call(NOON, provider_config=config, status="error", error_kind="server", estimated_cost_usd=None)
    filled = panel(console, name)

    for answer in (empty, filled):
        assert answer["title"]
        width = len(answer["columns"])
        assert all(len(row) == width for row in answer["rows"])
        keys = {column["key"] for column in answer["columns"]}
        for chart in answer["charts"]:
            assert set(chart["columns"]) <= keys
            assert len(chart["tones"]) == len(chart["columns"])


def test_the_summary_sets_the_period_against_the_one_before(console):
    for moment, calls in ((NOON, 3), (NOON - timedelta(days=7), 2)):
        for _ in range(calls):
            make_call(moment)

    summary = panel(console, "summary")

    assert column(summary, "calls") == [3, 2, 50.0]
    assert column(summary, "cost") == ["0.003", "0.002", 50.0]


def test_two_shares_differ_by_points_and_figures_by_a_percentage(console):
    for moment, statuses in (
        (NOON, ("success", "success", "success", "error")),
        (NOON - timedelta(days=7), ("success", "error")),
    ):
        for status in statuses:
            make_call(moment, status=status, error_kind="server" if status == "error" else "")

    summary = panel(console, "summary")

    assert column(summary, "success_rate") == [75, 50, 25.0]
    assert column(summary, "calls") == [4, 2, 100.0]


def test_points_are_told_of_nothing_as_well(console):
    make_call(NOON)
    make_call(NOON - timedelta(days=7), status="error", error_kind="server")

    assert column(panel(console, "summary"), "success_rate") == [100, 0, 100.0]


def test_an_unknown_cost_is_null_in_the_answer_and_empty_in_the_file(console):
    make_call(NOON, estimated_cost_usd=None)

    assert column(panel(console, "tasks"), "cost") == [None]
    header, row = csv_rows(console, "tasks")
    assert row[header.index("Cost")] == ""
    assert row[header.index("Unpriced calls")] == "1"


def test_costs_keep_every_digit(console):
    make_call(NOON, estimated_cost_usd=Decimal("0.000000123457"))

    assert column(panel(console, "tasks"), "cost") == ["0.000000123457"]
    assert "0.000000123457" in csv_rows(console, "tasks")[1]


def test_the_series_has_each_day_and_each_hour_of_a_short_period(console):
    make_call(NOON)

    by_day = panel(console, "over-time")
    by_hour = panel(console, "over-time", "from=2026-11-18&to=2026-11-18&tz=Asia/Kathmandu")

    assert column(by_day, "calls") == [0, 0, 0, 1, 0, 0, 0]
    assert sum(column(by_hour, "calls")) == 1
    # A day of 24 hours from 18:15 UTC on: 23 whole hours of UTC and two pieces.
    assert len(by_hour["rows"]) == 25
    assert column(by_hour, "start")[0] == "2026-11-18 00:00 +0545"


def test_errors_are_told_apart_by_kind_with_refusals_among_them(console):
    for _ in range(2):
        make_call(NOON, status="error", error_kind="server")
    make_refusal(NOON)

    errors = panel(console, "errors")

    assert [column["label"] for column in errors["columns"]] == [
        "Day",
        "server",
        "quota exceeded",
        "All errors",
    ]
    assert ["2026-11-18", 2, 1, 3] in errors["rows"]


def test_one_provider_s_page_shows_its_own_calls_only(console):
    ours, theirs = make_config(display_name="Ours"), make_config()
    make_call(NOON, provider_config=ours)
    make_call(NOON, provider_config=theirs)

    response = console.get(f"{PAGE}?provider={ours.pk}")

    assert b"Statistics of Ours" in response.content
    assert column(panel(console, "summary", f"{WEEK}&provider={ours.pk}"), "calls")[0] == 1


def test_a_provider_s_row_leads_to_its_statistics_and_a_user_s_to_the_user(console):
    config, user = make_config(), make_user("a@example.com")
    make_call(NOON, provider_config=config, user=user)

    assert panel(console, "providers")["links"] == [f"{PAGE}?provider={config.pk}"]
    assert panel(console, "users")["links"] == [f"/admin/accounts/user/{user.pk}/change/"]


def test_a_long_table_is_cut_on_the_page_and_whole_in_the_file(console):
    for number in range(MOST_ROWS + 3):
        make_call(NOON, user=make_user(f"u{number}@example.com"))

    users = panel(console, "users")

    assert (len(users["rows"]), len(users["links"]), users["left_out"]) == (MOST_ROWS, MOST_ROWS, 3)
    assert len(csv_rows(console, "users")) == 1 + MOST_ROWS + 3


def test_quotas_show_who_is_near_the_limit(console):
    user = make_user("a@example.com")
    window = f"day:{datetime.now(UTC):%Y-%m-%d}"
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window=window, used=7500)

    assert ["a@example.com", "today", 7500, 0, 10_000, 75.0] in panel(console, "quotas")["rows"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\uff1d1"])
def test_no_cell_of_a_file_is_a_formula(console, name):
    make_call(NOON, provider_config=make_config(display_name=name))

    cell = csv_rows(console, "providers")[1][0]

    assert cell.startswith("'")
    assert cell.endswith("1") or "HYPERLINK" in cell or "SUM" in cell


def test_taking_a_file_is_in_the_audit_trail(console, super_admin):
    csv_rows(console, "users")

    entry = AuditEntry.objects.get(action="statistics.exported")
    assert (entry.actor, entry.target_label, entry.door) == (super_admin, "users", "admin")
    assert entry.changes["from"] == [None, "2026-11-15"]


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-11-21&to=2026-11-15",
        "from=yesterday&to=today",
        "from=2026-11-21",
        "tz=Mars/Olympus",
        "from=0001-01-01&to=9999-12-31",
        "from=2001-01-01&to=2026-01-01",
    ],
)
def test_a_period_that_is_not_valid_is_explained(console, query):
    response = console.get(f"{PAGE}over-time.json?{query}")

    assert response.status_code == 422
    assert response.json()["error"]
    assert console.get(f"{PAGE}over-time.csv?{query}").status_code == 422
    assert console.get(f"{PAGE}?{query}").status_code == 200


def test_the_time_zone_is_remembered(console):
    console.get(f"{PAGE}?tz=Asia/Kathmandu")

    assert console.get(PAGE).context["chosen"]["tz"] == "Asia/Kathmandu"


@pytest.mark.parametrize("asked", ["999999", "x", "-1", "9" * 40, "1;drop"])
def test_a_provider_that_does_not_exist_is_not_found(console, asked):
    assert console.get(f"{PAGE}?provider={asked}").status_code == 404
    assert console.get(f"{PAGE}summary.json?provider={asked}").status_code == 404


def test_a_panel_that_does_not_exist_is_not_found(console):
    assert console.get(f"{PAGE}nonsense.json").status_code == 404


@pytest.mark.parametrize("role", [None, "USER", "STAFF"])
@pytest.mark.parametrize(
    "path", ["/admin/", PAGE, "/admin/usage/alert/", f"{PAGE}summary.json", f"{PAGE}users.csv"]
)
def test_nobody_but_super_admins_sees_figures(client, role, path):
    if role:
        client.force_login(make_user("someone@example.com", role=role))

    response = client.get(path)

    assert response.status_code in (302, 403)
    assert not AuditEntry.objects.filter(action="statistics.exported").exists()


@pytest.mark.parametrize("name", ["providers", "users", "quotas", "health", "models"])
def test_ten_more_rows_of_a_panel_add_no_query(console, name):
    def queries(rows):
        for _ in range(rows):
            user = make_user(f"u{make_config(daily_token_limit=5).pk}@example.com")
            make_call(datetime.now(UTC) - timedelta(hours=2), user=user, provider_config=make_config())
        with CaptureQueriesContext(connection) as captured:
            panel(console, name, "")
        return len(captured)

    queries(1)
    few = queries(1)

    assert queries(10) == few
