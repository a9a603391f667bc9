"""For somebody who lost the phone and the backup codes. Idempotent; in the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import recovery
from accounts.errors import DomainError


class Command(BaseCommand):
    help = "Take a person's authenticator and backup codes away and end their logins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            recovery.reset_mfa(email=email)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{email} sets up a new authenticator app at the next login.")
