"""Vendors' own exports of usage and cost, read line by line, whatever their size.

Which form a file has is told by its header. The columns are those of the vendors' consoles in autumn 2026:
OpenAI's exports of costs and of completions usage, Anthropic's of cost and of usage, Google Cloud's cost
table and its billing export; and a plain form for everybody else: date, model, cost_usd, input_tokens,
output_tokens, of which either the cost or the tokens may be missing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO

from accounts.errors import DomainError

LONGEST_LINE = 100_000
# Google's cost table begins with a dozen lines about the invoice.
_LINES_BEFORE_HEADER = 50
# A figure beyond this is no bill, and more digits than memory should hold may hide behind an exponent.
_MOST_DIGITS = 14
_QUANTUM = Decimal("1e-12")

Row = Mapping[str, str]


class UnreadableInvoice(DomainError):
    code = "unreadable_invoice"
    status = 422
    message = "The file is none of the forms that are known. docs/operations/reconciliation.md lists them."


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`day` None: a longer stretch, of which the form tells no days. `model` empty: all models together.
    `cost_usd` None and tokens None: not told here. Input tokens include cached ones, as in `TokenUsage`."""

    day: date | None
    first: date
    last: date
    model: str
    cost_usd: Decimal | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    """A form is known by columns, which are named in lower case. `read` gives None for a line that is not
    about models: a total, another service, an empty day."""

    columns: frozenset[str]
    read: Callable[[Row], InvoiceLine | None]


def read_invoice(file: IO[str]) -> Iterator[InvoiceLine]:
    """The lines of a file opened with `newline=""`. UnreadableInvoice says what is wrong, and where."""
    reader = csv.reader(_bounded(file), strict=True)
    try:
        form, header = _header(reader)
        for cells in reader:
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            if any(row.values()) and len(cells) >= len(header):
                line = form.read(row)
                if line is not None:
                    yield line
    except (csv.Error, UnicodeDecodeError, ValueError, OverflowError) as error:
        where = f"line {reader.line_num}"
        raise UnreadableInvoice(f"The file cannot be read at {where}: {str(error)[:200]}.") from None


def _bounded(file: IO[str]) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise ValueError("the line is too long for a CSV file")
        if "\x00" in line:
            raise ValueError("there is a NUL in it, so it is no text")
        yield line


def _header(reader: Iterator[list[str]]) -> tuple[_Form, list[str]]:
    for _, cells in zip(range(_LINES_BEFORE_HEADER), reader, strict=False):
        header = [cell.strip().lower().lstrip("\ufeff") for cell in cells]
        for form in _FORMS:
            if form.columns <= set(header):
                return form, header
    raise UnreadableInvoice


def _openai_costs(row: Row) -> InvoiceLine | None:
    if not row["amount_value"]:
        return None
    _usd_only(row["amount_currency"])
    # "gpt-5-mini-2025-08-07, cached input"
    model, _, kind = row.get("line_item", "").partition(",")
    tokens = (
        _whole(row["quantity"]) if row.get("quantity") and "token" in row.get("quantity_unit", "") else None
    )
    is_output = "output" in kind
    return _of_days(
        _day(row.get("start_time_iso") or row["start_time"]),
        model=model.strip(),
        cost_usd=_amount(row["amount_value"]),
        input_tokens=None if is_output else tokens,
        output_tokens=tokens if is_output else None,
    )


def _openai_usage(row: Row) -> InvoiceLine | None:
    if not (row["input_tokens"] or row["output_tokens"]):
        return None
    return _of_days(
        _day(row.get("start_time_iso") or row["start_time"]),
        model=row.get("model", ""),
        input_tokens=_whole(row["input_tokens"]),
        output_tokens=_whole(row["output_tokens"]),
    )


def _anthropic_cost(row: Row) -> InvoiceLine:
    # "Claude Haiku 4.5": `comparison.model_key` knows it for claude-haiku-4-5.
    return _of_days(_day(row["usage_date_utc"]), model=row["model"], cost_usd=_amount(row["cost_usd"]))


