"""Economy batches in trouble: keys that cannot be opened, providers switched off or gone, keys from the
environment, and what comes back from a vendor after a day."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.utils import timezone

from orchestration.batches import vendor_work
from orchestration.celery_tasks import advance_economy, work_batch
from orchestration.models import Batch, VendorBatch
from providers.encryption import SealedValue
from tests.orchestration.test_batches import EXTRACT, posting
from tests.orchestration.test_economy import (
    attempts,
    config_at,
    nothing,
    nothing_is_reserved,
    rows,
    sent,
    states,
    time_passes,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker_yet(monkeypatch):
    """The tests work when it suits them."""
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda args, **_: None)


@pytest.fixture
def config(sandbox, settings):
    settings.CALL_DEADLINE_SECONDS = 30
    return config_at(sandbox, "openai")


def days_pass(days):
    earlier = timezone.now() - timedelta(days=days)
    Batch.objects.update(created_at=earlier)
    VendorBatch.objects.update(created_at=earlier)


def made_ready(api, monkeypatch, count=2):
    """A batch whose calls are about to be sent."""
    batch = sent(api, count)
    with monkeypatch.context() as waiting:
        waiting.setattr(vendor_work, "_send", nothing)
        work_batch(str(batch.pk))
    time_passes()
    assert VendorBatch.objects.get().state == "new"
    return batch


def never_sent(batch, reason):
    """The vendor has heard of no call of it, and nothing of it is paid for or held."""
    refused = attempts_before_any(batch).values_list("status", "error_kind", "estimated_cost_usd")
    assert set(refused) == {("aborted", reason, 0)}
    return nothing_is_reserved()


def attempts_before_any(batch):
    return rows(batch).filter(attempt=0)


def with_a_lost_key(config):
    config.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    config.save()


def test_a_key_that_cannot_be_opened_is_waited_for_and_then_done_without(api, config, sandbox, monkeypatch):
    batch = made_ready(api, monkeypatch)
    with_a_lost_key(config)
    config_at(sandbox, "claude", is_default=False)

    work(batch, 1)
    waiting = VendorBatch.objects.get().state, states(batch)
    VendorBatch.objects.update(created_at=timezone.now() - timedelta(hours=2))
    work(batch)

    assert waiting == ("new", ["running"] * 2)
    assert states(batch) == ["done"] * 2
    assert sandbox.hits()["batches"] == {}
    assert set(attempts(batch).values_list("provider_type", flat=True)) == {"claude"}
    assert never_sent(batch, "key_undecryptable")


def test_what_waits_for_a_key_can_be_cancelled(api, config, sandbox, monkeypatch):
    batch = made_ready(api, monkeypatch)
    with_a_lost_key(config)
    advance_economy()

    api.post(f"/api/v1/batches/{batch.pk}/cancel")
    time_passes()
    advance_economy()

    assert states(batch) == ["cancelled"] * 2
    assert VendorBatch.objects.get().state == "ended"
    assert never_sent(batch, "key_undecryptable")


def test_nothing_is_sent_to_a_provider_that_was_switched_off_meanwhile(api, config, sandbox, monkeypatch):
    batch = made_ready(api, monkeypatch)
    config_at(sandbox, "claude", is_default=False)
    config.is_active = False
    config.save()

    work(batch)

    assert sandbox.hits()["batches"] == {}
    assert states(batch) == ["done"] * 2
    assert set(attempts(batch).values_list("provider_type", flat=True)) == {"claude"}
    assert never_sent(batch, "switched_off")


def test_nothing_is_sent_to_a_model_that_is_not_the_providers_any_more(api, config, sandbox, monkeypatch):
    batch = made_ready(api, monkeypatch)
    config.model_name = "gpt-5-nano"
    config.save()

    work(batch)

    assert sandbox.hits()["batches"] == {}
    assert set(attempts(batch).values_list("model_name", flat=True)) == {"gpt-5-nano"}
    assert never_sent(batch, "switched_off")


def test_what_a_provider_has_is_heard_out_although_it_was_switched_off(api, config, sandbox):
    batch = sent(api, 2)
    work_batch(str(batch.pk))
    config.is_active = False
    config.save()

    work(batch)

    assert states(batch) == ["done"] * 2
    assert set(attempts(batch).values_list("status", "service_tier")) == {("success", "batch")}


@pytest.fixture
def environment(sandbox, settings, monkeypatch):
    """A key in the environment, and no config."""
    settings.PROVIDER_ENVIRONMENT = {
        "openai": {"api_key": "sk-test-environment-01", "model_fast": "gpt-5-mini", "model_quality": ""}
    }
    # The outermost seam: the vendor's own address, which the environment has no setting for.
    monkeypatch.setattr("providers.adapters.openai.OPENAI_URL", sandbox.openai)


def test_a_batch_of_the_environments_key_is_heard_out_although_there_is_a_config_now(
    api, environment, sandbox
):
    batch = sent(api, 2)
    work_batch(str(batch.pk))
    config_at(sandbox, "claude")

    work(batch)

    assert VendorBatch.objects.get().from_environment
    assert states(batch) == ["done"] * 2
    assert sandbox.hits()["batches"] == {"openai": 1}
    assert set(attempts(batch).values_list("provider_type", "service_tier")) == {("openai", "batch")}


def test_what_was_not_sent_by_then_is_not_sent_with_the_environments_key(
    api, environment, sandbox, monkeypatch
):
    batch = made_ready(api, monkeypatch)
    config_at(sandbox, "claude")

    work(batch)

    assert sandbox.hits()["batches"] == {}
    assert set(attempts(batch).values_list("provider_type", flat=True)) == {"claude"}
    assert never_sent(batch, "switched_off")


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_deleted_configs_batch_is_not_taken_to_the_environments_account(
    api, config, environment, sandbox, monkeypatch, is_sent
):
    """Another account knows nothing of it, and would be sent it a second time."""
    batch = sent(api, 2) if is_sent else made_ready(api, monkeypatch)
    if is_sent:
        work_batch(str(batch.pk))
    config.delete()

    work(batch)

    assert not VendorBatch.objects.get().from_environment
    assert sandbox.hits()["batches"] == ({"openai": 1} if is_sent else {})
    assert states(batch) == ["done"] * 2
    alone = attempts(batch).exclude(service_tier="batch")
    assert set(alone.values_list("provider_type", "provider_config", "status")) == {
        ("openai", None, "success")
    }
    assert alone.count() == 2


@pytest.mark.parametrize("has_config", [True, False])
def test_batches_from_before_the_column_stay_what_they_were_taken_for(sandbox, has_config):
    if has_config:
        config_at(sandbox, "claude")
    for state in ("new", "sent", "ended"):
        VendorBatch.objects.create(provider_type="openai", model_name="gpt-5-mini", state=state)

    import_module("orchestration.migrations.0009_economy_accounts").mark(apps, None)

    marked = set(VendorBatch.objects.filter(from_environment=True).values_list("state", flat=True))
    assert marked == (set() if has_config else {"new", "sent"})


def cooling(api, sandbox):
    """The vendor asks everybody to come back in 100 seconds, which is longer than a call may take."""
    sandbox.fault("rate_limited=100")
    assert api.post(EXTRACT, {"text": posting(99)}, format="json").status_code == 502


def test_what_a_vendor_did_not_answer_within_a_day_may_still_wait_a_moment(api, config, sandbox):
    sandbox.fault("batch_expired", on="batch")
    batch = sent(api, 1)
    work_batch(str(batch.pk))
    days_pass(1.1)
    cooling(api, sandbox)

    work(batch, 2)
    waiting = batch.items.get()
    config_at(sandbox, "claude", is_default=False)
    work(batch)

    assert (waiting.state, waiting.tries) == ("waiting", 0)
    assert states(batch) == ["done"]
    assert nothing_is_reserved()


def test_and_not_for_longer_than_a_day(api, config, sandbox):
    sandbox.fault("batch_expired", on="batch")
    batch = sent(api, 1)
    work_batch(str(batch.pk))
    cooling(api, sandbox)
    work(batch, 2)

    VendorBatch.objects.update(ended_at=timezone.now() - timedelta(days=1))
    work(batch, 1)

    item = batch.items.get()
    assert (item.state, item.answer["code"]) == ("failed", "providers_unavailable")
