"""The usage log page by page, with rows of one moment, and with others that come meanwhile."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from console import cursor_pages
from console.cursor_pages import Cursor
from tests.usage.attempts import NOON
from tests.usage.ended import make_call

pytestmark = pytest.mark.django_db

LOG = "/admin/usage/aiproviderusagelog/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def make_calls(count):
    """Three of each minute, so that pages end between rows of one moment."""
    return [make_call(NOON + timedelta(minutes=number // 3)).pk for number in range(count)]


def shown(console, address):
    changes = console.get(address).context["cl"]
    return changes, [row.pk for row in changes.result_list]


def walk(console, first, towards):
    """Every page from `first` on, as the links lead: the ids of each."""
    pages, address = [], first
    while address:
        changes, rows = shown(console, address)
        pages.append(rows)
        link = getattr(changes, f"{towards}_url")
        address = link and f"{LOG}{link}"
    return pages


def links(console, address):
    """The links below the list: the address of each by its words."""
    html = console.get(address).content.decode().partition('class="cursor-pages"')[2].partition("</nav>")[0]
    return {words: unescape(link) for link, words in re.findall(r'href="([^"]*)">([^<]*)</a>', html)}


@pytest.mark.parametrize("order", ["", "&o=0", "&o=-0"])
def test_every_row_is_on_one_page_there_and_back(console, order):
    made = make_calls(80)
    expected = made if order == "&o=0" else made[::-1]

    there = walk(console, f"{LOG}?rows=25{order}", "next")
    last = f"{LOG}?rows=25{order}"
    while link := shown(console, last)[0].next_url:
        last = f"{LOG}{link}"
    back = walk(console, last, "previous")

    assert [len(page) for page in there] == [25, 25, 25, 5]
    assert [pk for page in there for pk in page] == expected
    assert back == there[::-1]


@pytest.mark.parametrize(("order", "onwards", "back"), [("", "Older", "Newer"), ("&o=0", "Newer", "Older")])
def test_the_links_say_where_they_lead(console, order, onwards, back):
    make_calls(51)
    changes, first = shown(console, f"{LOG}?rows=25{order}")
    assert links(console, f"{LOG}?rows=25{order}") == {onwards: changes.next_url}

    further = links(console, LOG + changes.next_url)
    assert further.keys() == {"First page", back, onwards}
    assert shown(console, LOG + further["First page"])[1] == first
    assert shown(console, LOG + further[back])[1] == first
    assert links(console, LOG + further[onwards]).keys() == {"First page", back}


def test_a_place_is_told_to_the_microsecond():
    place = Cursor(NOON + timedelta(microseconds=999_999), 12)

    assert Cursor.read(str(place)) == place


def test_rows_that_come_meanwhile_move_nothing(console):
    made = make_calls(60)
    first, _ = shown(console, f"{LOG}?rows=25")
    for _ in range(7):
        make_call(NOON + timedelta(days=1))

    _, rows = shown(console, LOG + first.next_url)

    assert rows == made[::-1][25:50]


def test_a_page_towards_the_newest_that_would_be_short_is_the_first(console):
    made = make_calls(60)
    first, _ = shown(console, f"{LOG}?rows=50")
    older, _ = shown(console, LOG + first.next_url)
    changes, rows = shown(console, f"{LOG}{older.previous_url}&rows=100")

    assert rows == made[::-1]
    assert (changes.first_url, changes.previous_url, changes.next_url) == ("", "", "")


def test_a_filter_begins_at_its_first_page_and_keeps_its_own_place(console):
    make_calls(30)
    for _ in range(30):
        make_call(NOON, status="error", error_kind="server")
    changes, _ = shown(console, f"{LOG}?rows=25&status__exact=error")
    changes, rows = shown(console, LOG + changes.next_url)

    assert len(rows) == 5
    assert parse_qs(urlsplit(changes.previous_url).query).keys() == {"after", "rows", "status__exact"}
    assert parse_qs(urlsplit(changes.get_query_string({"task_type": "extraction"})).query).keys() == {
        "rows", "status__exact", "task_type"
    }  # fmt: skip


def test_no_page_skips_over_the_rows_before_it(console):
    make_calls(120)
    changes, _ = shown(console, f"{LOG}?rows=25")
    changes, _ = shown(console, LOG + changes.next_url)

    with CaptureQueriesContext(connection) as captured:
        console.get(LOG + changes.next_url)

    assert [query["sql"] for query in captured if "OFFSET" in query["sql"]] == []


@pytest.mark.parametrize("cursor", ["before=x", "after=1", "before=-", f"after={'9' * 40}-1", "before=1-x"])
def test_a_place_that_is_none_leads_to_the_first_page(console, cursor):
    make_calls(3)

    response = console.get(f"{LOG}?{cursor}")

    assert (response.status_code, response.url) == (302, LOG)


def test_by_another_column_the_newest_are_sorted_and_the_page_says_so(console, monkeypatch):
    monkeypatch.setattr(cursor_pages, "MOST_SORTED", 40)
    dear = make_call(NOON - timedelta(days=1), latency_ms=900_000).pk
    made = [make_call(NOON + timedelta(minutes=number), latency_ms=1000 - number).pk for number in range(40)]

    changes, rows = shown(console, f"{LOG}?rows=25&o=7")
    _, further = shown(console, LOG + changes.next_url)
    beside = links(console, LOG + changes.next_url)
    of_a_day, _ = shown(console, f"{LOG}?o=7&created_at_to={NOON - timedelta(days=1):%Y-%m-%d}")

    assert rows + further == made[::-1]
    assert links(console, f"{LOG}?rows=25&o=7").keys() == {"Next"}
    assert beside.keys() == {"First page", "Previous"}
    assert {tuple(shown(console, LOG + link)[1]) for link in beside.values()} == {tuple(rows)}
    assert "Sorted are the newest" in console.get(f"{LOG}?o=7").content.decode()
    assert [row.pk for row in of_a_day.result_list] == [dear]
    assert not of_a_day.is_cut
