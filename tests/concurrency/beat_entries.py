"""What each entry of beat has to do, made ready, and what can be seen of its having been done.

A case is made with the fixtures that it names, and gives a function that shows what has been done and sent so
far, and what that has to be in the end however often the entry runs.
"""

import csv
import gzip
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path

from django.db.models.functions import Now
from django.utils import timezone

from accounts.concurrency import run
from accounts.models import AuditEntry, IdempotencyKey, LoginTurn, Plan, RetentionRule, TokenFamily
from extraction.models import JobPosting
from orchestration.batches import kinds, queue, work
from orchestration.celery_tasks import advance_economy
from orchestration.models import Batch, BatchItem, EconomyCall, ProviderProbe, VendorBatch
from providers.models import AIProviderConfig, ModelCapability, RoutingRevision
from tests.books import counters, sums_of_rows
from tests.contract.vendors import KEYS
from tests.factories import make_config
from tests.orchestration.test_batches import posting
from tests.usage.alerts.receivers import make_channel
from tests.usage.attempts import NOON, make_attempt
from tests.usage.ended import by_hand, counted, make_many
from usage.ledger import get_ledger
from usage.models import AIProviderUsageLog, AlertDelivery, AlertEvent, AlertRun, UsageRollup
from usage.stats import Period, totals
from usage.stats.verification import verify

MANY, FEW = 30, 6
LONG_AGO = timedelta(days=2_000)
CASES = {}


def case(entry, *, name=""):
    def keep(make):
        CASES[f"{entry} {name}".strip()] = make
        return make

    return keep


def entry_of(case):
    return case.partition(" ")[0]


def unlimited():
    """Nobody has to wait and come again."""
    Plan.objects.update(daily_token_limit=None, requests_per_minute=None, max_concurrent_calls=None)


def reserved():
    return sum(held for _, held in counters().values())


@case("usage.sweep")
def calls_of_dead_processes(user):
    attempts = [make_attempt(user=user, started_at=NOON - LONG_AGO) for _ in range(MANY)]
    for attempt in attempts:
        run(get_ledger().reserve(attempt))
    rows = AIProviderUsageLog.objects
    return (
        lambda: (rows.filter(swept=True).count(), rows.count(), counters() == sums_of_rows(), reserved()),
        (MANY, MANY, True, 0),
    )


@case("usage.check_alerts")
def a_provider_that_was_switched_off(hook):
    make_config()
    AIProviderConfig.objects.update(is_active=False)
    make_channel(hook.url)

    def seen():
        posted = Counter((one["episode"], one["kind"]) for _, _, body in hook.posts for one in body["events"])
        return dict(Counter(AlertEvent.objects.values_list("episode", "alert__kind"))), dict(posted)

    return seen, ({(1, "no_usable_provider"): 1}, {(1, "no_usable_provider"): 1})


@case("usage.tend_alerts")
def old_deliveries_and_a_trail(user):
    old, channel = timezone.now() - LONG_AGO, make_channel()
    sent = [AlertDelivery(channel=channel, created_at=old, due_at=old, ended_at=old) for _ in range(MANY)]
    AlertDelivery.objects.bulk_create(sent)
    walks = AlertRun.objects.filter(audit_verified_at__isnull=False, audit_broken_at=None)
    # The latest says how its channel fared.
    return lambda: (AlertDelivery.objects.count(), walks.count()), (1, 1)


@case("usage.roll_up")
def days_with_calls(user):
    end = timezone.now().replace(minute=0, second=0, microsecond=0)
    make_many(200, start=end - timedelta(days=3), end=end, users=[user, None])
    AIProviderUsageLog.objects.filter(status="started").delete()
    period = Period.of_dates(first=(end - timedelta(days=4)).date(), last=end.date(), tz="UTC")

    def seen():
        cells = UsageRollup.objects.values_list("span", "start", "dimension", "key", "provider")
        twice = [cell for cell, count in Counter(cells).items() if count > 1]
        return counted(totals(period=period)), bool(cells), twice, list(verify())

    return seen, (by_hand(AIProviderUsageLog.objects.all()), True, [], [])


@case("usage.prune_logs")
def rows_that_were_kept_long_enough(settings, tmp_path):
    settings.USAGE_LOG_KEEP_DAYS, settings.USAGE_LOG_ARCHIVE = 63, str(tmp_path)
    start = (timezone.now() - timedelta(days=100)).replace(hour=0, minute=0, second=0, microsecond=0)
    made = make_many(100, start=start, end=start + timedelta(days=2))
    AIProviderUsageLog.objects.update(status="success", settled_at=start)

    def seen():
        return AIProviderUsageLog.objects.count(), sorted(int(line["id"]) for line in archived(tmp_path))

    return seen, (0, sorted(row.pk for row in made))


def archived(directory):
    packed = [path.read_bytes() for path in sorted(Path(directory).glob("*.csv.gz"))]
    return [line for one in packed for line in csv.DictReader(StringIO(gzip.decompress(one).decode()))]


