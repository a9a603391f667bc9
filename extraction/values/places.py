"""Places: what an address or a line says, with the country as ISO 3166-1 alpha-2.

Country names are CLDR's (by Babel) in every language of `languages/`, and ISO's own and common ones (by
pycountry). Only what is written becomes a country: nothing is inferred from a town.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pycountry
from babel import Locale

from extraction.schema import Place
from extraction.vocabulary import comparable, languages, pattern, terms

MAX_PLACES = 40
MAX_TEXT = 200
_ALIASES = {
    "usa": "US", "u.s.a.": "US", "u.s.": "US", "us": "US", "united states of america": "US", "uk": "GB",
    "u.k.": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "uae": "AE",
    "great britain": "GB", "ivory coast": "CI", "czech republic": "CZ", "holland": "NL", "brd": "DE",
    "drc": "CD", "cote d'ivoire": "CI", "south korea": "KR", "turkey": "TR", "russia": "RU", "vietnam": "VN",
    "méxico": "MX", "брд": "DE", "sverige": "SE", "polska": "PL", "ksa": "SA", "brasil": "BR",
    "deutschland": "DE",
    "المملكة": "SA", "中国": "CN", "台灣": "TW", "臺灣": "TW", "香港": "HK",
}  # fmt: skip
# ISO codes that are everyday words, or the codes of American states, stand for a country only in a field of
# their own.
_REMOTE_TAIL = re.compile(
    r"\s*[(\-–|/,]\s*(?:remote|hybrid|on-?site|homeoffice|híbrido|hybride)\)?\s*$", re.IGNORECASE
)


@cache
def _countries() -> dict[str, str]:
    found: dict[str, str] = {}
    for code in languages():
        for territory, name in Locale.parse(code).territories.items():
            if re.fullmatch("[A-Z]{2}", territory):
                found.setdefault(comparable(name), territory)
    for country in pycountry.countries:
        for name in (
            country.name,
            getattr(country, "official_name", ""),
            getattr(country, "common_name", ""),
        ):
            if name:
                found.setdefault(comparable(name), country.alpha_2)
    return {name: code for name, code in found.items() if len(name) > 1} | {
        comparable(name): code for name, code in _ALIASES.items()
    }


@cache
def _codes() -> dict[str, str]:
    both = [(country.alpha_2, country.alpha_3) for country in pycountry.countries]
    return {code: two for two, three in both for code in (two, three)}


@cache
def _states() -> frozenset[str]:
    """Codes of the parts of countries that are written behind a town without the country."""
    return frozenset(
        part.code.partition("-")[2] for part in pycountry.subdivisions if part.country_code in {"US", "CA"}
    )


def country_of(text: str, *, allow_code: bool = True) -> str | None:
    """ISO 3166-1 alpha-2 of a country's name in any known language, or of its two- or three-letter code."""
    words = comparable(text).strip(" .,()")
    if found := _countries().get(words):
        return found
    code = text.strip(" .,()")
    if allow_code and re.fullmatch("[A-Za-z]{2,3}", code):
        return _codes().get(code.upper())
    return None


def place_of_address(address: dict[str, Any]) -> Place | None:
    """A place of the parts of an address (keys street, locality, region, postal_code, country; texts)."""
    parts = {key: " ".join(str(value).split())[:MAX_TEXT] for key, value in address.items() if value}
    if set(parts) == {"street"}:
        # Some put the whole address there.
        return next(iter(places_of(parts["street"])), None)
    written = parts.get("country", "")
    code = country_of(written) if written else None
    shown = [parts[key] for key in ("locality", "region") if key in parts]
    if not shown and "street" in parts:
        shown = [parts["street"]]
    shown += [written] if written else []
    text = ", ".join(dict.fromkeys(shown)) or parts.get("postal_code", "")
    if not text:
        return None
    return Place(
        text=text,
        street=parts.get("street"),
        locality=parts.get("locality"),
        region=parts.get("region"),
        postal_code=parts.get("postal_code"),
        country=code,
    )


_SEVERAL = re.compile(r"\s*[;|\n•·]\s*|\s+/\s+|\s+(?:or|oder|ou|o|eller|of|lub|au|أو|または)\s+")
_AND = re.compile(
    r"\s+(?:and|und|et|y|e|i|en|och|og|ve|и|та|na|dan|và|και)\s+|"
    r"(?<=[\u0600-\u06ff])\s+و\s?(?=[\u0600-\u06ff])|[、・]"
)


