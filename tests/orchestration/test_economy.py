"""Batches at the vendors' lower price: each item reserved before it is sent, settled by what the vendor says,
sent and billed once, whoever dies; and what a vendor does not answer goes the ordinary way."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum
from django.db.models.functions import Now
from django.utils import timezone

from accounts import concurrency
from orchestration.batches import queue, vendor_queue, vendor_work
from orchestration.batches.economy import EconomyAsking
from orchestration.celery_tasks import advance_economy, resume_batches, work_batch
from orchestration.models import Batch, BatchItem, EconomyCall, VendorBatch
from tests.factories import make_config
from tests.metrics.figures import counting_in
from tests.orchestration.test_batches import EXTRACT_MANY, posting
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = {"openai": "gpt-5-mini", "claude": "claude-haiku-4-5", "gemini": "gemini-2.5-flash"}


@pytest.fixture(autouse=True)
def no_worker_yet(monkeypatch):
    """The tests work when it suits them."""
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda args, **_: None)


@pytest.fixture(params=sorted(MODELS))
def config(request, sandbox):
    return config_at(sandbox, request.param)


@pytest.fixture
def openai_config(sandbox):
    return config_at(sandbox, "openai")


def config_at(sandbox, provider_type, **overrides):
    fields = {
        "provider_type": provider_type,
        "model_name": MODELS[provider_type],
        "base_url": sandbox.base_url(provider_type),
        "is_default": True,
    }
    return make_config(**(fields | overrides))


def sent(api, count=3, first=0):
    items = [{"text": posting(number)} for number in range(first, first + count)]
    response = api.post(EXTRACT_MANY, {"items": items, "economy": True}, format="json")
    assert response.status_code == 202, response.json()
    return Batch.objects.get(pk=response.json()["data"]["batch_id"])


def time_passes():
    """Whatever waits for its time, or is held by somebody who died, waits no longer."""
    BatchItem.objects.filter(held_until__gt=timezone.now()).update(held_until=Now())
    BatchItem.objects.update(not_before=None)
    VendorBatch.objects.update(not_before=None, held_until=None)


def work(batch, rounds=6):
    for _ in range(rounds):
        time_passes()
        advance_economy()
        work_batch(str(batch.pk))


def states(batch):
    return list(batch.items.order_by("number").values_list("state", flat=True))


def rows(batch):
    ids = batch.items.values_list("request_id", flat=True)
    return AIProviderUsageLog.objects.filter(request_id__in=ids).order_by("pk")


def attempts(batch):
    return rows(batch).filter(attempt__gt=0)


def nothing_is_reserved():
    return not QuotaCounter.objects.exclude(reserved=0).exists()


def test_items_are_answered_by_the_vendors_batch_at_its_price(api, config, sandbox):
    batch = sent(api)

    work_batch(str(batch.pk))
    at_vendor = states(batch), set(attempts(batch).values_list("status", flat=True))
    work(batch)

    told = api.get(f"/api/v1/batches/{batch.pk}").json()["data"]
    assert at_vendor == (["running"] * 3, {"started"})
    assert (told["state"], told["done"], told["economy"]) == ("done", 3, True)
    hits = sandbox.hits()
    assert sum(hits["batches"].values()) == 1
    assert hits["total"] == attempts(batch).count() == rows(batch).count() == 3
    assert set(attempts(batch).values_list("service_tier", "usage_source")) == {("batch", "vendor")}
    cost = attempts(batch).aggregate(cost=Sum("estimated_cost_usd"))["cost"]
    assert cost > 0
    assert Decimal(told["saved_usd"]) == cost, "half the price"
    assert nothing_is_reserved()
    titles = [item.answer["extracted_data"]["title"] for item in batch.items.order_by("number")]
    assert ["no. 0" in titles[0], "no. 1" in titles[1], "no. 2" in titles[2]] == [True] * 3
    advance_economy()
    assert not EconomyCall.objects.exists()


def test_what_a_batch_came_to_is_counted_as_the_log_has_it_and_nothing_is_in_flight(
    api, openai_config, sandbox, tmp_path, monkeypatch
):
    with counting_in(tmp_path / "counts") as figures:
        sandbox.fault("server")
        batch = sent(api)
        work_batch(str(batch.pk))
        parked = figures()
        close_call, died = vendor_queue.close_call, []

        def dies_once(*args, **kwargs):
            if not died:
                died.append(args)
                raise ConnectionError
            return close_call(*args, **kwargs)

        # A worker that dies after it has settled, and before it wrote that down.
        monkeypatch.setattr(vendor_queue, "close_call", dies_once)
        work(batch)
        ended = figures()

    assert died
    assert (parked.total("aditus_calls_in_flight"), ended.total("aditus_calls_in_flight")) == (0, 0)
    assert parked.total("aditus_vendor_calls_total") == 0
    assert ended.total("aditus_vendor_calls_total") == attempts(batch).count() == 4
    cost = attempts(batch).aggregate(cost=Sum("estimated_cost_usd"))["cost"]
    assert ended.total("aditus_cost_usd_total") == pytest.approx(float(cost), rel=1e-9)
    assert ended.total("aditus_vendor_call_duration_seconds_count") == 1, "the one that was asked alone"


def test_a_slow_vendor_is_asked_again_and_its_rows_are_not_swept(api, openai_config, sandbox):
    sandbox.fault("batch_slow=2", on="batch")
    batch = sent(api)
    work_batch(str(batch.pk))

    concurrency.run(get_ledger().sweep(now=timezone.now() + timedelta(hours=26)))
    still_open = attempts(batch).filter(status="started").count()
    work(batch)

    assert still_open == 3
    assert states(batch) == ["done"] * 3
    assert sum(sandbox.hits()["batches"].values()) == 1


def test_an_item_that_fails_goes_the_ordinary_way_alone(api, config, sandbox):
    sandbox.fault("server")
    batch = sent(api)

    work(batch)

    assert states(batch) == ["done"] * 3
    tiers = sorted(attempts(batch).values_list("service_tier", "status", "attempt"))
    assert [(status, number) for _, status, number in tiers].count(("error", 1)) == 1
    assert sandbox.hits()["total"] == attempts(batch).count() == 4
    failed = attempts(batch).get(status="error")
    assert (failed.total_tokens, failed.error_kind, failed.service_tier) == (0, "server", "batch")
    assert nothing_is_reserved()


def test_an_item_that_is_blocked_is_not_asked_for_twice(api, openai_config, sandbox):
    sandbox.fault("blocked")
    batch = sent(api, 1)

    work(batch)

    item = batch.items.get()
    assert (item.state, item.answer["code"]) == ("failed", "content_blocked")
    assert sandbox.hits()["total"] == attempts(batch).count() == 1


@pytest.mark.parametrize("fault", ["batch_failed", "batch_expired"])
def test_what_a_batch_did_not_come_to_costs_nothing_and_is_asked_alone(api, config, sandbox, fault):
    sandbox.fault(fault, on="batch")
    batch = sent(api, 4)

    work(batch)

    assert states(batch) == ["done"] * 4
    in_batch = attempts(batch).filter(service_tier="batch")
    answered = in_batch.filter(status="success").count()
    assert answered == (2 if fault == "batch_expired" else 0)
    assert sandbox.hits()["total"] == answered + attempts(batch).exclude(service_tier="batch").count()
    assert not in_batch.exclude(status="success").exclude(estimated_cost_usd=0).exists()
    assert nothing_is_reserved()


def test_a_form_that_does_not_fit_is_billed_and_asked_for_again(api, openai_config, sandbox):
    sandbox.fault("broken_json")
    batch = sent(api, 1)

    work(batch)

    assert states(batch) == ["done"]
    assert sandbox.hits()["total"] == attempts(batch).count() == 2


def test_a_vendor_that_refuses_the_batch_is_asked_item_by_item(api, openai_config, sandbox):
    sandbox.fault("bad_request", on="batch")
    batch = sent(api)

    work(batch)

    assert states(batch) == ["done"] * 3
    assert sandbox.hits()["total"] == attempts(batch).count() == 3
    assert not attempts(batch).filter(service_tier="batch").exists()
    assert nothing_is_reserved()


def test_a_vendor_that_is_busy_gets_the_batch_later(api, openai_config, sandbox):
    sandbox.fault("rate_limited", on="batch")
    batch = sent(api)

    work(batch)

    assert states(batch) == ["done"] * 3
    assert sandbox.hits()["batches"] == {"openai": 2}
    assert set(attempts(batch).values_list("service_tier", flat=True)) == {"batch"}


def test_a_batch_whose_taking_was_not_heard_of_is_found_and_not_sent_again(api, config, sandbox):
    sandbox.fault("disconnect@batch_slow=1", on="batch")
    batch = sent(api)

    work_batch(str(batch.pk))
    unheard = VendorBatch.objects.get()
    if config.provider_type == "claude":
        # It has no name there: only its end tells whose it is.
        time_passes()
        advance_economy()
        assert VendorBatch.objects.get().state == "sending"
        look_as_its_vendor_would(sandbox)
    work(batch)

    assert (unheard.state, unheard.vendor_id) == ("sending", "")
    assert sum(sandbox.hits()["batches"].values()) == 1
    assert states(batch) == ["done"] * 3
    assert sandbox.hits()["total"] == attempts(batch).count() == 3


def look_as_its_vendor_would(sandbox):
    """Batches here end by being looked at."""
    import json
    from urllib.request import Request, urlopen

    headers = {"x-api-key": "sk-ant-0123456789abcdef", "anthropic-version": "2023-06-01"}
    where = f"{sandbox.anthropic}/v1/messages/batches"
    for one in json.load(urlopen(Request(where, headers=headers)))["data"]:
        for _ in range(2):
            urlopen(Request(f"{where}/{one['id']}", headers=headers)).close()


def test_without_the_look_it_would_be_sent_twice(api, openai_config, sandbox, monkeypatch):
    """Shows that the test above can fail."""
    sandbox.fault("disconnect", on="batch")
    monkeypatch.setattr(vendor_work, "_find", vendor_work._send)
    batch = sent(api)

    work(batch)

    assert sandbox.hits()["batches"] == {"openai": 2}


def test_cancelling_cancels_at_the_vendor_and_costs_nothing(api, config, sandbox):
    sandbox.fault("batch_slow=99", on="batch")
    batch = sent(api)
    work_batch(str(batch.pk))

    told = api.post(f"/api/v1/batches/{batch.pk}/cancel").json()["data"]
    work(batch, 2)

    assert (told["running"], told["cancelled"]) == (3, 0)
    assert states(batch) == ["cancelled"] * 3
    assert sandbox.hits()["total"] == 0
    assert not attempts(batch).exclude(estimated_cost_usd=0).exists()
    assert nothing_is_reserved()


def test_what_is_cancelled_before_it_was_sent_never_is(api, openai_config, sandbox, monkeypatch):
    batch = sent(api, 2)
    with monkeypatch.context() as waiting:
        waiting.setattr(vendor_work, "_send", nothing)
        work_batch(str(batch.pk))

    api.post(f"/api/v1/batches/{batch.pk}/cancel")
    time_passes()
    advance_economy()

    assert states(batch) == ["cancelled"] * 2
    assert sandbox.hits()["batches"] == {}
    assert set(rows(batch).values_list("attempt", "status")) == {(0, "aborted")}
    assert nothing_is_reserved()


async def nothing(*_):
    return None


def test_what_the_vendor_had_answered_before_it_was_cancelled_is_kept(api, openai_config, sandbox):
    sandbox.fault("batch_slow=1", on="batch")
    batch = sent(api, 2)
    work_batch(str(batch.pk))
    Batch.objects.update(cancelled_at=timezone.now())
    time_passes()
    advance_economy()

    VendorBatch.objects.update(is_unwanted=True, cancelled_at=timezone.now())
    work(batch)

    assert states(batch) == ["done"] * 2
    assert sandbox.hits()["total"] == attempts(batch).filter(status="success").count() == 2


def test_nor_is_it_lost_by_a_worker_that_is_stopped_or_dies(api, openai_config, sandbox, monkeypatch):
    sandbox.fault("batch_slow=1", on="batch")
    batch = sent(api, 3)
    work_batch(str(batch.pk))
    for _ in range(3):
        time_passes()
        advance_economy()
    assert queue.claim_next(batch.pk)
    stopped = queue.claim_next(batch.pk)

    assert queue.cancel(batch)
    queue.put_back(stopped, seconds=0)
    BatchItem.objects.filter(state="running").update(held_until=Now())
    work_batch(str(batch.pk))

    assert states(batch) == ["done"] * 3
    assert sandbox.hits()["total"] == attempts(batch).filter(status="success").count() == 3


def test_deleting_settles_what_the_vendor_has_and_forgets_the_texts(api, openai_config, sandbox):
    sandbox.fault("batch_slow=99", on="batch")
    batch = sent(api)
    work_batch(str(batch.pk))
    ids = list(attempts(batch).values_list("pk", flat=True))

    assert api.delete(f"/api/v1/batches/{batch.pk}").status_code == 204
    for _ in range(3):
        time_passes()
        advance_economy()

    assert not EconomyCall.objects.exists()
    assert not VendorBatch.objects.exists()
    assert set(AIProviderUsageLog.objects.filter(pk__in=ids).values_list("status", flat=True)) == {"timeout"}
    assert nothing_is_reserved()


@pytest.mark.parametrize("gone", ["batch", "account"])
def test_what_is_deleted_is_emptied_before_the_vendor_has_ended(api, user, openai_config, sandbox, gone):
    sandbox.fault("batch_slow=99", on="batch")
    work_batch(str(sent(api).pk))
    ids = list(EconomyCall.objects.values_list("usage_row", flat=True))
    {"batch": Batch.objects.all(), "account": user}[gone].delete()

    vendor_queue.gather(None)
    emptied = set(EconomyCall.objects.values_list("sealed", "state")), VendorBatch.objects.get().state
    time_passes()
    advance_economy()

    assert emptied == ({("", "waiting")}, "sent")
    assert set(AIProviderUsageLog.objects.filter(pk__in=ids).values_list("status", flat=True)) == {"timeout"}
    assert nothing_is_reserved()
    advance_economy()
    assert not EconomyCall.objects.exists()


def test_a_vendor_that_never_answers_is_given_up_at_the_estimate(api, openai_config, sandbox):
    sandbox.fault("batch_slow=99", on="batch")
    batch = sent(api, 1)
    work_batch(str(batch.pk))
    VendorBatch.objects.update(begun_at=timezone.now() - vendor_queue.LONGEST_UNKNOWN - timedelta(minutes=1))

    work(batch)

    first = attempts(batch).first()
    assert (first.status, first.usage_source, first.service_tier) == ("timeout", "estimated", "batch")
    assert states(batch) == ["done"]
    assert nothing_is_reserved()


def test_a_config_that_is_deleted_meanwhile_loses_its_batch_and_not_the_items(api, openai_config, sandbox):
    sandbox.fault("batch_slow=99", on="batch")
    batch = sent(api, 1)
    work_batch(str(batch.pk))
    openai_config.delete()
    config_at(sandbox, "claude")

    work(batch)

    assert states(batch) == ["done"]
    assert list(attempts(batch).values_list("provider_type", "usage_source")) == [
        ("openai", "estimated"),
        ("claude", "vendor"),
    ]


def test_every_item_is_held_to_the_quota_before_it_is_sent(api, user, openai_config, sandbox):
    first = sent(api, 1)
    work_batch(str(first.pk))
    held = attempts(first).get().reserved_tokens
    plan_limit(user, held + held // 2)

    batch = sent(api, 2, first=1)
    work_batch(str(batch.pk))
    no_room = states(batch)
    plan_limit(user, held * 4)
    work(first)
    work(batch)

    assert no_room == ["waiting"] * 2, "until the first has been settled"
    assert sandbox.hits()["total"] == attempts(first).count() + attempts(batch).count() == 3
    assert states(batch) == ["done"] * 2


def plan_limit(user, tokens):
    from accounts.models import plan_of

    plan = plan_of(user.pk)
    plan.daily_token_limit = tokens
    plan.save()


def test_who_has_no_batch_api_is_told_before_anything_is_stored(api, sandbox):
    make_config(provider_type="local", model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)

    refused = api.post(EXTRACT_MANY, {"items": [{"text": posting(1)}], "economy": True}, format="json")
    drafts = api.post(
        "/api/v1/cv-drafter/batches",
        {"items": [{"job_data": {"title": "Keeper"}, "profile_id": 1}], "economy": True},
        format="json",
    )

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "economy_unavailable")
    assert drafts.status_code in (400, 422)
    assert not Batch.objects.exists()


def test_of_several_only_one_with_a_batch_api_is_asked(api, sandbox):
    make_config(provider_type="local", model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    config_at(sandbox, "claude", is_default=False)

    batch = sent(api, 2)
    work(batch)

    assert set(attempts(batch).values_list("provider_type", flat=True)) == {"claude"}


def test_a_worker_that_died_after_reserving_leaves_nothing_reserved(api, openai_config, sandbox, monkeypatch):
    batch = sent(api, 1)
    died_at(monkeypatch, batch)
    reserved = attempts(batch).filter(status="started").count()
    work(batch)

    assert reserved == 1
    assert states(batch) == ["done"]
    assert sandbox.hits()["total"] == attempts(batch).count() == 1
    assert nothing_is_reserved()
    assert resume_batches() == 0


def died_at(monkeypatch, batch):
    """As if killed after it had reserved: nothing more is done about the item."""
    with monkeypatch.context() as dying:
        dying.setattr(EconomyAsking, "_stored", nothing_stored)
        dying.setattr("orchestration.batches.economy.vendor_queue.is_parked", lambda _: True)
        work_batch(str(batch.pk))


async def nothing_stored(*_):
    raise RuntimeError("killed")


@pytest.mark.parametrize("place", ["park", "api_of"])
def test_what_cannot_be_made_ready_gives_back_at_once_what_it_reserved(
    api, openai_config, sandbox, monkeypatch, place
):
    batch = sent(api, 1)

    def fails(*_, **__):
        raise RuntimeError("a bug of ours")

    with monkeypatch.context() as failing:
        failing.setattr(vendor_queue, place, fails)
        work_batch(str(batch.pk))
    refused = rows(batch).values_list("status", "error_kind")

    assert list(refused) == [("aborted", "abandoned")]
    assert nothing_is_reserved()
    work(batch)
    assert states(batch) == ["done"]
    assert sandbox.hits()["total"] == attempts(batch).count() == 1


def test_a_call_that_was_stored_keeps_its_reservation_though_nobody_heard_so(
    api, openai_config, sandbox, monkeypatch
):
    batch = sent(api, 1)
    park = vendor_queue.park

    def unheard(*args, **kwargs):
        park(*args, **kwargs)
        raise RuntimeError("the connection broke after the commit")

    with monkeypatch.context() as breaking:
        breaking.setattr(vendor_queue, "park", unheard)
        work_batch(str(batch.pk))
    reserved = list(rows(batch).values_list("status", flat=True))
    work(batch)

    assert reserved == ["started"]
    assert states(batch) == ["done"]
    assert sandbox.hits()["total"] == attempts(batch).count() == rows(batch).count() == 1


def test_a_key_is_tried_without_a_client_being_made_for_it(api, openai_config, sandbox, monkeypatch):
    made = []
    api_of = vendor_queue.api_of
    monkeypatch.setattr(vendor_queue, "api_of", lambda *args: made.append(api_of(*args)) or made[-1])
    batch = sent(api, 1)

    with monkeypatch.context() as waiting:
        waiting.setattr("orchestration.batches.work.advance", nothing)
        work_batch(str(batch.pk))

    assert len(made) == 1
    assert made[0]._http.is_closed
