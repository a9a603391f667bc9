"""For a lost laptop or a leaked token. In the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import recovery
from accounts.errors import DomainError


class Command(BaseCommand):
    help = "End every session and every API token of a person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            recovery.sign_out(email=email)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{email} is logged out everywhere.")
