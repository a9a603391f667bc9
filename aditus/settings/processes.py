"""How many processes and threads there are, how long they have to end, and which queues the workers take."""

import os
from pathlib import Path

from kombu import Queue

from aditus.settings.environment import EMBEDDED, env


def usable_cores(*, cgroup: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """The cores that this process may use, at least one: those it is bound to, and no more than the quota of
    its container, `cpu.max` of https://docs.kernel.org/admin-guide/cgroup-v2.html."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = cgroup.read_text().split()
        return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):
        return cores


# SQLite has one writer, so a second process would only wait for the first.
WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", default=1 if EMBEDDED else usable_cores())
# Seconds for a whole call, waiting and every attempt included, where the task's policy says nothing else.
CALL_DEADLINE_SECONDS = env.int("CALL_DEADLINE_SECONDS", default=120)
# Seconds that a server which was told to stop waits for the calls under way, before it breaks them off.
SHUTDOWN_SECONDS = env.int("SHUTDOWN_SECONDS", default=CALL_DEADLINE_SECONDS + 10)

# Somebody waits for what is in the first; the second is long work for nobody in particular; the third keeps
# the house. A worker takes all of them unless it is told which (`--queues`).
INTERACTIVE_QUEUE, BATCH_QUEUE, UPKEEP_QUEUE = "interactive", "batch", "upkeep"
CELERY_TASK_QUEUES = [Queue(name) for name in (INTERACTIVE_QUEUE, BATCH_QUEUE, UPKEEP_QUEUE)]
CELERY_TASK_DEFAULT_QUEUE = UPKEEP_QUEUE
# Threads: the work is waiting for vendors.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=2 if EMBEDDED else 4 * usable_cores())
# What one worker has put aside, no other can begin.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
