"""For cron: 0 when all is well, 1 with warnings, 2 with something critical, 3 when a rule could not judge."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from usage.alerts.judging import look
from usage.alerts.notices import number_of
from usage.alerts.records import standing
from usage.alerts.rounds import make_round, tend
from usage.models import Alert, Severity

EXIT_CODES = {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}


class Command(BaseCommand):
    help = (
        "Judge all alerts once, send what is due and print what stands. Exit code: 0 all well, 1 warnings, "
        "2 critical, 3 a rule could not judge. What is muted is printed, and does not count."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Judge and print; keep and send nothing.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = timezone.now()
        found: list[Any]
        if dry_run:
            findings = look(now=now)
            found, broken = list(findings.conditions), findings.broken
        else:
            tend(now=now)
            made = make_round(now=now)
            found, broken = standing(now=now), made.judged.broken
            changes, sent = len(made.judged.events), made.sent
            self.stdout.write(
                f"{number_of(changes, 'change')}; {number_of(sent.sent, 'notice')} sent, "
                f"{sent.failed + sent.dead} failed."
            )
        muted = set(Alert.objects.filter(muted_until__gt=now).values_list("kind", "subject"))
        heard = [one for one in found if (one.kind, one.subject) not in muted]
        for one in sorted(found, key=lambda one: Severity(one.severity).rank):
            mark = "" if one in heard else "MUTED "
            self.stdout.write(f"{mark}{one.severity.upper()} {one.kind}: {one.message}")
        for kind in broken:
            self.stderr.write(f"The rule for {kind} broke off; the log tells why.")
        if not heard:
            self.stdout.write("All is well.")
        worst = max((EXIT_CODES[Severity(one.severity)] for one in heard), default=0)
        if code := 3 if broken else worst:
            sys.exit(code)
