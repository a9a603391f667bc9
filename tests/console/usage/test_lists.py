import html
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry
from console.filters import ErrorKindFilter
from tests.factories import make_config, make_user
from tests.usage.attempts import NOON
from tests.usage.ended import make_call
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter
from usage.stats import rollup

pytestmark = pytest.mark.django_db

ROWS = "/admin/usage/aiproviderusagelog/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def make_rows(count):
    config = make_config()
    for number in range(count):
        AIProviderUsageLog.objects.create(
            user=make_user(f"user{number}-{AIProviderUsageLog.objects.count()}@example.com"),
            provider_config=config,
            provider_type="openai",
            model_name="gpt-5-mini",
            task_type="extraction",
            request_id="0" * 32,
            created_at=NOON,
        )


def test_ten_more_rows_add_no_query(console, django_assert_num_queries):
    make_rows(2)
    console.get(ROWS)
    with CaptureQueriesContext(connection) as with_two:
        console.get(ROWS)
    make_rows(10)

    with django_assert_num_queries(len(with_two)):
        response = console.get(ROWS)

    assert len(response.context["cl"].result_list) == 12


def test_a_row_shows_what_it_cost_or_that_nobody_knows(console):
    make_rows(1)
    AIProviderUsageLog.objects.update(status="success", estimated_cost_usd="0.012345678")
    make_rows(1)
    AIProviderUsageLog.objects.filter(estimated_cost_usd=None).update(status="success")
    make_rows(1)

    page = console.get(ROWS).content.decode()

    assert "0.012346" in page
    assert "price unknown" in page
    assert "Started" in page


def test_one_rows_page_shows_every_column(console):
    make_rows(1)

    page = console.get(f"{ROWS}{AIProviderUsageLog.objects.get().pk}/change/")

    assert page.status_code == 200
    assert "gpt-5-mini" in page.content.decode()


@pytest.mark.parametrize("model", ["aiproviderusagelog", "quotacounter"])
def test_nobody_edits_the_record_not_even_a_super_admin(console, model):
    make_rows(1)
    QuotaCounter.objects.create(scope="user:1", window="day:2026-11-21", used=5)
    row = AIProviderUsageLog.objects.get() if model == "aiproviderusagelog" else QuotaCounter.objects.get()

    assert console.get(f"/admin/usage/{model}/").status_code == 200
    assert console.get(f"/admin/usage/{model}/add/").status_code == 403
    assert console.post(f"/admin/usage/{model}/{row.pk}/change/", {"used": 0}).status_code == 403
    assert console.post(f"/admin/usage/{model}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_price_can_be_set(console):
    response = console.post(
        "/admin/usage/modelprice/add/",
        {"provider_type": "local", "model_name": "smollm2", "input_mtok": "0", "output_mtok": "0"},
    )

    assert response.status_code == 302
    price = ModelPrice.objects.get()
    assert (price.model_name, price.input_mtok, price.cache_read_mtok) == ("smollm2", 0, None)


def test_a_set_price_is_in_the_audit_trail(console):
    console.post(
        "/admin/usage/modelprice/add/",
        {"provider_type": "local", "model_name": "smollm2", "input_mtok": "0", "output_mtok": "0"},
    )

    entry = AuditEntry.objects.get(action="modelprice.created")
    assert entry.changes["model_name"] == [None, "smollm2"]


def test_the_list_never_counts_the_whole_table(console):
    make_rows(1)

    with CaptureQueriesContext(connection) as captured:
        console.get(ROWS)

    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    assert [sql for sql in counts if "ai_provider_usage_logs" in sql] == []


def shown(console, query):
    return [row.pk for row in console.get(f"{ROWS}?{query}").context["cl"].result_list]


@pytest.mark.parametrize("is_rolled_up", [False, True])
@pytest.mark.parametrize(
    "query",
    [
        "status__exact=error",
        "status__exact=error&error_kind=server",
        "error_kind=server",
        "provider_type=gemini",
        "model_name=gemini-2.5-flash",
        "task_type=cv_draft",
        "plan=paygo",
        "email=two@example.com",
        "created_at_from=2026-11-20&created_at_to=2026-11-20",
        "q=1111",
        "q=two@",
    ],
)
def test_each_filter_finds_the_one_row_and_not_the_other(console, query, is_rolled_up):
    make_call(NOON, user=make_user("one@example.com"))
    sought = make_call(
        NOON - timedelta(days=1),
        user=make_user("two@example.com"),
        status="error",
        error_kind="server",
        provider_type="gemini",
        model_name="gemini-2.5-flash",
        task_type="cv_draft",
        plan="paygo",
        request_id="1111",
    )
    if is_rolled_up:
        rollup.refresh(now=NOON + timedelta(days=3))

    assert shown(console, query) == [sought.pk]


@pytest.mark.parametrize(
    ("status", "of_a_row"),
    [
        ("success", {"cached": True, "attempt": 0}),
        ("error", {"attempt": 0, "status": "error", "error_kind": "quota_exceeded"}),
        ("started", {"status": "started", "settled_at": None}),
        ("aborted", {"status": "aborted"}),
    ],
)
def test_a_status_is_found_by_whatever_name_the_rollups_count_it(console, status, of_a_row):
    sought = make_call(NOON - timedelta(days=2), **of_a_row)
    make_call(NOON, status="timeout", error_kind="timeout")
    rollup.refresh(now=NOON + timedelta(days=3))

    assert shown(console, f"status__exact={status}") == [sought.pk]


def test_calls_can_be_looked_for_by_whatever_they_were_refused_for(console):
    now = timezone.now()
    for kind, ago in (("too_many_calls", timedelta(days=3)), ("token_revoked", timedelta(minutes=1))):
        make_call(now - ago, attempt=0, status="error", error_kind=kind)
    rollup.refresh(now=now)

    specs = console.get(ROWS).context["cl"].filter_specs

    offered = dict(next(one for one in specs if isinstance(one, ErrorKindFilter)).lookup_choices)
    assert (offered["too_many_calls"], offered["token_revoked"]) == ("too many calls", "token revoked")
    assert "server" in offered
    assert "" not in offered


def test_a_search_finds_nothing_for_people_who_never_called(console):
    make_call(NOON, user=make_user("caller@example.com"))
    make_user("quiet@example.com")

    assert shown(console, "q=quiet") == []


@pytest.mark.parametrize(
    "query", ["provider_type=claude", "model_name=o3", "task_type=cover_letter", "plan=pro_annual"]
)
def test_a_filter_that_nothing_was_called_by_looks_at_no_row_of_the_past(console, query):
    make_call(NOON)
    rollup.refresh(now=NOON + timedelta(days=3, minutes=20))

    with CaptureQueriesContext(connection) as captured:
        assert shown(console, query) == []

    listed = [
        one["sql"]
        for one in captured
        if "ORDER BY" in one["sql"] and AIProviderUsageLog._meta.db_table in one["sql"]
    ]
    assert listed
    assert all(f"{NOON + timedelta(days=3):%Y-%m-%d %H}:00" in sql for sql in listed)


def test_a_filter_finds_what_is_still_open_or_was_settled_late(console):
    is_open = make_call(NOON, provider_type="claude", status="started", settled_at=None)
    make_call(NOON + timedelta(days=1))
    rollup.refresh(now=NOON + timedelta(days=3))
    late = make_call(NOON - timedelta(days=1), provider_type="claude", settled_at=NOON + timedelta(days=3))

    assert shown(console, "provider_type=claude") == [is_open.pk, late.pk]


def test_the_providers_console_may_link_to_a_provider_s_rows(console):
    ours, theirs = make_config(), make_config()
    row = make_call(NOON, provider_config=ours)
    make_call(NOON, provider_config=theirs)

    assert shown(console, f"provider_config__id__exact={ours.pk}") == [row.pk]


def test_a_search_that_finds_nobody_finds_nothing(console):
    make_rows(1)

    assert shown(console, "q=nobody") == []


def test_a_call_shows_all_attempts_of_its_request_and_how_its_cost_came_about(console):
    first = make_call(NOON, request_id="abc", status="error", error_kind="server")
    second = make_call(
        NOON + timedelta(seconds=2),
        request_id="abc",
        attempt=2,
        unit_prices={"input_mtok": "2.5", "output_mtok": "10", "source": "override", "model": "gpt-5-mini"},
    )
    other = make_call(NOON, request_id="other")

    page = console.get(f"{ROWS}{second.pk}/change/").content.decode()

    assert f"{ROWS}{first.pk}/change/" in page
    assert f"{ROWS}{other.pk}/change/" not in page
    assert "0.00025" in page
    assert "Model prices" in page


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ({"input_mtok": "2", "cache_read_mtok": "0.5"}, "cache saved 0.000600000000 USD"),
        ({"input_mtok": "2", "cache_read_mtok": "2.5"}, "made this call dearer: -0.000200000000 USD saved"),
        ({"unpriced": "the service tier sooner"}, "cache took off is not known"),
    ],
)
def test_a_call_says_what_the_vendor_s_cache_saved(console, prices, said):
    row = make_call(NOON, input_tokens=1000, cached_tokens=400, unit_prices=prices, requested_tier="flex")

    page = html.unescape(console.get(f"{ROWS}{row.pk}/change/").content.decode())

    assert said in page
    assert "flex" in page