@case("accounts.forget_expired_tokens")
def ended_logins(user):
    old = timezone.now() - LONG_AGO
    TokenFamily.objects.bulk_create(TokenFamily(user=user, started_at=old) for _ in range(MANY))
    TokenFamily.objects.create(user=user)
    LoginTurn.objects.bulk_create(LoginTurn(pair=str(n), token="t", held_until=old) for n in range(MANY))
    return lambda: (TokenFamily.objects.count(), LoginTurn.objects.count()), (1, 0)


@case("accounts.forget_idempotency_keys")
def answers_of_days_ago(user):
    now = timezone.now()
    named = [IdempotencyKey(user=user, key=str(n), fingerprint="", held_until=now) for n in range(MANY + 1)]
    made = IdempotencyKey.objects.bulk_create(named)
    IdempotencyKey.objects.exclude(pk=made[0].pk).update(created_at=now - LONG_AGO)
    return lambda: list(IdempotencyKey.objects.values_list("key", flat=True)), ["0"]


@case("accounts.prune_personal_data")
def postings_that_are_too_old(user):
    RetentionRule.objects.create(kind="job_postings", days=100)
    JobPosting.objects.bulk_create(
        JobPosting(user=user, source_kind="text", content_hash=f"{number:064}") for number in range(MANY)
    )
    JobPosting.objects.update(created_at=timezone.now() - LONG_AGO)

    def seen():
        told = AuditEntry.objects.filter(action="retention.pruned").values_list("changes", flat=True)
        return JobPosting.objects.count(), sum(changes["rows"][0] for changes in told)

    return seen, (0, MANY)


@case("orchestration.probe_providers")
def providers_whose_time_has_come(sandbox):
    for _ in range(FEW):
        make_config(model_name="sandbox-mini", base_url=sandbox.openai, api_key=KEYS["openai"])

    def seen():
        return sandbox.hits()["model_lists"], ProviderProbe.objects.filter(is_up=True).count()

    return seen, ({"openai": FEW}, FEW)


@case("orchestration.resume_batches")
def a_batch_that_a_dead_worker_left(user, sandbox, monkeypatch):
    """With workers: they come as soon as they are called, every one of them."""
    unlimited()
    begun, kind = [], kinds.KINDS["extract"]

    async def answer(user, given):
        begun.append(given)
        return await kind.answer(user, given)

    monkeypatch.setitem(kinds.KINDS, kind.slug, replace(kind, answer=answer))
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    queue.start(user=user, kind="extract", items=[{"text": posting(number)} for number in range(FEW)])
    Batch.objects.update(held_until=Now())
    BatchItem.objects.update(state="running", claim="dead", held_until=Now(), tries=1)

    def seen():
        calls = AIProviderUsageLog.objects.filter(user=user, attempt__gte=1).count()
        states = Counter(BatchItem.objects.values_list("state", flat=True))
        return dict(states), len(begun), sandbox.hits()["total"], calls, JobPosting.objects.count()

    return seen, ({"done": FEW}, FEW, FEW, FEW, FEW)


def parked(user, sandbox):
    """A batch that waits to be sent to its vendor."""
    unlimited()
    make_config(model_name="gpt-5-mini", base_url=sandbox.openai, is_default=True)
    items = [{"text": posting(number)} for number in range(FEW)]
    batch = queue.start(user=user, kind="extract", items=items, economy=True)
    # No worker has a vendor's batch in its hands while another one makes its items ready.
    run(parks(batch))
    assert EconomyCall.objects.filter(vendor_batch=None).count() == FEW


async def parks(batch):
    assert await work._lane(batch.pk, float("inf"))


def economy_seen(user, sandbox):
    def seen():
        rows = AIProviderUsageLog.objects.filter(user=user, attempt__gte=1)
        ended = Counter(rows.values_list("status", "service_tier"))
        books = counters() == sums_of_rows(), reserved() > 0
        return sandbox.hits()["batches"], VendorBatch.objects.count(), dict(ended), books

    return seen


@case("orchestration.advance_economy", name="sends")
def a_batch_for_a_vendor(user, sandbox):
    parked(user, sandbox)
    return economy_seen(user, sandbox), ({"openai": 1}, 1, {("started", ""): FEW}, (True, True))


@case("orchestration.advance_economy", name="settles")
def a_batch_that_its_vendor_has_ended(user, sandbox):
    parked(user, sandbox)
    advance_economy()
    VendorBatch.objects.update(not_before=None)
    return economy_seen(user, sandbox), ({"openai": 1}, 1, {("success", "batch"): FEW}, (True, False))


@case("providers.refresh_capabilities")
def vendors_with_lists(sandbox):
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, api_key=KEYS["openai"])
    before = RoutingRevision.current()

    def seen():
        names = Counter(ModelCapability.objects.values_list("provider_type", "model_name"))
        return bool(names), set(names.values()), RoutingRevision.current() - before

    return seen, (True, {1}, 1)
