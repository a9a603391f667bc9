"""What the processes of `forked` do here: prune the usage log, each into a directory of its own."""

import os

if __name__ != "__mp_main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from pathlib import Path  # noqa: E402

from usage import pruning  # noqa: E402
from usage.pruning_lease import AlreadyPruning, PruningLease  # noqa: E402


def work(pipe, *, now, rows_a_file, is_careless=False):
    """`is_careless`: without the lease."""
    pruning.ROWS_A_FILE = rows_a_file
    if is_careless:
        PruningLease.take, PruningLease.keep = (lambda _: True), (lambda _: None)
    pipe.send("ready")
    while True:
        _, details = pipe.recv()
        try:
            pipe.send(prune(pipe, now=now, **details))
        except AlreadyPruning:
            pipe.send("refused")


def prune(pipe, *, now, directory, stops):
    """How many rows went. `stops`: say so after the first day, and go on when told to."""

    def tell(day, rows):
        nonlocal stops
        if stops:
            stops = False
            pipe.send("stops")
            pipe.recv()

    return pruning.prune(older_than_days=63, directory=Path(directory), now=now, tell=tell).rows
