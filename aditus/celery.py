"""The Celery application; tasks live in each app's `celery_tasks.py`."""

import os
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")

app = Celery("aditus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="celery_tasks")
app.conf.beat_scheduler = "aditus.beat:WatchedScheduler"
# Seconds: no longer than a heartbeat may be late.
app.conf.beat_max_loop_interval = 20


@worker_init.connect
def open_doors(**_: object) -> None:
    from aditus.metrics import worker  # noqa: F401 - late: it needs the apps, and listens from then on
    from usage.metrics import observers

    try:
        observers.prepare()
    except Exception as error:
        raise SystemExit(f"The worker cannot measure as the settings tell it to: {error}") from error


app.conf.beat_schedule = {
    "usage.sweep": {"task": "usage.celery_tasks.sweep", "schedule": timedelta(minutes=1)},
    "usage.check_alerts": {
        "task": "usage.celery_tasks.check_alerts",
        "schedule": timedelta(minutes=1),
        # One that waited for a worker looks no better than the next. Minutes, because it is the worker's
        # clock that says so.
        "options": {"expires": 15 * 60},
    },
    "usage.tend_alerts": {"task": "usage.celery_tasks.tend_alerts", "schedule": timedelta(hours=1)},
    "usage.roll_up": {"task": "usage.celery_tasks.roll_up", "schedule": timedelta(minutes=5)},
    "usage.prune_logs": {"task": "usage.celery_tasks.prune_logs", "schedule": timedelta(days=1)},
    "accounts.forget_expired_tokens": {
        "task": "accounts.celery_tasks.forget_expired_tokens",
        "schedule": timedelta(days=1),
    },
    "accounts.forget_idempotency_keys": {
        "task": "accounts.celery_tasks.forget_idempotency_keys",
        "schedule": timedelta(hours=1),
    },
    "accounts.prune_personal_data": {
        "task": "accounts.celery_tasks.prune_personal_data",
        "schedule": timedelta(days=1),
    },
    "orchestration.probe_providers": {
        "task": "orchestration.celery_tasks.probe_providers",
        "schedule": timedelta(minutes=1),
    },
    "orchestration.resume_batches": {
        "task": "orchestration.celery_tasks.resume_batches",
        "schedule": timedelta(minutes=1),
    },
    "orchestration.advance_economy": {
        "task": "orchestration.celery_tasks.advance_economy",
        "schedule": timedelta(minutes=1),
    },
    "providers.refresh_capabilities": {
        "task": "providers.celery_tasks.refresh_capabilities",
        "schedule": timedelta(days=1),
    },
}


@worker_ready.connect
def _begin_to_beat(**_: Any) -> None:
    # Models can be imported only after Django was set up, which Celery does late.
    from accounts.concurrency import wait_for_unfinished
    from aditus import telemetry
    from aditus.lifespan import SETTLING_SECONDS
    from usage.heartbeats import Pulse
    from usage.models import Heartbeat

    pulse = Pulse(Heartbeat.Role.WORKER)
    pulse.start()

    def stop(**_: Any) -> None:
        pulse.stop()
        wait_for_unfinished(seconds=SETTLING_SECONDS)
        telemetry.end()

    worker_shutdown.connect(stop, weak=False)


@worker_shutting_down.connect
def _begin_nothing_more(**_: Any) -> None:
    from orchestration.batches.work import begin_nothing_more

    begin_nothing_more()
