"""Closes usage rows that a killed process left open. Idempotent; Celery beat does the same every minute."""

from typing import Any

from django.core.management.base import BaseCommand

from usage.celery_tasks import sweep


class Command(BaseCommand):
    help = "Close the usage rows of calls whose process died, at the tokens reserved for them."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sweep()} usage rows closed")