def places_of(text: str) -> list[Place]:
    """The places a value names: "Thika, Kenya"; "Berlin / Hamburg"; "Nairobi; Kampala, Uganda"."""
    found: list[Place] = []
    # What follows a full stop is about something else.
    text = re.split(r"(?<=[^\W\d_]{3})\.\s+(?=[^\W\d_])", text[:600])[0]
    for part in _SEVERAL.split(text):
        for one in _names_in(part.strip(" .,\t")):
            if (place := _place(one)) and place not in found:
                found.append(place)
    return found[:MAX_PLACES]


def _names_in(part: str) -> list[str]:
    """The names that "and" joins, unless together they are a country's or there are more words about them."""
    names = _AND.split(part)
    is_list = len(names) > 1 and all(0 < len(name.split()) <= 3 and name[:1].isalpha() for name in names)
    is_plain = "," not in part and all(name[:1] == name[:1].upper() for name in names)
    return names if is_list and is_plain and country_of(part, allow_code=False) is None else [part]


def _place(text: str) -> Place | None:
    """One place from one line; None for what is no place: a figure, "Remote"."""
    text = re.sub(r"\s+", " ", _REMOTE_TAIL.sub("", text)).strip()[:MAX_TEXT]
    if len(re.findall(r"[^\W\d_]", text)) < 2 or pattern("remote_only").fullmatch(comparable(text)):
        return None
    if comparable(text) in terms("not_remote") or comparable(text) in terms("remote"):
        return None
    inner = re.fullmatch(r"(?P<town>[^()]{2,80})\s\((?P<more>[^()]{2,60})\)", text)
    parts = [inner["town"], inner["more"]] if inner else re.split(r"\s*[,،、，]\s*|\s+[-–—]\s+", text)
    parts = [part.strip() for part in parts if part.strip()]
    country = None
    if len(parts) == 1:
        country = country_of(parts[0], allow_code=False)
        if country:
            return Place(text=text, country=country)
    elif last := country_of(parts[-1], allow_code=len(parts[-1]) == 3 or not _is_state(parts[-1])):
        country, parts = last, parts[:-1]
    elif first := country_of(parts[0], allow_code=False):
        country, parts = first, parts[1:]
    return _placed(text, parts, country)


def _is_state(code: str) -> bool:
    """Two letters after a town are a state of the United States or Canada as well as a country."""
    return code.upper() in _states()


_POSTAL = re.compile(r"\b(?:[A-Z]{1,2}-)?(\d{4,6}(?:[ -]\d{3,4})?)\b")


# In scripts without blanks an address runs from the large to the small.
_EAST = re.compile(
    r"(?:〒?\s?(?P<postal>\d{3}-?\d{4})\s*)?(?P<region>[一-鿿]{2,3}?[都道府県]|[一-鿿]{2,7}?(?:省|自治区|自治區))?\s?"
    r"(?P<town>[一-鿿ぁ-んァ-ヶ]{1,7}?(?:市[一-鿿]{1,4}区|市[一-鿿]{1,4}區|[市区町村縣]|自治州))?(?P<rest>.{0,80})"
)


def _placed(text: str, parts: list[str], country: str | None) -> Place:
    if len(parts) == 1 and (east := _EAST.fullmatch(parts[0])) and (east["town"] or east["region"]):
        rest = east["rest"].strip()
        has_number = re.search(r"\d", rest) is not None
        return Place(
            text=text,
            street=rest if has_number else None,
            locality=(east["town"] or "") + ("" if not east["town"] or re.search(r"\d", rest) else rest)
            or None,
            region=east["region"],
            postal_code=east["postal"],
            country=country,
        )
    streets = (part for part in parts if re.search(r"\d", part) and re.search(r"[^\W\d_]{3}", part))
    street = next((part for part in streets if not _POSTAL.match(part)), None)
    rest_parts = [part for part in parts if part != street] or parts
    postal = next((match[1] for part in rest_parts if (match := _POSTAL.search(part))), None)
    names = [re.sub(r"\s{2,}", " ", _POSTAL.sub("", part)).strip(" -") for part in rest_parts]
    names = [re.sub(r"^(?:г|м|пос|с)\.\s*", "", name) for name in names if name]
    return Place(
        text=text,
        street=street if street in parts and len(parts) > 1 else None,
        locality=names[0] if names else None,
        region=names[1] if len(names) > 1 else None,
        postal_code=postal,
        country=country,
    )
