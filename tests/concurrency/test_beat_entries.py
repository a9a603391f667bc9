"""Whatever beat starts may be started twice: by a second beat, by a message that comes again, by hand. Each
entry is run by four at once and then once more, and has to have done, and sent, what one run does."""

import inspect
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from threading import Barrier, Lock

import pytest
from django.db import connection, models

from accounts.retention import KINDS
from aditus.celery import app
from orchestration.batches import calling, queue, vendor_queue
from orchestration.celery_tasks import work_batch
from orchestration.models import BatchItem, VendorBatch
from orchestration.probes import runs
from providers.capabilities import lists, matrix
from providers.models import RoutingRevision
from tests.concurrency.beat_entries import CASES, entry_of
from tests.ports import free_port
from tests.usage.alerts.receivers import allow, web_server
from tests.waiting import PATIENCE_SECONDS
from usage import log_archive
from usage.stats import rollup

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

AT_ONCE = 4


@pytest.fixture(autouse=True)
def workers_come_at_once(monkeypatch):
    """Whoever calls a worker is one."""
    monkeypatch.setattr(work_batch, "apply_async", lambda args, kwargs, **_: work_batch(*args, **kwargs))


@pytest.fixture
def hook(settings):
    port = free_port()
    allow(settings, port)
    with web_server(port) as hook:
        yield hook


@pytest.fixture
def made(request):
    """Makes the case of that name."""

    def make(name):
        needed = inspect.signature(CASES[name]).parameters
        with pytest.MonkeyPatch.context() as patch:
            # What makes it ready calls nobody.
            patch.setattr(work_batch, "apply_async", lambda args, **_: None)
            return CASES[name](**{one: request.getfixturevalue(one) for one in needed})

    return make


def entry(name):
    app.loader.import_default_modules()
    return app.tasks[app.conf.beat_schedule[entry_of(name)]["task"]]


def at_once(task):
    """What those said who failed, of AT_ONCE that start together."""
    together = Barrier(AT_ONCE)

    def work(_):
        together.wait(PATIENCE_SECONDS)
        try:
            task()
        except Exception as error:  # noqa: BLE001 - whoever it is, the test wants to hear of it
            return repr(error)
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [error for error in pool.map(work, range(AT_ONCE)) if error]


def test_every_entry_has_its_case():
    assert {entry_of(name) for name in CASES} == set(app.conf.beat_schedule)


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_entry_that_runs_at_once_and_again_does_its_work_once(name, made):
    seen, wanted = made(name)
    before = seen()

    failed = at_once(entry(name))
    together = seen()
    entry(name)()

    assert failed == []
    assert together == wanted
    assert seen() == wanted
    assert before != wanted, "there was something to do"


class Meeting:
    """The first two who come wait for each other; those after them are not kept."""

    def __init__(self):
        self._both, self._lock, self._expected = Barrier(2), Lock(), 2

    def __call__(self):
        with self._lock:
            is_one_of_them = self._expected > 0
            self._expected -= 1
        if is_one_of_them:
            self._both.wait(PATIENCE_SECONDS)


def after_meeting(function):
    meet = Meeting()

    def met(*args, **kwargs):
        meet()
        return function(*args, **kwargs)

    return met


def without_row_locks(patch):
    patch.setattr(models.QuerySet, "select_for_update", lambda self, **_: self.all())


def rolled_up_without_the_lock(patch):
    without_row_locks(patch)
    patch.setattr(rollup, "_roll_hours", after_meeting(rollup._roll_hours))


def pruned_without_the_lock(patch):
    patch.setattr(log_archive, "locked", lambda _: nullcontext())
    patch.setattr(log_archive, "write", after_meeting(log_archive.write))


def forgotten_without_the_lock(patch):
    without_row_locks(patch)
    kind = KINDS["job_postings"]
    patch.setitem(KINDS, kind.slug, replace(kind, forget=after_meeting(kind.forget)))


def probed_without_the_lease(patch):
    @asynccontextmanager
    async def everybody_leads(_):
        yield True

    patch.setattr(runs, "leading", everybody_leads)
    meet, due = Meeting(), runs._due

    def look(**how):
        found = due(**how)
        meet()
        return found

    patch.setattr(runs, "_due", look)


def worked_without_the_claim(patch):
    patch.setattr(queue, "_still", after_meeting(lambda item: BatchItem.objects.filter(pk=item.pk)))
    patch.setattr(queue, "_mine", lambda item: BatchItem.objects.filter(pk=item.pk))
    patch.setattr(calling, "_claimed", lambda _: "")


def sent_without_the_claim(patch):
    patch.setattr(vendor_queue, "claim", after_meeting(lambda pk: VendorBatch.objects.get(pk=pk)))
    patch.setattr(vendor_queue, "_mine", lambda one: VendorBatch.objects.filter(pk=one.pk))


def learned_without_the_lock(patch):
    patch.setattr(RoutingRevision, "hold", lambda: None)
    patch.setattr(matrix, "_add", after_meeting(matrix._add))

    def not_swallowed(*_):
        raise  # noqa: PLE0704 - it is called where an exception is handled

    patch.setattr(lists.logger, "exception", not_swallowed)


@pytest.mark.parametrize(
    ("name", "unguarded"),
    [
        ("usage.roll_up", rolled_up_without_the_lock),
        ("usage.prune_logs", pruned_without_the_lock),
        ("accounts.prune_personal_data", forgotten_without_the_lock),
        ("orchestration.probe_providers", probed_without_the_lease),
        ("orchestration.resume_batches", worked_without_the_claim),
        ("orchestration.advance_economy sends", sent_without_the_claim),
        ("providers.refresh_capabilities", learned_without_the_lock),
    ],
)
def test_without_its_lock_or_lease_it_is_done_twice_or_breaks(name, unguarded, made, monkeypatch):
    """The negative control. Of alerts it is in tests/usage/alerts/test_race.py; what only deletes, or closes
    rows by one statement, has no lock to take away."""
    seen, wanted = made(name)
    unguarded(monkeypatch)

    failed = at_once(entry(name))

    assert failed or seen() != wanted
