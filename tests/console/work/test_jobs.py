"""Job postings in the console."""

import pytest

from accounts.models import AuditEntry
from extraction.models import JobPosting

pytestmark = pytest.mark.django_db

LIST = "/admin/extraction/jobposting/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def make_posting(user, **overrides):
    fields = {
        "source_kind": "text",
        "content_hash": "0" * 64,
        "title": "Engineer",
        "data": {"title": "Engineer", "salary": None, "location": "<b>Berlin</b>"},
        "sources": {"title": "text", "location": "model"},
        "request_id": "abc",
    }
    return JobPosting.objects.create(user=user, **(fields | overrides))


def test_a_posting_shows_each_field_with_its_source_as_text(console, user):
    posting = make_posting(user)

    page = console.get(f"{LIST}{posting.pk}/change/").content.decode()

    assert "&lt;b&gt;Berlin&lt;/b&gt;" in page
    assert "<b>Berlin" not in page
    assert "salary" not in page
    assert "/admin/usage/aiproviderusagelog/?q=abc" in page


@pytest.mark.parametrize(
    ("query", "titles"), [("vendor=gemini", ["Asked"]), ("vendor=none", ["Read"]), ("", ["Asked", "Read"])]
)
def test_postings_are_found_by_who_answered(console, user, query, titles):
    make_posting(user, title="Read")
    make_posting(user, title="Asked", provider_type="gemini")

    found = console.get(f"{LIST}?{query}").context["cl"].result_list

    assert sorted(posting.title for posting in found) == titles


def test_nobody_edits_a_posting_and_deleting_one_is_audited_without_its_content(console, user):
    posting = make_posting(user)

    assert console.post(f"{LIST}{posting.pk}/change/", {"title": "x"}).status_code == 403
    assert console.post(f"{LIST}{posting.pk}/delete/", {"post": "yes"}).status_code == 302

    entry = AuditEntry.objects.get(action="jobposting.deleted")
    assert entry.changes["title"] == ["Engineer", None]
    assert "data" not in entry.changes
