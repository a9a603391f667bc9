"""`manage.py roll_up_usage`: what the worker does every five minutes, by hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from usage.stats import rollup


class Command(BaseCommand):
    help = "Roll up the usage rows of the hours that have passed, so that statistics are fast."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--rebuild", action="store_true", help="Make every rollup anew, after rows were changed by hand."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        run = rollup.rebuild if options["rebuild"] else rollup.refresh
        days = run(now=timezone.now())
        self.stdout.write(f"Rolled up {days} {'day' if days == 1 else 'days'} of usage.")
