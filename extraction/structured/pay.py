"""schema.org's baseSalary, in every shape that publishers write it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from extraction.schema import Salary
from extraction.structured.items import Node
from extraction.structured.texts import Context, Unreadable, values
from extraction.values.currencies import code_of
from extraction.values.money import parse_salary, unit_of
from extraction.values.numbers import parse_number

_LOW = ("minValue", "minPrice", "min", "minimum", "from", "minAmount")
_HIGH = ("maxValue", "maxPrice", "max", "maximum", "to", "maxAmount")
_ONE = ("value", "price", "amount")
_UNIT = ("unitText", "unitCode", "mode", "type", "interval", "period", "unit")
_CURRENCY = ("currency", "priceCurrency", "currencyCode")


def salary_of(found: list[Any], context: Context) -> Salary | None:
    """MonetaryAmount with a number, a QuantitativeValue or both ends; PriceSpecification; a number; words.
    None where both ends are 0. Raises Unreadable."""
    value = found[0]
    if not isinstance(value, dict):
        return _of_words(str(value), context)
    inner = next(values(value.get("value"), context.index), None)
    quantity = inner if isinstance(inner, dict) else value
    low, high = _first_amount(quantity, *_LOW), _first_amount(quantity, *_HIGH)
    if low is None and high is None:
        low = high = _first_amount(quantity, *_ONE)
    if low is None and high is None:
        return _without_amounts(quantity, context)
    if low is not None and high is not None and low > high:
        low, high = high, low
    unit = _first_text(quantity, value, _UNIT)
    salary = Salary(
        currency=currency_of(_first_text(value, quantity, _CURRENCY), context),
        min_value=low,
        max_value=high,
        unit_text=unit_of(unit) if unit else None,
    )
    if salary.currency is None and isinstance(quantity.get("value"), str):
        salary.currency = (_of_words(str(quantity["value"]), context)).currency
    return salary


def currency_of(written: Any, context: Context) -> str | None:
    """The code for a value of `currency`, a code, a sign or a word."""
    text = next((str(entry).strip() for entry in values(written, {}) if isinstance(entry, str)), "")
    return code_of(text, language=context.language) if text else None


def _first_text(one: Node, other: Node, keys: tuple[str, ...]) -> str:
    for holder in (one, other):
        for key in keys:
            for value in values(holder.get(key), {}):
                if isinstance(value, str):
                    return value
    return ""


def _without_amounts(quantity: Node, context: Context) -> Salary | None:
    keys = ("value", "text", "name", "description")
    written = next((value for key in keys if isinstance(value := quantity.get(key), str)), "")
    if written:
        return _of_words(written, context)
    _refuse_nonsense(quantity)
    return None


def _refuse_nonsense(quantity: Node) -> None:
    """Both ends 0 say nothing; an end that is there and makes no sense is unreadable."""
    for key in ("minValue", "maxValue", "value", "price", "minPrice", "maxPrice"):
        for written in values(quantity.get(key), {}):
            if parse_number(str(written)) != 0:
                raise Unreadable


def _of_words(written: str, context: Context) -> Salary:
    amount = parse_number(written)
    if amount is not None and amount > 0:
        return Salary(min_value=amount, max_value=amount)
    salary = parse_salary(written, language=context.language)
    if salary is None:
        raise Unreadable
    return salary


def _first_amount(holder: Node, *keys: str) -> Decimal | None:
    """The first end that is an amount above 0: publishers write 0 for none."""
    for key in keys:
        for value in values(holder.get(key), {}):
            if isinstance(value, int | float) and not isinstance(value, bool):
                amount: Decimal | None = Decimal(str(value))
            else:
                amount = parse_number(str(value)) if isinstance(value, str) else None
                if amount is None and isinstance(value, str) and (salary := parse_salary(value)):
                    amount = salary.min_value if salary.min_value == salary.max_value else None
            if amount is not None and amount.is_finite() and amount > 0:
                return amount
    return None
