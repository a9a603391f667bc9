"""What the worker does once a day, by hand. In the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.audit import Actor
from accounts.retention import KINDS
from accounts.retention.pruning import due, prune


class Command(BaseCommand):
    help = "Forget personal data that are older than the rules of retention in the console let them be."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be forgotten.")
        parser.add_argument(
            "--kind",
            action="append",
            default=[],
            choices=sorted(KINDS),
            help="This one only.",
        )

    def handle(self, *args: Any, dry_run: bool, kind: list[str], **options: Any) -> None:
        now = timezone.now()
        done = (
            due(now=now, kinds=kind)
            if dry_run
            else prune(actor=Actor.of_command("prune_personal_data"), now=now, kinds=kind)
        )
        verb = "would go" if dry_run else "went"
        for one in done:
            self.stdout.write(f"{one.kind.slug}: {one.rows} rows older than {one.days} days {verb}.")
        if not done:
            self.stdout.write("No rule says that anything is to be forgotten.")
