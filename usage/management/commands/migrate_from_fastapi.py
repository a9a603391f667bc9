"""Moves people, subscriptions, providers and usage of the FastAPI system in. Idempotent."""

from argparse import ArgumentParser
from typing import Any

import environ
from cryptography.fernet import Fernet, MultiFernet
from django.core.management.base import BaseCommand, CommandError

from accounts.errors import DomainError
from usage.moving_in.move import COST_UNITS, Move, Outcome
from usage.moving_in.old_database import opened


class Command(BaseCommand):
    help = "Move in the users, subscriptions, providers and usage rows of the earlier FastAPI system."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from-url", default="", help="postgres://… or sqlite:///…; else OLD_DATABASE_URL"
        )
        parser.add_argument(
            "--cost-unit", choices=sorted(COST_UNITS), default="", help="of estimated_cost_usd"
        )
        parser.add_argument("--dry-run", action="store_true", help="read and check everything, write nothing")

    def handle(self, *args: Any, from_url: str, cost_unit: str, dry_run: bool, **options: Any) -> None:
        env = environ.Env()
        url = from_url or env.str("OLD_DATABASE_URL", default="")
        try:
            keys = MultiFernet([Fernet(key) for key in env.list("OLD_FERNET_KEYS", default=[])])
        except ValueError:
            raise CommandError("OLD_FERNET_KEYS needs the key that sealed the API keys there.") from None
        try:
            with opened(url) as source:
                outcomes = Move(source, keys, cost_unit=cost_unit, dry_run=dry_run).run(progress=self._tell)
        except DomainError as error:
            raise CommandError(error.message) from None
        for table, outcome in outcomes.items():
            self._report(table, outcome, verb="would be moved" if dry_run else "moved")
        if any(outcome.not_taken for outcome in outcomes.values()):
            raise CommandError("Some rows were not taken; see above.", returncode=2)

    def _tell(self, table: str, rows: int) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"{table}: {rows:,} rows read", ending="\r")

    def _report(self, table: str, outcome: Outcome, *, verb: str) -> None:
        self.stdout.write(
            f"{table}: {outcome.read:,} read, {outcome.moved:,} {verb}, {outcome.known:,} known already, "
            f"{outcome.not_taken.total():,} not taken"
        )
        if table == "ai_provider_usage_logs":
            self.stdout.write(f"    {outcome.tokens:,} tokens and {outcome.cost_usd:f} USD are here")
        for reason, rows in outcome.not_taken.most_common():
            self.stdout.write(f"    {rows:,} not taken: {reason}")
        for what, rows in outcome.noticed.most_common():
            self.stdout.write(f"    {rows:,} {what}")
