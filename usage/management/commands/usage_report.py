"""`manage.py usage_report`: calls, tokens and cost of a period. For cron: 0, or 1 where the question
is wrong. Nothing is written."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from usage.printing import FORMATS, Value, printed
from usage.stats import Figures, InvalidPeriod, Period
from usage.stats.period import zone_of
from usage.stats.reports import By, report

_COLUMNS = (
    "key", "label", "calls", "success_percent", "refusals", "input_tokens", "output_tokens", "total_tokens",
    "cost_usd", "unpriced_calls",
)  # fmt: skip


class Command(BaseCommand):
    help = "Print calls, tokens and cost by provider, model, task, plan, user, error or day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", choices=get_args(By), default="provider")
        parser.add_argument("--days", type=int, help="Local days up to and with today; 30.")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, help="A day, as 2026-11-01.")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, help="The last day, included.")
        parser.add_argument("--tz", default="UTC", help="Where days begin, as Europe/Berlin.")
        parser.add_argument("--provider", type=int, help="Id of one provider.")
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = _period(options)
            rows = report(period=period, by=options["by"], provider=options["provider"])
        except InvalidPeriod as error:
            raise CommandError(error.message) from None
        total = sum((row.figures for row in rows), Figures())
        about = {
            "by": options["by"],
            "start": period.start.astimezone(period.zone).isoformat(),
            "end": period.end.astimezone(period.zone).isoformat(),
        }
        self.stdout.write(
            printed(
                _COLUMNS,
                [_cells(row.key, row.label, row.figures) for row in rows],
                form=options["format"],
                total=_cells("", "Total", total),
                about=about,
            )
        )


def _period(options: dict[str, Any]) -> Period:
    first, last, days = options["first"], options["last"], options["days"]
    if days is not None and (first or last):
        raise InvalidPeriod("Give either --days, or --from and --to.")
    today = timezone.now().astimezone(zone_of(options["tz"])).date()
    days = 30 if days is None else days
    if not 1 <= days <= 3660:
        raise InvalidPeriod("Ask for 1 to 3660 days.")
    last = last or today
    first = first or last - timedelta(days=days - 1)
    return Period.of_dates(first=first, last=last, tz=options["tz"])


def _cells(key: str, label: str, figures: Figures) -> list[Value]:
    return [
        key,
        label,
        figures.calls,
        figures.success_rate,
        figures.refusals,
        figures.input_tokens,
        figures.output_tokens,
        figures.total_tokens,
        figures.total_cost_usd,
        figures.unpriced_calls,
    ]
