"""`manage.py roll_up_usage`: what the worker does every five minutes, by hand."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from usage.stats import rollup, verification

# More than this nobody reads; the number of all is told.
_MOST_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Roll up the usage rows of the hours that have passed, so that statistics are fast. "
        "Exit code 1 where --verify finds a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        either = parser.add_mutually_exclusive_group()
        either.add_argument(
            "--rebuild",
            action="store_true",
            help="Make every rollup anew, after rows were changed by hand; those of pruned rows stay.",
        )
        either.add_argument(
            "--verify", action="store_true", help="Compare every rollup with its rows, and change nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self._verify()
            return
        run = rollup.rebuild if options["rebuild"] else rollup.refresh
        days = run(now=timezone.now(), tell=self._tell)
        self.stdout.write(f"Rolled up {days} {'day' if days == 1 else 'days'} of usage.")

    def _verify(self) -> None:
        found = 0
        for found, one in enumerate(verification.verify(tell=self._tell), 1):
            if found <= _MOST_SHOWN:
                self.stdout.write(f"{one.span} {one.start:%Y-%m-%d %H:%M} by {one.table}: {one.key}")
        if found:
            raise CommandError(
                f"{found} rollups are not what the usage rows say. `roll_up_usage --rebuild` makes them anew."
            )
        self.stdout.write("Every rollup is what the usage rows say.")

    def _tell(self, day: datetime) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{day:%Y-%m-%d}")
