"""Makes the Gemini key of the environment a provider in the database. Idempotent."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from providers.registry import PROVIDER_TYPES
from providers.seeding import NoKey, seed_provider


class Command(BaseCommand):
    help = "Create the Gemini provider, default for every task, from GEMINI_API_KEY."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--force",
            action="store_true",
            help="Replace key and models of an existing provider.",
        )

    def handle(self, *args: Any, force: bool, **options: Any) -> None:
        try:
            done = seed_provider(
                PROVIDER_TYPES["gemini"], **settings.PROVIDER_ENVIRONMENT["gemini"], force=force
            )
        except NoKey as error:
            raise CommandError(error.message) from None
        self.stdout.write(done)
