"""What is counted of calls, beside what the log says of them."""

import os
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import Count, Sum
from django.utils import timezone

from accounts import concurrency
from accounts.models import Plan
from aditus.celery import open_doors
from aditus.lifespan import Application
from orchestration.models import TaskPolicy
from tests.metrics.figures import counting_in
from tests.orchestration.conftest import ask, config_at, no_pauses  # noqa: F401 - fixtures
from tests.usage.attempts import make_attempt, run, success
from usage.ledger import get_ledger
from usage.ledger.base import QuotaExceeded
from usage.metrics import observers
from usage.metrics.observers import Observer
from usage.metrics.prometheus import MOST_MODELS, OTHER, PrometheusObserver, covered
from usage.models import AIProviderUsageLog, ModelPrice

pytestmark = pytest.mark.django_db(transaction=True)

TOKENS = {"input": "input_tokens", "output": "output_tokens", "cached": "cached_tokens",
          "cache_write": "cache_write_tokens", "reasoning": "reasoning_tokens"}  # fmt: skip


@pytest.fixture
def figures(tmp_path):
    with counting_in(tmp_path / "counts") as read:
        yield read


def logged(*columns, **which):
    rows = AIProviderUsageLog.objects.filter(**which).order_by().values_list(*columns)
    return {tuple(map(str, key)): number for *key, number in rows.annotate(number=Count("pk"))}


def test_what_is_counted_is_what_the_log_says(figures, ask, config_at, sandbox, no_pauses):  # noqa: F811
    config_at("gpt-5-mini", priority=2)
    config_at("sandbox-other", provider_type="claude", priority=1)
    sandbox.fault("server", times=2, vendor="openai")
    for number in range(3):
        ask(f"Question {number}.", task="cover_letter")
    ask("Another.", task="extraction")

    read = figures()

    kinds = ("aditus_task", "gen_ai_request_model", "status", "error_type")
    columns = ("task_type", "model_name", "status", "error_kind")
    assert read.by("aditus_vendor_calls_total", *kinds) == logged(*columns, attempt__gte=1)
    assert read.total("aditus_vendor_calls_total", error_type="server") == 2
    sums = AIProviderUsageLog.objects.aggregate(
        **{kind: Sum(column) for kind, column in TOKENS.items()}, cost=Sum("estimated_cost_usd")
    )
    assert {kind: read.total("aditus_tokens_total", gen_ai_token_type=kind) for kind in TOKENS} == {
        kind: sums[kind] for kind in TOKENS
    }
    assert read.total("aditus_cost_usd_total") == pytest.approx(float(sums["cost"]), rel=1e-9)
    unpriced = AIProviderUsageLog.objects.filter(estimated_cost_usd=None).count()
    assert read.total("aditus_unpriced_calls_total") == unpriced
    assert read.total("aditus_vendor_call_duration_seconds_count") == 6
    assert read.total("aditus_overhead_seconds_count") == 4
    assert read.total("aditus_calls_in_flight") == 0


def test_a_call_that_nobody_was_asked_for_is_counted_apart(figures, ask, config_at):  # noqa: F811
    config_at()
    Plan.objects.update(daily_token_limit=1)

    with pytest.raises(QuotaExceeded):
        ask()

    read = figures()
    assert (
        read.total("aditus_refused_calls_total", aditus_task="extraction", error_type="quota_exceeded") == 1
    )
    assert read.total("aditus_vendor_calls_total") == 0


def test_an_answer_given_again_is_counted_apart(figures, ask, config_at):  # noqa: F811
    config_at()
    TaskPolicy.objects.update_or_create(task="extraction", defaults={"cache_seconds": 60})

    for _ in range(2):
        ask("The same.", is_repeatable=True)

    read = figures()
    assert read.total("aditus_vendor_calls_total") == 1
    assert read.total("aditus_cached_answers_total", aditus_task="extraction") == 1


def test_a_row_that_was_swept_is_counted_as_the_log_has_it_and_its_late_end_apart(figures, user):
    ModelPrice.objects.all().delete()
    long_ago = timezone.now() - timedelta(days=9)
    reservation = run(get_ledger().reserve(make_attempt(user=user, started_at=long_ago)))
    run(get_ledger().sweep(now=timezone.now()))
    swept = figures()

    from orchestration.calls.accounting import Accounting

    concurrency.run(Accounting(get_ledger()).settle(reservation, success(300, 20)))

    late = figures()
    assert swept.by("aditus_vendor_calls_total", "status", "error_type") == {("aborted", "abandoned"): 1}
    assert swept.total("aditus_tokens_total", gen_ai_token_type="input") == 60
    assert (swept.total("aditus_sweeps_total"), swept.total("aditus_swept_calls_total")) == (1, 1)
    assert late.total("aditus_vendor_calls_total") == AIProviderUsageLog.objects.count() == 1
    assert late.total("aditus_late_settlements_total") == 1


