"""`manage.py prune_usage_logs`: archive and delete old usage rows, by hand or from cron."""

import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import DomainError
from usage.log_archive import ArchiveDamaged
from usage.pruning import LEAST_DAYS, prune


class Command(BaseCommand):
    help = (
        "Archive usage rows of whole days as compressed CSV, then delete them; their sums stay in the "
        "statistics. May be interrupted and run again. Exit code 1 when it could not be done, 3 when an open "
        "call or a rollup that differs held it up."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--older-than", type=int, required=True, metavar="DAYS", help=f"At least {LEAST_DAYS}."
        )
        parser.add_argument("--archive", type=Path, required=True, metavar="DIR", help="Made if need be.")
        parser.add_argument("--dry-run", action="store_true", help="Only say how many rows there are.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = prune(
                older_than_days=options["older_than"],
                directory=options["archive"],
                now=timezone.now(),
                dry_run=options["dry_run"],
                tell=self._tell,
            )
        except (DomainError, ArchiveDamaged, OSError) as error:
            raise CommandError(str(error)) from None
        verb = "would be" if options["dry_run"] else "were"
        horizon = f" of before {done.horizon:%Y-%m-%d}" if done.horizon else ""
        self.stdout.write(f"{done.rows:,} usage rows{horizon} {verb} archived and deleted.")
        if done.held_up_by:
            self.stderr.write(done.held_up_by)
            sys.exit(3)

    def _tell(self, day: datetime, rows: int) -> None:
        self.stdout.write(f"{day:%Y-%m-%d}: {rows:,} rows")
