"""Pay as postings write it: amounts, ranges, currency, period."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Literal

from extraction.schema import Salary

# More distinct figures than this are a list of something else.
MAX_SALARIES = 20
LEAST_WITHOUT_CURRENCY = 1000

Period = Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"]

_CODES = (
    "USD|EUR|GBP|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|UAH|TRY|ILS|AED|SAR|QAR|KWD|EGP|MAD|KES|UGX|TZS|RWF|ETB|GHS|"
    "NGN|ZAR|ZMW|XOF|XAF|INR|PKR|BDT|LKR|CNY|JPY|KRW|TWD|HKD|SGD|MYR|IDR|THB|PHP|VND|AUD|NZD|CAD|MXN|BRL|ARS|CLP|"
    "COP|PEN"
)
# fmt: off
_SYMBOLS = {
    "us$": "USD", "ca$": "CAD", "c$": "CAD", "au$": "AUD", "a$": "AUD", "nz$": "NZD", "s$": "SGD",
    "hk$": "HKD", "mx$": "MXN", "r$": "BRL", "ksh": "KES", "kshs": "KES", "ush": "UGX", "tsh": "TZS",
    "gh₵": "GHS", "₦": "NGN", "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₪": "ILS", "₫": "VND",
    "₱": "PHP", "zł": "PLN", "$": "$", "¥": "¥",
}
# fmt: on
# The euro sign is Europe's; a bare dollar or yen sign is shared and needs the rest of the text.
_SHARED = {
    "$": ("USD", re.compile(r"\b(?:CAD|AUD|NZD|SGD|HKD|MXN)\b|(?:CA?|AU?|NZ|S|HK|MX)\$", re.IGNORECASE)),
    "¥": ("JPY", re.compile(r"\b(?:CNY|RMB)\b|China|Beijing|Shanghai|Shenzhen", re.IGNORECASE)),
}
_SIGNS = "|".join(re.escape(symbol) for symbol in sorted(_SYMBOLS, key=len, reverse=True))
# Codes count in capitals only: "try 3 times" is not 3 Turkish lira.
_CURRENCY = rf"(?:{_SIGNS}|(?<![A-Za-z])(?-i:{_CODES})(?![A-Za-z]))\.?"
_AMOUNT = r"\d{1,3}(?:[,.\u00a0\u202f' ]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,2})?(?!\d)"
_RANGE = re.compile(
    rf"(?P<bound>(?:up to|from|starting at|at least|bis zu|ab|bis)\s+)?"
    rf"(?P<before>{_CURRENCY})?\s*(?P<low>{_AMOUNT})\s*(?P<lowk>k\b)?\s*(?P<middle>{_CURRENCY})?"
    rf"(?:\s*(?:-|\u2013|\u2014|to|bis|and|à)\s*(?:{_CURRENCY})?\s*(?P<high>{_AMOUNT})\s*(?P<highk>k\b)?)?"
    rf"\s*(?P<plus>\+)?\s*(?P<after>{_CURRENCY})?",
    re.IGNORECASE,
)
_PERIODS: tuple[tuple[Period, str], ...] = (
    ("YEAR", r"years?|yearly|yr|annum|annual(?:ly)?|ann|p\.?a\b\.?|jahr|jährlich|an|año"),
    ("MONTH", r"months?|monthly|mo|mon|p\.?m\b\.?|monat|monatlich|mois|mes"),
    ("WEEK", r"weeks?|weekly|wk|wee|woche"),
    ("DAY", r"days?|daily|tag|jour"),
    ("HOUR", r"hours?|hourly|hr|h|hur|stunde|heure"),
)
_PER = re.compile(
    r"[\s,]*(?:gross|brutto|net|ote|base|salary)?\s*\(?(?:per|an?|/|pro|par|por|each|p/)?\s*("
    + "|".join(f"(?P<{period}>{words})" for period, words in _PERIODS)
    + r")(?![a-zäöüéñ])",
    re.IGNORECASE,
)
_MILLIONS = re.compile(r"\s*(?:million|billion|mio|bn|m\b)", re.IGNORECASE)
_ABOUT_PAY = re.compile(
    r"salary|compensation|\bpay\b|wage|remuneration|gehalt|salaire|earn\b|\bbase\b", re.IGNORECASE
)
_NOT_PAY = re.compile(
    r"bonus|budget|allowance|stipend|referral|revenue|raised|funding|series [a-d]\b|equity|grant|sales of|"
    r"turnover|million|billion|\bmio\b|\bbn\b|\d\s*m\b|customers|assets|voucher|learning",
    re.IGNORECASE,
)


def parse_number(text: str) -> Decimal | None:
    """A written number by value: "120,000", "50.000", "1 200,50", "120k" are
    120000, 50000, 1200.50, 120000."""
    match = re.fullmatch(rf"\s*({_AMOUNT}|\d+\.\d+)\s*(k)?\s*", text, re.IGNORECASE)
    if match is None:
        return None
    digits = re.sub(r"[\s']", "", match[1])
    if tail := re.search(r"[.,](\d{1,2})$", digits):
        digits = re.sub(r"[.,]", "", digits[: tail.start()]) + "." + tail[1]
    elif re.fullmatch(r"\d+\.\d{4,}", digits) is None:
        digits = re.sub(r"[.,]", "", digits)
    try:
        return Decimal(digits) * (1000 if match[2] else 1)
    except InvalidOperation:
        return None


def period_of(word: str) -> Period | None:
    """HOUR … YEAR from a unit's name or code ("per year", "ANNUALLY", "MON"), else None."""
    match = _PER.match(word.strip())
    return _period(match)


