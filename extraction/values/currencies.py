"""Which ISO 4217 currency a sign, word or code means in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from pycountry import currencies as iso_currencies

from extraction.values.numbers import levelled
from extraction.vocabulary import alternatives

_DATA = json.loads((Path(__file__).parent / "currencies.json").read_text("utf-8"))
_SIGNS: dict[str, Any] = _DATA["signs"]
# Too short for anywhere else: "S/ 1,200", "N120k", "R31 450".
_BEFORE_FIGURES = frozenset({"s/", "n", "r"})


@cache
def codes() -> frozenset[str]:
    """The codes of ISO 4217 in use."""
    return frozenset(currency.alpha_3 for currency in iso_currencies) | {"ZWL", "BGN"}


@cache
def sign_pattern() -> str:
    """A regular expression for a currency in a levelled text. Codes count in capitals only, which the caller
    checks ("try 3 times" is not 3 Turkish lira)."""
    named = {levelled(sign) for sign in _SIGNS} | {code.lower() for code in codes()}
    named -= _BEFORE_FIGURES
    with_letters = [name for name in named if name[0].isalpha() or name[-1].isalpha()]
    signs = [re.escape(name) for name in sorted(named - set(with_letters), key=len, reverse=True)]
    before = "|".join(re.escape(name) for name in sorted(_BEFORE_FIGURES))
    return (
        rf"(?:{'|'.join(signs)}|{alternatives(with_letters, touching_digits=True)}"
        rf"|(?<![^\W\d_])(?:{before})(?=\s?\d))"
    )


def is_currency(written: str) -> bool:
    """Whether the words, as they stand in the text, may be a currency there."""
    low = levelled(written.strip())
    if low in {"n", "r"}:
        return written.strip().isupper()
    if low.rstrip(".").upper() in codes():
        return written.strip().rstrip(".").isupper() or low in _SIGNS
    return low in _SIGNS


def code_of(written: str, text: str = "", language: str | None = None) -> str | None:
    """The code for what is written ("€", "KSh", "USD", "$"). A sign that several countries share is decided
    by a code or a country that the text names, then by where it stands (`language` is "en", or "en-AU"); None
    where they disagree."""
    low = levelled(written.strip())
    if (upper := low.strip(".").upper()) in codes():
        return upper
    known = _SIGNS.get(low, _SIGNS.get(low.rstrip(".")))
    if isinstance(known, list):
        return _shared(tuple(known), text, language)
    return known


# A text is asked about for each of its amounts.
@lru_cache(maxsize=16)
def _shared(family: tuple[str, ...], text: str, language: str | None) -> str | None:
    named = {code for code in family if re.search(rf"(?<![A-Z]){code}(?![A-Z])", text)}
    named = named or set(_signed(family, levelled(text)))
    named = named or {code for code in family if _home_is_named(code, text)}
    if len(named) == 1:
        return named.pop()
    spoken, _, region = (language or "").partition("-")
    at_home = [code for code in family if region and _DATA["homes"].get(code) == region]
    if at_home and not named:
        return at_home[0]
    local = _DATA["by_language"].get(spoken)
    if local in family and (not named or local in named):
        return str(local)
    return family[0] if not named else None


def _signed(family: Iterable[str], text: str) -> Iterable[str]:
    """Codes of the family that a sign of one country alone stands for in the text ("CA$")."""
    for sign, code in _SIGNS.items():
        is_one_of_them = isinstance(code, str) and code in family and len(sign) > 1 and sign.endswith("$")
        if is_one_of_them and re.search(rf"(?<![^\W\d_]){re.escape(sign)}", text):
            yield code


def _home_is_named(code: str, text: str) -> bool:
    home = _DATA["homes"].get(code)
    return bool(home and home != "US" and _names_of(home).search(text))


@cache
def _names_of(territory: str) -> re.Pattern[str]:
    names = {
        Locale(language).territories.get(territory, "")
        for language in ("en", "de", "fr", "es", "pt", "sv", "nb", "da", "ja", "zh", "ar", "sw", "hi", "ru")
    }
    return re.compile("|".join(re.escape(name) for name in names if len(name) > 1))
