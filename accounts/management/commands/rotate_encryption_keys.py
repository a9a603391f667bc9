"""After a new key was put first in FERNET_KEYS (docs/operations/key-rotation.md). Idempotent; run it again
where it was interrupted. Exit code 1 while an old key is needed, or a value cannot be read."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import key_rotation

IN_WORDS = {
    "newest": "is under the newest key",
    "rotated": "rotated",
    "due": "is to be rotated",
    "unreadable": "cannot be read with any key of FERNET_KEYS",
}


class Command(BaseCommand):
    help = (
        "Seal every stored secret with the newest of FERNET_KEYS, and say whether the others can be dropped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Report, and change nothing.")

    def handle(self, *args: Any, dry_run: bool, verbosity: int, **options: Any) -> None:
        if not dry_run:
            rotated = self._go_through(is_dry_run=False, is_told=verbosity > 0)["rotated"]
            self.stdout.write(f"{rotated} rotated.")
        # After a rotation too: a process that has not heard of the newest key may have sealed something.
        left = self._go_through(is_dry_run=True, is_told=dry_run and verbosity > 0)
        if left["due"]:
            remedy = (
                "Run this without" if dry_run else "Restart what still seals with it, and run this without"
            )
            raise CommandError(f"{left['due']} values need an old key: keep it. {remedy} --dry-run.")
        if left["unreadable"]:
            raise CommandError(
                f"{left['unreadable']} values cannot be read with any key of FERNET_KEYS. Add the key that "
                "they were sealed with at its end, or store the secrets anew. Nothing else needs an old key."
            )
        old = len(settings.FERNET_KEYS) - 1
        advice = f"The {old} older in FERNET_KEYS can be dropped." if old else "FERNET_KEYS has no other."
        self.stdout.write(f"Every value is under the newest key. {advice}")

    def _go_through(self, *, is_dry_run: bool, is_told: bool) -> Counter[str]:
        said: Counter[str] = Counter()
        for row in key_rotation.rotate(is_dry_run=is_dry_run):
            said[row.state] += 1
            if is_told:
                self.stdout.write(f"{row.model} {row.pk} {row.field}: {IN_WORDS[row.state]}")
        return said
