"""Lists as people like to see them, and as many rows of them as they like."""

import html

import pytest

from console.models import SavedView
from console.saved_views import MOST_VIEWS
from tests.factories import make_user
from tests.usage.attempts import NOON
from tests.usage.ended import make_call

pytestmark = pytest.mark.django_db
LOG = "/admin/usage/aiproviderusagelog/"
FAILED = "status__exact=error"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def save(console, **fields):
    return console.post("/admin/views/save/", {"page": LOG, "name": "Failed", "query": FAILED} | fields)


def test_a_view_is_saved_under_a_name_and_opened_again(console):
    make_call(NOON, status="error", error_kind="server")
    make_call(NOON)

    saved = save(console, query=f"{FAILED}&p=2")
    page = console.get(LOG).content.decode()

    assert saved.url == f"{LOG}?{FAILED}"
    assert f'href="{LOG}?{FAILED}"' in page
    assert len(console.get(saved.url).context["cl"].result_list) == 1
    assert f'href="{LOG}?{FAILED}"' not in console.get("/admin/accounts/user/").content.decode()


def test_a_name_is_taken_over_and_what_is_too_much_is_refused(console):
    for number in range(MOST_VIEWS):
        save(console, name=f"View {number}")

    save(console, name="View 0", query="")
    for wrong in ({"name": "One more"}, {"name": " "}, {"name": "x" * 61}):
        refused = save(console, **wrong)
        assert refused.url == LOG

    assert SavedView.objects.count() == MOST_VIEWS
    assert SavedView.objects.get(name="View 0").query == ""


@pytest.mark.parametrize("page", ["https://example.com/", "/admin/", "//example.com", "/admin/nothing/", ""])
def test_only_lists_have_views_and_nobody_is_led_elsewhere(console, page):
    assert save(console, page=page).status_code == 404


def test_a_view_is_seen_and_deleted_by_who_made_it_only(console, client):
    save(console)
    view = SavedView.objects.get()
    client.force_login(make_user("other@example.com", role="SUPER_ADMIN"))

    assert "Failed</a>" not in client.get(LOG).content.decode()
    assert client.post(f"/admin/views/{view.pk}/delete/").status_code == 404
    client.force_login(view.user)
    assert client.post(f"/admin/views/{view.pk}/delete/").url == LOG
    assert not SavedView.objects.exists()


def test_a_name_is_shown_as_text(console):
    save(console, name="<b>Mine", query="q=%22%3E%3Cscript%3E")

    page = console.get(LOG).content.decode()

    assert "<b>Mine" not in page
    assert "<b>Mine" in html.unescape(page)
    assert "<script>" not in page.partition("saved-views")[2].partition("</nav>")[0]


@pytest.mark.parametrize(("asked", "shown"), [("25", 25), ("100", 60), ("7", 50), ("x", 50), ("", 50)])
def test_a_page_of_the_usage_log_has_as_many_rows_as_was_chosen(console, asked, shown):
    for _ in range(60):
        make_call(NOON)

    page = console.get(LOG, {"rows": asked}, follow=True)

    assert len(page.context["cl"].result_list) == shown