def test_what_cannot_be_written_is_counted_when_the_sweeper_writes_it(figures, user, monkeypatch):
    from orchestration.calls.accounting import Accounting

    ledger = get_ledger()
    accounting = Accounting(ledger)
    reservation = concurrency.run(accounting.reserve(make_attempt(user=user)))
    under_way = figures().total("aditus_calls_in_flight")

    async def away(*_):
        raise OSError("the database is away")

    # The ledger's own seam: no database has to be stopped for what the accounting does then.
    monkeypatch.setattr(type(ledger), "settle", away)
    concurrency.run(accounting.settle(reservation, success(1, 1)))
    unsettled = figures()
    run(ledger.sweep(now=timezone.now() + timedelta(days=1)))

    assert under_way == 1
    assert (unsettled.total("aditus_calls_in_flight"), unsettled.total("aditus_vendor_calls_total")) == (0, 0)
    assert unsettled.total("aditus_unsettled_calls_total") == 1
    assert figures().total("aditus_vendor_calls_total") == 1


def test_an_observer_that_fails_takes_no_answer_away(ask, config_at, caplog):  # noqa: F811
    class Broken(Observer):
        def settled(self, *_):
            raise RuntimeError("no space left")

    config_at()

    with observers.added(Broken()):
        result = ask()

    assert result.text
    assert "Broken could not note what happened" in caplog.text


@pytest.mark.parametrize("fails", ["beginning", "ending", "making"])
def test_measuring_that_fails_around_a_call_takes_no_answer_away(ask, config_at, caplog, tmp_path, fails):  # noqa: F811
    class Broken(Observer):
        @contextmanager
        def calling(self, **_):
            if fails == "beginning":
                raise RuntimeError("no space left")
            yield
            raise RuntimeError("no space left")

    (tmp_path / "file").write_text("no folder")
    broken = PrometheusObserver(tmp_path / "file" / "counts") if fails == "making" else Broken()
    config_at()

    with observers.added(broken):
        result = ask()

    assert result.text
    assert "Measuring could not" in caplog.text


def test_measuring_that_fails_does_not_hide_why_a_call_failed(ask, config_at, caplog):  # noqa: F811
    class Broken(Observer):
        @contextmanager
        def calling(self, **_):
            try:
                yield
            finally:
                raise RuntimeError("no space left")

    config_at()
    Plan.objects.update(daily_token_limit=1)

    with observers.added(Broken()), pytest.raises(QuotaExceeded):
        ask()

    assert "no space left" in caplog.text


@pytest.mark.django_db(transaction=False)
async def test_a_web_process_that_cannot_count_does_not_start(tmp_path):
    (tmp_path / "file").write_text("no folder")
    said = []

    async def begin():
        return {"type": "lifespan.startup"}

    async def say(message):
        said.append(message)

    with (
        observers.added(PrometheusObserver(tmp_path / "file" / "counts")),
        pytest.raises(OSError, match="file"),
    ):
        await Application()({"type": "lifespan"}, begin, say)

    assert said == []


@pytest.mark.django_db(transaction=False)
def test_a_worker_that_cannot_count_does_not_start(tmp_path):
    (tmp_path / "file").write_text("no folder")

    with observers.added(PrometheusObserver(tmp_path / "file" / "counts")), pytest.raises(SystemExit):
        open_doors()


@pytest.mark.django_db(transaction=False)
def test_there_is_an_end_to_the_names_of_models(tmp_path):
    with counting_in(tmp_path / "counts") as _:
        from usage.metrics.observers import _observers

        counts = _observers[-1].instruments
        names = {counts.model_labels("openai", f"model-{number}")[1] for number in range(MOST_MODELS + 50)}

    assert len(names) == MOST_MODELS + 1
    assert OTHER in names


def test_attempts_that_overlap_are_counted_once():
    assert covered([]) == 0
    assert covered([(0, 2), (1, 3), (5, 6)]) == 4
    assert covered([(0, 10), (1, 2)]) == 10


def test_what_was_under_way_in_a_process_ends_with_it_and_what_it_counted_does_not(figures, tmp_path):
    folder = tmp_path / "counts"
    for kind, pid in (("gauge_livesum", 999_999_999), ("counter", 999_999_999)):
        (folder / f"{kind}_{pid}.db").write_bytes((folder / f"{kind}_{os.getpid()}.db").read_bytes())

    figures()

    assert not (folder / "gauge_livesum_999999999.db").exists()
    assert (folder / "counter_999999999.db").exists()
    assert (folder / f"gauge_livesum_{os.getpid()}.db").exists()


def test_costs_are_dollars(figures, ask, config_at):  # noqa: F811
    config_at("gpt-5-mini")

    result = ask()

    assert result.cost_usd > Decimal(0)
    assert figures().total("aditus_cost_usd_total", gen_ai_provider_name="openai") == float(result.cost_usd)
