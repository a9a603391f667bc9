"""Takes the models, keys, fallbacks and prices of a LiteLLM configuration in. Idempotent."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import DomainError
from usage.moving_in.litellm import import_config


class Command(BaseCommand):
    help = "Make the deployments of a LiteLLM configuration providers, and its prices price overrides."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="LiteLLM's config.yaml")
        parser.add_argument("--dry-run", action="store_true", help="read and check everything, write nothing")

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise CommandError(f"{file} cannot be read. Check its path and your rights.") from None
        try:
            outcome = import_config(text, environment=os.environ, dry_run=dry_run)
        except DomainError as error:
            raise CommandError(error.message) from None
        verb = "would be moved" if dry_run else "moved"
        self.stdout.write(
            f"{len(outcome.moved)} {verb}, {len(outcome.known)} known already, "
            f"{len(outcome.not_taken)} not taken; {len(outcome.prices)} prices {verb}"
        )
        for name in outcome.moved:
            self.stdout.write(f"    {name}: {verb}")
        for name, noticed in outcome.noticed.items():
            self.stdout.write("".join(f"    {name}: {what}\n" for what in noticed), ending="")
        for name, reason in outcome.not_taken.items():
            self.stdout.write(f"    {name}: not taken: {reason}")
        if outcome.not_taken:
            raise CommandError("Some deployments were not taken; see above.", returncode=2)
