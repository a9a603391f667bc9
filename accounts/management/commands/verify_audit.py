"""For a nightly job: exit code 1 when the audit trail was tampered with."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit_anchor, audit_chain
from accounts.errors import DomainError


class Command(BaseCommand):
    help = "Check the hash chain of the audit trail from its first entry and print the hash of its last."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            metavar="HASH|FILE",
            default="",
            help="A hash printed by an earlier run, or the file that --keep writes: finds a trail cut short.",
        )
        parser.add_argument(
            "--keep", action="store_true", help="When all holds, add the last hash to the anchor's file."
        )

    def handle(self, *args: Any, anchor: str, keep: bool, **options: Any) -> None:
        try:
            known = audit_anchor.read(anchor) if anchor else None
            if anchor and known is None and not keep:
                raise CommandError(f"There is no anchor in {anchor} yet. --keep writes the first one.")
            if keep and (not anchor or (known and known.number is None)):
                raise CommandError("--keep needs --anchor FILE.")
            verdict = audit_chain.verify()
            if verdict.broken_at is not None:
                raise CommandError(f"Broken at entry #{verdict.broken_at}: {verdict.reason}")
            if known:
                audit_anchor.check(known)
            if keep:
                audit_anchor.keep(Path(anchor), number=verdict.entries, digest=verdict.head_hash)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{verdict.entries} entries hold. Last hash: {verdict.head_hash or 'none'}")