def test_an_error_is_shown_as_text(console):
    row = make_call(NOON, status="error", error_kind="server", error_message="<script>alert(1)</script>")

    page = console.get(f"{ROWS}{row.pk}/change/").content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_nothing_of_a_prompt_is_stored_or_shown():
    # The version is the name of a file of ours.
    names = {field.name for field in AIProviderUsageLog._meta.get_fields()} - {"prompt_version"}

    assert not {name for name in names if "prompt" in name or "text" in name or "content" in name}


def test_the_list_shows_who_what_and_how_much_in_as_many_columns_as_fit(console):
    config = make_config(display_name="Main account")
    make_call(
        NOON,
        provider_config=config,
        user=make_user("who@example.com"),
        status="error",
        error_kind="rate_limited",
        attempt=2,
        input_tokens=12_000,
        latency_ms=1_234,
    )

    response = console.get(ROWS)

    columns = response.context["cl"].list_display
    shown_columns = [name for name in columns if name != "action_checkbox"]
    assert shown_columns == ["moment", "person", "task", "asked", "outcome", "tokens", "cost", "latency"]
    # The filters beside the list name models and providers too.
    rows = response.content.decode().partition('id="result_list"')[2].partition("</table>")[0]
    for shown in (
        "12:00:00", "2026-11-21", "who@example.com", "Job extraction", "gpt-5-mini", "Main account",
        "rate limited, attempt 2", "12,020", "0.001000", "1,234\N{NO-BREAK SPACE}ms",
    ):  # fmt: skip
        assert shown in rows, shown


def test_a_row_s_page_writes_its_moments_alike_and_makes_no_failure_of_what_is_usual(console):
    row = make_call(NOON, settled_at=NOON + timedelta(seconds=3))

    page = console.get(f"{ROWS}{row.pk}/change/").content.decode()

    assert "2026-11-21 12:00:00" in page
    assert "2026-11-21 12:00:03" in page
    answered = page.partition("Answered from the cache")[2].partition("Settled at")[0]
    assert ">no<" in answered.replace("\n", "").replace(" ", "")
    assert "Nov. 21" not in page
