"""Asks every vendor in use for its list of models. Idempotent; Celery beat does the same once a day."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from providers.capabilities.lists import refresh


class Command(BaseCommand):
    help = "Refresh what is known of models (Model capabilities) from the vendors' own lists."

    def handle(self, *args: Any, **options: Any) -> None:
        refreshed = refresh(now=timezone.now())
        for provider_type, learned in refreshed.learned.items():
            for what in ("added", "changed", "retired", "returned"):
                if names := getattr(learned, what):
                    self.stdout.write(f"{provider_type}: {len(names)} {what}: {', '.join(names)}")
        for provider, sentence in refreshed.silent:
            self.stderr.write(f"{provider} gave no list: {sentence}")
        answered = len(refreshed.learned)
        self.stdout.write(f"Asked {answered} {'vendor' if answered == 1 else 'vendors'}.")
