"""The Celery application; tasks live in each app's `celery_tasks.py`."""

import os
from datetime import timedelta

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")

app = Celery("aditus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="celery_tasks")
app.conf.beat_schedule = {
    "usage.sweep": {"task": "usage.celery_tasks.sweep", "schedule": timedelta(minutes=1)},
    "usage.roll_up": {"task": "usage.celery_tasks.roll_up", "schedule": timedelta(minutes=5)},
    "accounts.forget_expired_tokens": {
        "task": "accounts.celery_tasks.forget_expired_tokens",
        "schedule": timedelta(days=1),
    },
    "accounts.forget_idempotency_keys": {
        "task": "accounts.celery_tasks.forget_idempotency_keys",
        "schedule": timedelta(hours=1),
    },
    "orchestration.probe_providers": {
        "task": "orchestration.celery_tasks.probe_providers",
        "schedule": timedelta(minutes=1),
    },
    "orchestration.resume_batches": {
        "task": "orchestration.celery_tasks.resume_batches",
        "schedule": timedelta(minutes=1),
    },
    "providers.refresh_capabilities": {
        "task": "providers.celery_tasks.refresh_capabilities",
        "schedule": timedelta(days=1),
    },
}
