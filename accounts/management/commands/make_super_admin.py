"""The first account of an installation, and the way back when all super-admins are gone. Audited."""

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import recovery
from accounts.errors import DomainError


class Command(BaseCommand):
    help = (
        "Make somebody a super-admin: an existing user, or a new one. Asks for what it is not told; the "
        "email may also come from SUPER_ADMIN_EMAIL, a new one's password from SUPER_ADMIN_PASSWORD."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", default="")
        parser.add_argument("--another", action="store_true", help="although there is a super-admin already")
        parser.add_argument(
            "--if-none",
            action="store_true",
            help="do nothing while there is a super-admin; without email and password, say how to make one",
        )

    def handle(self, *args: Any, email: str, another: bool, if_none: bool, **options: Any) -> None:
        email = email or settings.SUPER_ADMIN_EMAIL
        password = settings.SUPER_ADMIN_PASSWORD
        if if_none and recovery.has_super_admin():
            return
        if if_none and not (email and password):
            self.stdout.write(HOW_TO)
            return
        if not another and not email and recovery.has_super_admin():
            raise CommandError(recovery.NotTheFirst.message)
        try:
            self._make(email or self._asked_email(), password, another=another)
        except DomainError as error:
            raise CommandError(error.message) from None

    def _make(self, email: str, password: str, *, another: bool) -> None:
        if recovery.knows(email=email):
            recovery.make_super_admin(email=email, another=another)
            self.stdout.write(f"{email} is a super-admin, with the same password as before.")
            return
        if not password and not sys.stdin.isatty():
            raise CommandError(
                f"{recovery.NoSuchUser.message} To make a new account, set SUPER_ADMIN_PASSWORD, or run this "
                "in a terminal."
            )
        recovery.create_super_admin(
            email=email, password=password or self._asked_password(email), another=another
        )
        self.stdout.write(f"{email} is a new super-admin and can log in to the console.")

    def _asked_email(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError("Say whom: manage.py make_super_admin EMAIL, or set SUPER_ADMIN_EMAIL.")
        return input("Email address of the super-admin: ").strip()

    def _asked_password(self, email: str) -> str:
        self.stdout.write(f"{email} is new here. Choose a password.")
        while True:
            password = getpass("Password: ")
            if password == getpass("Once more: "):
                return password
            self.stdout.write("The two are not the same. Again:")


HOW_TO = (
    "Nobody can log in to the console yet. Make the first super-admin: `make super-admin`, or with compose "
    "`docker compose run --rm web python manage.py make_super_admin`."
)
