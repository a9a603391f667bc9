"""For a nightly job: exit code 1 unless the key of every active provider works. Costs nothing."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import concurrency
from providers.credentials.checks import CheckedConfig, check_all


class Command(BaseCommand):
    help = "Test the keys of the active providers, as the console's button does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["table", "json"], default="table")
        parser.add_argument(
            "--dry-run", action="store_true", help="Ask the vendors, and record nothing of what they say."
        )

    def handle(self, *args: Any, format: str, dry_run: bool, **options: Any) -> None:  # noqa: A002
        checked = concurrency.run(check_all(is_recorded=not dry_run))
        if format == "json":
            self.stdout.write(json.dumps([one.as_dict() for one in checked], indent=2))
        else:
            self._print_table(checked)
        failed = sum(not one.is_in_order for one in checked)
        if failed or not checked:
            raise CommandError(
                f"{failed} of {len(checked)} keys do not work or could not be tested."
                if checked
                else "No provider is active. Add one in the console."
            )

    def _print_table(self, checked: list[CheckedConfig]) -> None:
        width = max((len(one.name) for one in checked), default=0)
        for one in checked:
            took = f"{one.check.latency_ms:>6} ms"
            self.stdout.write(
                f"{one.config_id:>5}  {one.name:<{width}}  {one.check.outcome:<18}  {took}  "
                f"{one.check.message}"
            )
