"""Idempotent: adds the demo's people, profile and provider where they are missing."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aditus.demo.seeds import ADMIN_EMAIL, OWN_SERVERS, PLAN_EMAILS, chosen_provider, seed_demo


class Command(BaseCommand):
    help = "Add users of each plan, a super-admin, a profile and a provider to try Aditus with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = ["auto", *OWN_SERVERS, *settings.PROVIDER_ENVIRONMENT]
        parser.add_argument("--provider", choices=choices, default="auto")

    def handle(self, *args: Any, provider: str, **options: Any) -> None:
        if not (settings.EMBEDDED or settings.DEBUG):
            raise CommandError(
                "seed_demo adds well-known accounts, so it runs only embedded or with DEBUG on."
            )
        provider = chosen_provider(provider)
        try:
            password = seed_demo(provider)
        except ValueError as error:
            raise CommandError(str(error)) from None
        people = ", ".join((ADMIN_EMAIL, *PLAN_EMAILS.values()))
        self.stdout.write(f"Provider: {provider}\nPeople: {people}\nTheir password: {password}")
