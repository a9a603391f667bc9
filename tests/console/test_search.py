"""The sidebar, and the box behind Ctrl-K."""

import re
from html import unescape
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Plan
from accounts.personal_tokens import create
from console.navigation import SECTIONS, links_of
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from orchestration.models import Batch, Experiment
from providers.models import ModelCapability
from providers.stored_prompts import add_version
from providers.tasks import prompt_of, task_type
from tests.factories import make_config, make_user
from tests.usage.attempts import NOON
from tests.usage.ended import make_call
from usage.models import Alert, ModelPrice

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def search(console, term):
    """The box's answer, as (title, kind, address)."""
    answer = console.get("/admin/search/", {"s": term, "extended": "1"}).content.decode()
    rows = re.findall(r'href="(.+?)">.*?truncate">(.+?)</span>.*?shrink-0">(.+?)</span>', answer, re.DOTALL)
    return [(unescape(title), kind, link) for link, title, kind in rows]


def furnish_work():
    person = make_user("worker@example.com")
    JobPosting.objects.create(
        user=person, source_kind="text", content_hash="0" * 64, title="Lighthouse keeper",
        hiring_organization="Fair Isle",
    )  # fmt: skip
    MasterProfile.objects.create(user=person, name="Sea and shore", resume={})
    make_draft(person, "Applying")
    Batch.objects.create(id=UUID("b7c0ffee-0000-4000-8000-000000000001"), user=person, kind="extract")
    texts = {name: text.text for name, text in prompt_of("cover_letter").texts.items()}
    add_version(
        actor=Actor.system(), task=task_type("cover_letter"), version="warmer", based_on="standard",
        about="Warm.", texts=texts | {"system": "Be warm."},
    )  # fmt: skip
    create(user=person, name="Notebook", actor=Actor.system())
    Alert.objects.create(
        kind="latency", subject="config:1", group="calls", severity="warning", message="One is switched off",
        state="open", episode=1, since=timezone.now(), seen_at=timezone.now(), opened_at=timezone.now(),
    )  # fmt: skip
    ModelPrice.objects.create(
        provider_type="openai", model_name="gpt-5-pro", input_mtok=1, output_mtok=2, note="Negotiated"
    )


def make_draft(person, title, version=1):
    return Draft.objects.create(
        user=person, kind="cv", series="s", version=version, title=title, content={}, prompt_version="1",
        provider_type="openai", model_name="gpt-5-mini", request_id="r", latency_ms=1, attempts=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("term", "kind", "title"),
    [
        ("main acc", "Provider", "Main account"),
        ("gpt-5-mi", "Provider", "Main account"),
        ("who@", "Person", "who@example.com"),
        ("Wanda", "Person", "who@example.com"),
        ("0195-ABC", "Request", "0195-abc"),
        ("whisper", "Model", None),
        ("freem", "Plan", None),
        ("letters by", "Experiment", "Letters by evidence"),
        ("audit", "Page", "Audit trail"),
        ("lighthouse", "Job posting", "Lighthouse keeper"),
        ("fair is", "Job posting", "Lighthouse keeper"),
        ("sea and", "Profile", "Sea and shore"),
        ("applying", "Draft", "CV Applying v1"),
        ("b7c0ff", "Batch", "extract b7c0ffee"),
        ("B7C0FFEE-0000-4", "Batch", "extract b7c0ffee"),
        ("warm", "Prompt", "Cover letters: warmer"),
        ("job extraction: bri", "Prompt", "Job extraction: brief"),
        ("noteb", "Access token", "Notebook"),
        ("switched", "Alert", "switched off"),
        ("negot", "Price", "gpt-5-pro"),
    ],
)
def test_each_kind_of_thing_is_found_and_has_a_page(console, term, kind, title):
    make_config(display_name="Main account", model_name="gpt-5-mini")
    make_config(display_name="Another", model_name="o9")
    make_user("who@example.com", full_name="Wanda Who")
    make_call(NOON, request_id="0195-abc")
    ModelCapability.objects.create(provider_type="openai", model_name="whisper-1")
    Experiment.objects.create(name="Letters by evidence", task="cover_letter")
    furnish_work()

    found = [(name, link) for name, what, link in search(console, term) if what == kind]

    assert len(found) == 1
    assert title is None or title in found[0][0]
    assert console.get(found[0][1]).status_code == 200


def test_what_is_not_there_is_said_and_so_is_how_to_find_it(console):
    answer = console.get("/admin/search/", {"s": "<b>nobody", "extended": "1"}).content.decode()

    assert "Nothing is called “&lt;b&gt;nobody”" in answer
    assert "<li" not in answer


def test_what_was_made_a_moment_ago_is_found_and_what_is_gone_is_not(console):
    assert search(console, "brand new") == []

    config = make_config(display_name="Brand new")
    there = search(console, "brand new")
    config.delete()

    assert [title for title, _, _ in there] == ["Brand new"]
    assert search(console, "brand new") == []


@pytest.mark.parametrize(("term", "kinds"), [("wa", set()), ("wan", {"Person"})])
def test_people_are_asked_about_from_three_letters_on(console, term, kinds):
    make_user("who@example.com", full_name="Wanda Who")

    assert {kind for _, kind, _ in search(console, term)} & {"Person"} == kinds


def test_of_much_the_newest_are_looked_through(console, user, monkeypatch):
    monkeypatch.setattr("console.search.NEWEST", 2)
    for number, title in enumerate(("Sailing the oldest", "Sailing again", "Sailing the newest")):
        make_draft(user, title, version=number + 1)

    titles = [title for title, kind, _ in search(console, "sailing") if kind == "Draft"]

    assert titles == ["CV Sailing the newest v3", "CV Sailing again v2"]


@pytest.mark.parametrize("term", ["zzz", "f" * 33, "12345678-", "ffffffff", "---", "é" * 200])
def test_what_is_no_beginning_of_an_id_breaks_nothing(console, term):
    Batch.objects.create(user=make_user("b@example.com"), kind="extract")

    assert [kind for _, kind, _ in search(console, term) if kind not in {"Batch"}] == []


def test_more_rows_ask_no_more_questions(console, django_assert_max_num_queries):
    for number in range(40):
        make_config(display_name=f"Account {number}")

    with django_assert_max_num_queries(26):
        shown = search(console, "account")

    assert 1 <= len(shown) <= 10


def test_the_sidebar_has_about_ten_entries_and_every_page_is_in_a_section(console):
    page = console.get(reverse("admin:accounts_plan_changelist"))

    assert len(SECTIONS) <= 12
    assert all(links_of(section) for section in SECTIONS)
    assert [title for title, _, is_here in page.context["section_pages"] if is_here] == ["Plans"]
    entries = page.context["sidebar_navigation"][0]["items"]
    assert [entry["title"] for entry in entries if entry["active"]] == ["People"]


def test_a_row_s_page_is_of_the_section_of_its_list(console):
    plan = Plan.objects.get(slug="freemium")

    page = console.get(reverse("admin:accounts_plan_change", args=[plan.pk])).content.decode()

    assert 'href="#main"' in page
    assert 'aria-current="page">Plans' in page
