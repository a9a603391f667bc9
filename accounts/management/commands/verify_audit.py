"""For a nightly job: exit code 1 when the audit trail was tampered with."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit_chain
from accounts.models import AuditEntry


class Command(BaseCommand):
    help = "Check the hash chain of the audit trail from its first entry and print the hash of its last."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            metavar="HASH",
            default="",
            help="A hash printed by an earlier run and kept elsewhere: finds a trail that was cut short.",
        )

    def handle(self, *args: Any, anchor: str, **options: Any) -> None:
        verdict = audit_chain.verify()
        if verdict.broken_at is not None:
            raise CommandError(f"Broken at entry #{verdict.broken_at}: {verdict.reason}")
        if anchor and not AuditEntry.objects.filter(hash=anchor).exists():
            raise CommandError("The chain holds, but the entry with the anchor's hash is not in it any more.")
        self.stdout.write(f"{verdict.entries} entries hold. Last hash: {verdict.head_hash or 'none'}")
