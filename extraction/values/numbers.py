"""Written numbers by value, in the digits and groupings of any of the languages we know."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import cache

from price_parser.parser import parse_number as _grouped

# Longer is an account or a nonsense, and would only cost time.
MAX_DIGITS = 18

NUMBER = r"\d{1,3}(?:[ ']\d{3})+(?!\d)(?:[.,]\d{1,2}(?!\d))?|\d+(?:[.,']\d+)*"

MULTIPLIERS: dict[str, int] = {
    **dict.fromkeys(
        ("k", "tys.", "tys", "тыс.", "тыс", "тис.", "тис", "tis.", "tis", "mil", "tusen", "ribu"), 10**3
    ),
    **dict.fromkeys(
        ("rb", "bin", "ألف", "آلاف", "हजार", "हज़ार", "elfu", "千", "천", "nghìn", "ngàn", "tkr"), 10**3
    ),
    **dict.fromkeys(("万", "萬", "만"), 10**4),
    **dict.fromkeys(("lakh", "lakhs", "lac", "lacs", "लाख", "lpa"), 10**5),
    **dict.fromkeys(
        ("m", "mio", "mio.", "mln", "million", "millions", "milhões", "millones", "juta", "jt"), 10**6
    ),
    **dict.fromkeys(
        ("triệu", "tr", "млн", "مليون", "milioni", "millionen", "miljoner", "백만", "milyon"), 10**6
    ),
    **dict.fromkeys(("crore", "cr", "crores", "करोड़"), 10**7),
    **dict.fromkeys(("億", "亿", "억"), 10**8),
}
_SAME = {
    **dict.fromkeys("\u00a0\u2007\u2008\u2009\u200a\u202f\u3000", " "),
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4`\u2032\uff07", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u301c\uff5e\uff0d\u02dc~", "-"),
    **{
        "\u066c": ",",
        "\u066b": ".",
        "\uff0c": ",",
        "\uff0e": ".",
        "\u060c": ",",
        "\uff0f": "/",
        "\uff04": "$",
    },
    **{"\uff1a": ":", "\uff08": "(", "\uff09": ")", "\uff0b": "+", "\uff05": "%"},
}


def levelled(text: str) -> str:
    """The text with one kind of digit, blank, dash and apostrophe, in small letters; as long as it was, so
    that places in it are places in the text."""
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    table = {ord(char): same for char, same in _SAME.items()}
    for point in range(0x80, 0x1E944):
        char = chr(point)
        if char in _SAME:
            continue
        if unicodedata.decimal(char, None) is not None:
            table[point] = str(unicodedata.decimal(char))
        elif len(lower := char.lower()) == 1 and lower != char:
            table[point] = lower
    table |= {point: chr(point + 32) for point in range(ord("A"), ord("Z") + 1)}
    return table


def parse_number(text: str) -> Decimal | None:
    """ "120,000", "50.000", "1 200,50", "64’017", "12,00,000", "120k", "25万" as 120000, 50000, 1200.50,
    64017, 1200000, 120000, 250000. None for what is no single number."""
    # "92’000.–": no small change.
    low = re.sub(r"[.,]-+\s*$", "", levelled(text[:60]))
    match = re.fullmatch(rf"\s*({NUMBER})\s*([^\W\d_]+\.?)?\s*", low)
    if match is None or (match[2] and match[2] not in MULTIPLIERS):
        return None
    value = number(match[1])
    return None if value is None else value * MULTIPLIERS.get(match[2] or "", 1)


def number(token: str) -> Decimal | None:
    """One token of the form NUMBER, levelled."""
    digits = token.replace(" ", "").replace("'", "")
    if sum(char.isdigit() for char in digits) > MAX_DIGITS:
        return None
    marks = {char for char in digits if char in ".,"}
    tail = len(digits) - max(digits.rfind("."), digits.rfind(",")) - 1
    try:
        if len(marks) == 1 and digits.count(next(iter(marks))) == 1 and tail > 3:
            # A decimal point with more places than a group has.
            return Decimal(digits.replace(",", "."))
        return _grouped(digits)
    except InvalidOperation:
        return None
