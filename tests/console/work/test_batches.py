"""Batches in the console."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from orchestration.batches import queue
from orchestration.models import BatchItem, VendorBatch
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db

LIST = "/admin/orchestration/batch/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def batch(user):
    """Three postings, of which one was answered, one refused, and one waits."""
    items = [{"text": f"The secret posting {number}"} for number in range(3)]
    made = queue.start(user=user, kind="extract", items=items, economy=True)
    first, second, _ = made.items.order_by("number")
    over = {"ended_at": timezone.now(), "given": {}}
    saved = Decimal("0.000125")
    BatchItem.objects.filter(pk=first.pk).update(
        state="done", status=201, answer={"title": "The secret answer"}, saved_usd=saved, **over
    )
    refused = {"code": "content_blocked", "message": "The secret message"}
    BatchItem.objects.filter(pk=second.pk).update(state="failed", status=422, answer=refused, **over)
    for cost in ("0.25", "0.5"):
        AIProviderUsageLog.objects.create(
            user=user,
            provider_type="openai",
            model_name="gpt-5-mini",
            task_type="extraction",
            status="success",
            request_id=first.request_id,
            created_at=timezone.now(),
            input_tokens=1,
            total_tokens=1,
            estimated_cost_usd=Decimal(cost),
        )
    VendorBatch.objects.create(batch=made, provider_type="openai", model_name="m", vendor_id="batch_77")
    return made


def test_the_list_says_who_how_far_and_at_what_cost(console, batch, django_assert_max_num_queries):
    with django_assert_max_num_queries(15):
        page = console.get(LIST).content.decode()

    for shown in ("alice@example.com", "2 of 3, 1 failed", "0.750000", "0.000125", "running"):
        assert shown in page


def test_the_page_shows_states_and_errors_and_no_texts(console, batch):
    page = console.get(f"{LIST}{batch.pk}/change/").content.decode()

    for shown in ("content_blocked", "batch_77", "0.750000", "0.000125"):
        assert shown in page
    assert "secret" not in page


def test_nobody_edits_or_deletes_one(console, batch):
    assert console.post(f"{LIST}{batch.pk}/change/", {"kind": "x"}).status_code == 403
    assert console.post(f"{LIST}{batch.pk}/delete/", {"post": "yes"}).status_code == 403


def test_cancelling_is_audited_and_done_once(console, batch, super_admin):
    for _ in range(2):
        done = console.post(LIST, {"action": "cancel", "_selected_action": [str(batch.pk)]}, follow=True)
        assert done.status_code == 200

    assert sorted(batch.items.values_list("state", flat=True)) == ["cancelled", "done", "failed"]
    entry = AuditEntry.objects.get(action="batch.cancelled")
    assert (entry.actor, entry.target_id) == (super_admin, str(batch.pk))
    assert VendorBatch.objects.get().is_unwanted
    assert "secret" not in str(entry.changes)


def test_people_of_no_such_role_see_none(client, user, batch):
    client.force_login(user)

    assert client.get(LIST).status_code in (302, 403)
