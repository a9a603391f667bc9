"""Profiles and drafts in the console."""

from decimal import Decimal

import pytest
from lxml import html

from accounts.models import AuditEntry
from drafting.models import Draft, MasterProfile

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def make_draft(user, **overrides):
    fields = {
        "kind": "cv",
        "series": "0" * 64,
        "version": 1,
        "title": "Engineer",
        "parameters": {"language": "en"},
        "content": {"basics": {"name": "Secret Name"}},
        "prompt_version": "1",
        "provider_type": "openai",
        "model_name": "gpt-5",
        "request_id": "abc",
        "cost_usd": None,
        "latency_ms": 10,
        "attempts": 1,
    }
    return Draft.objects.create(user=user, **(fields | overrides))


def test_a_draft_shows_how_it_was_made_and_not_what_it_says(console, user):
    draft = make_draft(user)

    page = console.get(f"/admin/drafting/draft/{draft.pk}/change/").content.decode()

    assert "price unknown" in page
    assert "/admin/usage/aiproviderusagelog/?q=abc" in page
    assert "Secret Name" not in page


def test_a_draft_says_in_words_what_is_stored_of_it_and_not_what_its_owner_wrote(console, user):
    draft = make_draft(
        user,
        latency_ms=61234,
        parameters={"language": "en", "tone": "formal", "note": "Call my aunt", "pinned": ["a", "b"]},
        usage={"input_tokens": 1234, "output_tokens": 567, "cached_tokens": 0},
        grounding=[
            {"field": "work.0.1", "reason": "number_not_in_source", "message": "A number.", "words": ["99"]}
        ],
    )

    page = console.get(f"/admin/drafting/draft/{draft.pk}/change/").content.decode()

    said = " ".join(html.fromstring(page).xpath("//main")[0].text_content().split())
    assert "Latency 61,234 ms" in said
    assert "Languageen" in said
    assert "Tone" in said
    assert "1,234" in said
    assert "A number." in said
    assert [secret in page for secret in ("Call my aunt", "&#x27;99&#x27;", "{&")] == [False] * 3


def test_the_list_shows_costs_and_unknown_ones(console, user):
    make_draft(user, cost_usd=Decimal("0.0123"))
    make_draft(user, version=2)

    page = console.get("/admin/drafting/draft/").content.decode()

    assert "0.012300" in page
    assert "price unknown" in page


def test_deleting_a_profile_is_audited_without_the_cv(console, user):
    profile = MasterProfile.objects.create(user=user, name="Main", resume={"basics": {"name": "Secret"}})

    response = console.post(f"/admin/drafting/masterprofile/{profile.pk}/delete/", {"post": "yes"})

    assert response.status_code == 302
    entry = AuditEntry.objects.get(action="masterprofile.deleted")
    assert entry.changes["name"] == ["Main", None]
    assert "resume" not in entry.changes
