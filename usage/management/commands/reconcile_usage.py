"""`manage.py reconcile_usage`: a vendor's bill against the usage log. For cron: 0 they agree, 1 the file or
the question is wrong, 2 they differ by more than the tolerance. Nothing is written."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.errors import DomainError
from providers.registry import PROVIDER_TYPES
from usage.printing import FORMATS, Value, printed
from usage.reconciliation.comparison import Compared, Reconciliation, reconcile
from usage.reconciliation.invoices import read_invoice

_ALIASES = {"anthropic": "claude", "google": "gemini"}
# Google Cloud's billing days are those of its home; the others bill by UTC.
_ZONES = {"gemini": "America/Los_Angeles"}
_COLUMNS = (
    "day", "model", "ours_usd", "theirs_usd", "difference_usd", "difference_percent", "ours_tokens",
    "theirs_tokens", "difference_tokens", "calls", "unsettled", "estimated", "estimated_usd", "unpriced",
)  # fmt: skip


class Command(BaseCommand):
    help = "Set a vendor's export of cost or usage against the usage log, by model and day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--vendor", required=True, choices=[*PROVIDER_TYPES, *_ALIASES])
        parser.add_argument("--file", required=True, help="The CSV file.")
        parser.add_argument("--month", type=_month, help="As 2026-11; without it, the days of the file.")
        parser.add_argument("--tz", help="Where the vendor's days begin; UTC, and Los Angeles for Google.")
        parser.add_argument("--config", type=int, help="Id of one provider; without it, all of the vendor.")
        parser.add_argument("--format", choices=FORMATS, default="table")
        parser.add_argument(
            "--tolerance-percent", type=_amount, default=Decimal(1), help="Of theirs, by model and in all; 1."
        )
        parser.add_argument("--tolerance-usd", type=_amount, default=Decimal("0.01"), help="At least; 0.01.")

    def handle(self, *args: Any, **options: Any) -> None:
        vendor = _ALIASES.get(options["vendor"], options["vendor"])
        try:
            with Path(options["file"]).open(encoding="utf-8-sig", newline="") as file:
                found = reconcile(
                    read_invoice(file),
                    provider_type=vendor,
                    tz=options["tz"] or _ZONES.get(vendor, "UTC"),
                    month=options["month"],
                    config_id=options["config"],
                )
        except DomainError as error:
            raise CommandError(error.message) from None
        except OSError as error:
            raise CommandError(f"The file cannot be opened: {error.strerror}.") from None
        beyond = found.beyond(percent=options["tolerance_percent"], usd=options["tolerance_usd"])
        self.stdout.write(_report(found, options["format"], [one.model for one in beyond if one.model]))
        if beyond:
            names = ", ".join(one.model or "the whole" for one in beyond)
            raise CommandError(f"Ours and theirs differ: {names}.", returncode=2)


def _report(found: Reconciliation, form: Any, beyond: list[str]) -> str:
    about = {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "left_out_lines": found.left_out,
        "beyond_tolerance": beyond,
    }
    rows = [_cells(row) for row in found.rows]
    if form != "csv":
        rows += [_cells(row) for row in found.models if row.model]
    return printed(_COLUMNS, rows, form=form, total=_cells(found.total), about=about)


def _cells(row: Compared) -> list[Value]:
    return [
        row.day.isoformat() if row.day else "all days",
        row.model or "all models",
        row.ours.cost_usd,
        row.theirs.cost_usd,
        row.difference_usd,
        row.difference_percent,
        row.ours.tokens,
        row.theirs.tokens,
        row.difference_tokens,
        row.doubt.calls,
        row.doubt.unsettled,
        row.doubt.estimated,
        row.doubt.estimated_usd,
        row.doubt.unpriced,
    ]


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise ArgumentTypeError("Write the month as 2026-11.") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ArgumentTypeError("Write a number from 0 on.")
    return amount
