"""For an installation whose super-admins are all gone. Idempotent; in the audit trail."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import recovery
from accounts.errors import DomainError


class Command(BaseCommand):
    help = "Give an existing user the role SUPER_ADMIN and make them active."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            recovery.make_super_admin(email=email)
        except DomainError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"{email} is a super-admin.")
