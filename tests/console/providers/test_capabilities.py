"""The capability matrix in the console: what is known of each model, from whom, and the admin's own word."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from orchestration.routing.snapshot import current_snapshot
from providers.models import ModelCapability, RoutingRevision

pytestmark = pytest.mark.django_db
LIST, ADD = "admin:providers_modelcapability_changelist", "admin:providers_modelcapability_add"


@pytest.fixture
def haiku():
    return ModelCapability.objects.create(
        provider_type="claude",
        model_name="claude-haiku-4-5",
        vendor_vision=True,
        vendor_context_window=200_000,
        seen_at=timezone.now(),
    )


def change_url(row):
    return reverse("admin:providers_modelcapability_change", args=[row.pk])


def words(response):
    return " ".join(response.content.decode().split())


def test_it_lists_models_with_what_is_known_and_from_whom(console, haiku):
    ModelCapability.objects.create(provider_type="openai", model_name="new-one", structured_output=False)

    page = words(console.get(reverse(LIST)))

    assert "claude-haiku-4-5" in page
    assert (
        '<span class="chip good">✓ yes</span><span class="models said-by">vendor&#x27;s list</span>' in page
    )
    assert "reads <strong>200,000</strong> vendor&#x27;s list" in page
    assert "writes <strong>64,000</strong> by name" in page
    assert '<span class="chip good">✓ yes</span><span class="models said-by">by name</span>' in page
    assert '<span class="chip quiet">✕ no</span><span class="models said-by">set here</span>' in page
    assert '<span class="chip quiet">unknown</span>' in page
    assert "never listed" in page


def test_the_list_costs_the_same_however_long_it_is(console, haiku):
    console.get(reverse(LIST))
    with CaptureQueriesContext(connection) as with_one:
        console.get(reverse(LIST))
    ModelCapability.objects.bulk_create(
        ModelCapability(provider_type="openai", model_name=f"model-{number}") for number in range(30)
    )

    with CaptureQueriesContext(connection) as with_many:
        console.get(reverse(LIST))

    assert len(with_many) == len(with_one)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"provider_type__exact": "claude"}, {"claude-haiku-4-5"}),
        ({"state": "listed"}, {"claude-haiku-4-5"}),
        ({"state": "retired"}, {"gpt-4"}),
        ({"state": "unlisted"}, {"ours"}),
        ({"state": "overridden"}, {"ours"}),
        ({"q": "haiku"}, {"claude-haiku-4-5"}),
    ],
)
def test_it_filters(console, haiku, query, found):
    ModelCapability.objects.create(
        provider_type="openai", model_name="gpt-4", seen_at=timezone.now(), retired_at=timezone.now()
    )
    ModelCapability.objects.create(provider_type="local", model_name="ours", context_window=4096)

    response = console.get(reverse(LIST), query)

    assert {row.model_name for row in response.context["cl"].result_list} == found


def test_an_override_is_stored_audited_and_used_by_the_next_call(console, super_admin, haiku):
    before = current_snapshot()
    typed = {"vision": "false", "structured_output": "", "streaming": "", "context_window": "5000"}

    response = console.post(change_url(haiku), typed | {"max_output_tokens": "", "note": "Blurred."})

    assert response.status_code == 302
    haiku.refresh_from_db()
    assert (haiku.vision, haiku.structured_output, haiku.context_window) == (False, None, 5000)
    assert haiku.vendor_vision is True
    can = current_snapshot().capabilities.of("claude", "claude-haiku-4-5")
    assert (can.vision, can.context_window) == (False, 5000)
    assert before.capabilities.of("claude", "claude-haiku-4-5").vision is True
    entry = AuditEntry.objects.get(action="modelcapability.changed")
    assert entry.actor == super_admin
    assert entry.changes == {
        "vision": [None, False],
        "context_window": [None, 5000],
        "note": ["", "Blurred."],
    }


def test_an_override_can_be_taken_back(console, haiku):
    haiku.vision = False
    haiku.save()

    console.post(change_url(haiku), {"vision": "", "note": ""})

    haiku.refresh_from_db()
    assert haiku.vision is None


def test_the_form_says_what_holds_without_an_override(console, haiku):
    haiku.vision = False
    haiku.save()

    page = words(console.get(change_url(haiku)))

    assert "As found: yes (vendor&#x27;s list)" in page
    assert "As found: yes (by name)" in page
    assert "Empty: 200,000 (vendor's list)." in page
    assert '<option value="false" selected>No</option>' in page


def test_a_model_that_no_list_has_can_be_described(console):
    typed = {"provider_type": "local", "model_name": "models/Our-LLM ", "structured_output": "true"}

    console.post(reverse(ADD), typed)

    row = ModelCapability.objects.get()
    assert (row.model_name, row.structured_output, row.vision) == ("our-llm", True, None)
    assert AuditEntry.objects.filter(action="modelcapability.created").exists()


def test_a_model_has_one_row_however_it_is_written(console, haiku):
    typed = {"provider_type": "claude", "model_name": "Claude-Haiku-4-5"}

    response = console.post(reverse(ADD), typed)

    assert "This model has a row already." in response.content.decode()
    assert ModelCapability.objects.count() == 1


def test_deleting_a_row_is_audited(console, haiku):
    console.post(reverse("admin:providers_modelcapability_delete", args=[haiku.pk]), {"post": "yes"})

    assert not ModelCapability.objects.exists()
    assert AuditEntry.objects.filter(action="modelcapability.deleted").exists()


@pytest.mark.django_db(transaction=True)
def test_several_rows_are_deleted_at_once(console, haiku):
    chosen = {"action": "delete_selected", "_selected_action": [haiku.pk], "post": "yes"}

    console.post(reverse(LIST), chosen)

    assert not ModelCapability.objects.exists()
    assert AuditEntry.objects.filter(action="modelcapability.deleted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_list_that_came_in_while_the_form_was_open_is_kept(console, haiku, monkeypatch):
    def list_comes_in():
        ModelCapability.objects.filter(pk=haiku.pk).update(vendor_context_window=1_000_000)

    # The moment between reading the row and writing it.
    monkeypatch.setattr(RoutingRevision, "hold", list_comes_in)
    console.post(change_url(haiku), {"vision": "false", "note": ""})

    haiku.refresh_from_db()
    assert (haiku.vision, haiku.vendor_context_window) == (False, 1_000_000)


def test_it_is_for_super_admins(client, user, haiku):
    client.force_login(user)

    assert {client.get(url).status_code for url in (reverse(LIST), change_url(haiku))} <= {302, 403}


def test_the_page_stands_beside_the_providers(console):
    assert reverse(LIST) in words(console.get(reverse("admin:providers_aiproviderconfig_changelist")))


def test_the_page_of_a_model_shows_what_is_left_out_of_requests_and_saving_keeps_it(console, haiku):
    found = {"store": "2026-11-30", "form": "2026-11-30"}
    ModelCapability.objects.update(refused_parameters=found)

    page = words(console.get(change_url(haiku)))
    console.post(change_url(haiku), {"vision": "", "note": "Seen."})

    assert "form, store" in page
    haiku.refresh_from_db()
    assert (haiku.note, haiku.refused_parameters) == ("Seen.", found)
