"""A worker that works at vendors' batches until it is killed; it is the only one, and time passes fast."""

import os

if __name__ != "__mp_main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from accounts import concurrency  # noqa: E402
from extraction import extractor  # noqa: E402, F401 - slow to import, so once for all
from orchestration.batches import queue, vendor_work, work  # noqa: E402
from orchestration.models import VendorBatch  # noqa: E402
from providers.adapters import openai_batches  # noqa: E402, F401


def work_on(pipe):
    """Take what is there, again and again, in place of the beat and of the workers that it calls."""
    queue.call_a_worker = vendor_work.call_a_worker = lambda _: None
    pipe.send("ready")
    pipe.recv()
    while True:
        VendorBatch.objects.update(not_before=None)
        concurrency.run(vendor_work.advance())
        for batch in queue.left_to_do():
            concurrency.run(work.work_off(batch))