def parse_salary(text: str) -> Salary | None:
    """The one salary stated by a text that is known to be about pay, else None.

    Without a currency it takes a range or a period, and an amount that nobody would mistake for years.
    """
    found = find_salaries(text, trusted=True)
    if not found:
        matches = [_salary(match, {}, trusted=True, needs_currency=False) for match in _RANGE.finditer(text)]
        found = [salary for salary in matches if salary is not None]
    return found[0] if len(found) == 1 else None


def find_salaries(text: str, *, trusted: bool = False) -> list[Salary]:
    """The distinct salaries a text states.

    In prose an amount with a currency counts only with a range, a period, or a word for pay on its line, and
    not beside a word for another kind of money; `trusted` lets every one count.
    """
    shared = {sign: None if rival.search(text) else code for sign, (code, rival) in _SHARED.items()}
    found: list[Salary] = []
    for match in (match for line in text.split("\n") for match in _RANGE.finditer(line)):
        salary = _salary(match, shared, trusted=trusted)
        if salary is not None and salary not in found:
            found.append(salary)
            if len(found) == MAX_SALARIES:
                break
    return found


def _salary(
    match: re.Match[str], shared: dict[str, str | None], *, trusted: bool, needs_currency: bool = True
) -> Salary | None:
    # "$100,000 CAD": a code says more than a sign that several countries share.
    signs = [sign for sign in (match["before"], match["middle"], match["after"]) if sign]
    sign = min(signs, key=_SHARED.__contains__, default=None)
    line, start, end = match.string, match.start(), match.end()
    if (needs_currency and not sign) or _MILLIONS.match(line, end):
        return None
    period = _period(_PER.match(line, end)) or _period_before(line[max(0, start - 60) : start])
    if not trusted:
        about_pay = match["high"] or period or _ABOUT_PAY.search(line[max(0, start - 100) : start])
        if not about_pay or _NOT_PAY.search(_clause(line, start, end)):
            return None
    ends = _ends(match)
    if ends is None or (not sign and (ends[0] < LEAST_WITHOUT_CURRENCY or not (match["high"] or period))):
        return None
    low, high = ends
    bound = (match["bound"] or "").strip().lower()
    return Salary(
        currency=_currency(sign, shared) if sign else None,
        unit_text=period,
        min_value=None if not match["high"] and bound in {"up to", "bis zu", "bis"} else low,
        max_value=None
        if not match["high"] and (bound in {"from", "starting at", "at least", "ab"} or match["plus"])
        else high,
    )


def _clause(line: str, start: int, end: int) -> str:
    """The words around an amount, up to the next comma or full stop on either side."""
    before = re.split(r"[,;.()]\s", line[max(0, start - 60) : start])[-1]
    return before + " # " + re.split(r"[,;.()](?:\s|$)", line[end : end + 40])[0]


def _ends(match: re.Match[str]) -> tuple[Decimal, Decimal] | None:
    """Lower and upper amount; "120-150k" means thousands in both."""
    low, high = parse_number(match["low"]), parse_number(match["high"] or match["low"])
    if low is None or high is None:
        return None
    low *= 1000 if match["lowk"] or (match["highk"] and low < 1000) else 1
    high *= 1000 if match["highk"] or (match["lowk"] and not match["high"]) else 1
    return min(low, high), max(low, high)


def _period(match: re.Match[str] | None) -> Period | None:
    if match is None:
        return None
    return next((period for period, _ in _PERIODS if match[period]), None)


def _period_before(before: str) -> Period | None:
    """ "Annual salary:", "Hourly rate"."""
    match = re.search(r"\b(annual|yearly|monthly|weekly|daily|hourly)\b[^.;]{0,30}$", before, re.IGNORECASE)
    return period_of(match[1]) if match else None


def _currency(sign: str, shared: dict[str, str | None]) -> str | None:
    sign = sign.strip().lower().rstrip(".")
    code = _SYMBOLS.get(sign, sign.upper())
    return shared.get(code, code)
