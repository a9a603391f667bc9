"""Pages of an economy batch: read once, kept small, and the same once the vendor has answered."""

import random
import tracemalloc

import pytest
import typst

from accounts import concurrency
from orchestration.batches import vendor_queue, vendor_work
from orchestration.batches.contents import Contents
from orchestration.celery_tasks import work_batch
from orchestration.models import Batch, BatchItem, EconomyCall, VendorBatch
from tests.extraction.test_pdf import POSTING, scanned
from tests.orchestration.test_batches import EXTRACT_MANY
from tests.orchestration.test_economy import config_at, sent, states, time_passes, work
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def no_worker_yet(monkeypatch):
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda args, **_: None)


@pytest.fixture
def config(sandbox):
    return config_at(sandbox, "openai")


def large(pdf):
    """The same to read, and three megabytes more to keep; nothing packs them."""
    return pdf + b"\n%" + random.Random(1).randbytes(3 * MEGABYTE).replace(b"\n", b" ") + b"\n"


def sent_page(api, site):
    items = [{"url": f"{site.root}/pdf"}]
    response = api.post(EXTRACT_MANY, {"items": items, "economy": True}, format="json")
    return Batch.objects.get(pk=response.json()["data"]["batch_id"])


def test_of_a_pdf_its_text_is_kept_and_not_the_file(api, config, sandbox, site):
    # Without fields that need no model, so that one is asked.
    site.pdf = large(typst.compile(POSTING.partition("Apply by")[0].encode()))
    batch = sent_page(api, site)

    work_batch(str(batch.pk))
    kept = Contents.of(EconomyCall.objects.get().sealed).kept
    site.pdf = b""
    work(batch)

    [page] = kept.values()
    assert "Hotel Sacher" in page["body"]
    assert page["content"] == ""
    item = batch.items.get()
    assert (item.state, item.answer["extracted_data"]["title"]) == ("done", "Pastry Chef")
    assert sandbox.hits()["total"] == AIProviderUsageLog.objects.filter(attempt__gt=0).count() == 1


def test_a_scanned_pdf_is_kept_as_it_is_because_its_pictures_may_be_asked_about_again(
    api, config, sandbox, site
):
    site.pdf = large(scanned())
    sandbox.fault("server")
    batch = sent_page(api, site)

    work_batch(str(batch.pk))
    site.pdf = b""
    work(batch)

    assert states(batch) == ["done"]
    assert sandbox.hits()["total"] == 2, "in the vendor's batch, where it failed, and alone"


def test_of_many_large_calls_a_worker_has_one_in_memory(api, config, sandbox):
    """A hundred of ten megabytes would be the end of it."""
    sandbox.fault("batch_slow=1", on="batch")
    batch = sent(api)
    work_batch(str(batch.pk))
    size = with_a_hundred_more()
    time_passes()

    looked = peak_of(vendor_work.advance)
    time_passes()
    settled = peak_of(vendor_work.advance)

    assert VendorBatch.objects.get().state == "ended"
    assert not EconomyCall.objects.filter(state="waiting").exists()
    assert looked < size / 8, "whether there is anything is asked without opening it"
    assert settled < size / 2


def with_a_hundred_more():
    """Beside those that the vendor has; the bytes that these have in the database."""
    sealed = Contents(kept={"page": random.Random(2).randbytes(150_000).hex()}).sealed()
    first = EconomyCall.objects.select_related("item").first()
    items = BatchItem.objects.bulk_create(
        BatchItem(batch_id=first.item.batch_id, number=number, given={}, state="running")
        for number in range(101, 201)
    )
    EconomyCall.objects.bulk_create(
        EconomyCall(
            item=item,
            vendor_batch_id=first.vendor_batch_id,
            provider_type=first.provider_type,
            model_name=first.model_name,
            usage_row=0,
            size=0,
            sealed=sealed,
        )
        for item in items
    )
    return 100 * len(sealed)


def peak_of(asked):
    """Bytes that were in use at once while it ran, beyond those before."""
    tracemalloc.start()
    try:
        concurrency.run(asked())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_calls_of_a_vendors_batch_come_without_what_they_carry(api, config):
    batch = sent(api, 2)
    work_batch(str(batch.pk))

    found = vendor_queue.calls_of(VendorBatch.objects.get())

    assert [call.get_deferred_fields() for call in found] == [{"sealed"}] * 2