_ANTHROPIC_INPUT = ("no_cache", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h")


def _anthropic_usage(row: Row) -> InvoiceLine:
    parts = (row.get(f"usage_input_tokens_{part}", "") for part in _ANTHROPIC_INPUT)
    return _of_days(
        _day(row["usage_date_utc"]),
        model=row["model_version"],
        input_tokens=sum(map(_whole, parts)),
        output_tokens=_whole(row["usage_output_tokens"]),
    )


# "Generate content output token count gemini 2.5 flash lite short output text"
_GEMINI = re.compile(r"gemini[ -](\d+(?:\.\d+)?)[ -]((?:pro|flash|nano|ultra)(?:[ -]lite)?)", re.IGNORECASE)


def _google(row: Row) -> InvoiceLine | None:
    sku = row.get("sku description") or row.get("sku.description", "")
    model = _GEMINI.search(sku)
    if model is None:
        return None
    _usd_only(row.get("currency", "USD"))
    begins = _day(row.get("usage start date") or row.get("usage_start_time", ""))
    ends = row.get("usage end date") or row.get("usage_end_time", "")
    amount = row.get("unrounded cost ($)") or row.get("cost ($)") or row.get("cost", "")
    used = row.get("usage amount") or row.get("usage.amount", "")
    tokens = _whole(used) if used and "token" in sku.lower() else None
    is_output = "output" in sku.lower()
    name = f"gemini-{model[1]}-{re.sub(r'[ -]+', '-', model[2].lower())}"
    return _of_days(
        begins,
        _day(ends) if ends else begins,
        model=name,
        cost_usd=_amount(amount),
        input_tokens=None if is_output else tokens,
        output_tokens=tokens if is_output else None,
    )


def _plain(row: Row) -> InvoiceLine:
    cost, read, written = (row.get(name, "") for name in ("cost_usd", "input_tokens", "output_tokens"))
    return _of_days(
        _day(row["date"]),
        model=row["model"],
        cost_usd=_amount(cost) if cost else None,
        input_tokens=_whole(read) if read else None,
        output_tokens=_whole(written) if written else None,
    )


def _of_days(
    first: date,
    last: date | None = None,
    *,
    model: str,
    cost_usd: Decimal | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
) -> InvoiceLine:
    """A line of one day where its end is that day or the next, which some forms mean exclusively."""
    last = max(first, last or first)
    is_one_day = last - first <= timedelta(days=1)
    return InvoiceLine(
        day=first if is_one_day else None,
        first=first,
        last=first if is_one_day else last,
        model=model[:200],
        cost_usd=cost_usd,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )


def _day(text: str) -> date:
    if text.isascii() and text.isdigit() and len(text) > 8:
        try:
            return datetime.fromtimestamp(int(text), UTC).date()
        except OSError:
            # What the C library says of a second that is in no year it knows.
            raise ValueError(f"{text[:50]!r} is no time") from None
    return date.fromisoformat(text[:10])


def _amount(text: str) -> Decimal:
    """$1,234.50 and 1e-05 are amounts; ValueError for what is none."""
    try:
        amount = Decimal(text.replace(",", "").replace("$", "").strip() or "0")
    except InvalidOperation:
        raise ValueError(f"{text[:50]!r} is not a number") from None
    if not amount.is_finite() or amount.adjusted() > _MOST_DIGITS:
        raise ValueError(f"{text[:50]!r} is no amount that a bill has")
    # An exponent of minus a million would be as many digits on the way out.
    return amount.quantize(_QUANTUM)


def _whole(text: str) -> int:
    return int(_amount(text))


def _usd_only(currency: str) -> None:
    if currency.upper() != "USD":
        raise ValueError(f"its amounts are in {currency[:10]!r}, and only USD can be compared")


_FORMS = (
    _Form(frozenset({"start_time", "amount_value", "amount_currency"}), _openai_costs),
    _Form(frozenset({"start_time", "input_tokens", "output_tokens", "num_model_requests"}), _openai_usage),
    _Form(frozenset({"usage_date_utc", "model", "cost_usd"}), _anthropic_cost),
    _Form(frozenset({"usage_date_utc", "model_version", "usage_output_tokens"}), _anthropic_usage),
    _Form(frozenset({"sku description", "usage start date", "cost ($)"}), _google),
    _Form(frozenset({"sku.description", "usage_start_time", "cost"}), _google),
    _Form(frozenset({"date", "model", "cost_usd"}), _plain),
    _Form(frozenset({"date", "model", "input_tokens", "output_tokens"}), _plain),
)
