"""For somebody who mistyped the password too often and cannot wait. In the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import recovery
from accounts.errors import DomainError


class Command(BaseCommand):
    help = "Forget the wrong login attempts for an email address."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            count = recovery.unlock_login(email=email)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{email} may try again ({count} rows of attempts forgotten).")
