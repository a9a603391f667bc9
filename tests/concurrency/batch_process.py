"""What the processes of `forked` do here: work off whatever batches there are, as Celery's workers do, until
they are killed."""

import os
import time

if __name__ != "__mp_main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from datetime import timedelta  # noqa: E402

from accounts import concurrency  # noqa: E402
from orchestration.batches import queue  # noqa: E402
from orchestration.batches import work as working  # noqa: E402
from providers.adapters import claude, gemini, openai  # noqa: E402, F401 - slow to import, so once for all


def work(pipe, *, held_for, held_every):
    """`held_for` is how many seconds an item of a dead process is waited for, `held_every` how often a living
    one says that it lives."""
    queue.HELD_FOR, working.HELD_EVERY_SECONDS = timedelta(seconds=held_for), held_every
    pipe.send("ready")
    while True:
        for batch in queue.left_to_do():
            concurrency.run(working.work_off(batch))
        time.sleep(0.05)
