"""Asks every provider that is due, for free, whether it works. Celery beat does the same every minute."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import concurrency
from orchestration.calls.leader import LeadershipLost
from orchestration.probes import probe_due


class Command(BaseCommand):
    help = "Probe the active providers whose time has come."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--now", action="store_true", help="Probe all of them, due or not.")

    def handle(self, *args: Any, now: bool, **options: Any) -> None:
        try:
            probed = concurrency.run(probe_due(even_early=now))
        except LeadershipLost:
            raise CommandError("The probes were broken off, because the database was away.") from None
        if probed is None:
            self.stdout.write("Another process is probing right now.")
            return
        for one in probed:
            effect = f" The config was {one.effect}." if one.effect else ""
            took = "" if one.finding.latency_ms is None else f" ({one.finding.latency_ms} ms)"
            self.stdout.write(f"{one.name}: {one.finding.message}{took}{effect}")
        self.stdout.write(f"Probed {len(probed)} {'provider' if len(probed) == 1 else 'providers'}.")
