"""Addresses, numbers and names by their form and by the labels before them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from drafting.imports.words import label, section_of
from drafting.masks import EMAIL, LINK

BARE_LINK = re.compile(
    r"(?<![\w@./-])(?:[\w-]+\.)*(?:linkedin|github|gitlab|xing|behance|dribbble|orcid|stackoverflow|medium)"
    r"\.(?:com|org|net|io)/[^\s<>\"')\]|,;]+",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.,/:+-])(?:\+|\(\+?|00|0|\()?\d(?:[ ()/.\u2011\u2013-]{0,3}\d){6,14}(?![\w/-]|\.\d)"
)
_YEARS = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_LABELLED = re.compile(r"\s*[:：|]\s*(?P<rest>[^|\n]{2,120})")
# What follows a label, and not a word that only begins so ("Children's nurse").
_SAID = re.compile(r"\s*(?:[:：|–]|-\s|$|(?:(?:on|am|le|el|em|il|in)\s)?\d)")
_WORD = r"[^\W\d_][\w.'’-]*"
_STREET = re.compile(
    r"\d{1,5},?\s(?:rue|avenue|boulevard|chemin|place)\s[^,|\n]{3,40}"
    rf"|(?:{_WORD}\s){{0,4}}{_WORD}(?:straße|strasse|str\.|gasse|weg|platz|allee|ring)\s?\d{{1,4}}\s?[a-z]?"
    rf"|\d{{1,5}}[a-z]?,?\s(?:{_WORD}\s){{0,4}}"
    r"(?:street|st\.?|road|rd\.?|lane|avenue|ave\.?|drive|close|way|court|boulevard)(?!\w)"
    r"|(?:calle|avenida|av\.|plaza|rua|travessa|praça|via|viale|piazza|corso|ul\."
    r"|ulica|ул\.|улица|вул\.|οδός)\s"
    r"[^,|\n]{2,40}?,?\s?\d{1,4}[a-z]?"
    r"|p\.?\s?o\.?\s?box\s\d+(?:-\d+)?",
    re.IGNORECASE,
)
_PLACE_NAME = r"[^\W\d_][^\W\d_'’.-]+"
_POSTCODE_CITY = re.compile(
    r"(?<![\w-])(?:[A-Z]{1,2}-)?(?P<code>\d{2}-\d{3}|\d{4}-\d{3}|\d{4}\s[A-Z]{2}|\d{4,6})\s+"
    rf"(?P<city>{_PLACE_NAME}(?:[\s-]{_PLACE_NAME}){{0,2}})"
)
_NAME = re.compile(r"(?:[^\W\d_]\.|(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e00-\u0e7f'’-])+)(?:[ ·]|$)")
PARTICLES = frozenset(
    (
        "de", "da", "do", "dos", "das", "del", "della", "di", "du", "la", "le", "van", "von", "der", "den",
        "ten", "zu", "bin", "ibn", "al", "el", "ould", "y", "e",
    )
)  # fmt: skip
_TITLES = re.compile(r"^(?:mr|mrs|ms|dr|prof|eng|herr|frau|m\.|mme)\.?\s+", re.IGNORECASE)
_LONGEST_PRIVATE_LINE = 120


def phones_in(line: str) -> Iterator[str]:
    """Telephone numbers: no dates, no amounts; without + or 0 only where the line says that it is one."""
    is_labelled = bool(label("phone").search(line))
    for pattern in (LINK, BARE_LINK):
        line = pattern.sub(lambda match: " " * len(match.group()), line)
    for match in _PHONE.finditer(line):
        number = match.group().strip()
        digits = re.sub(r"\D", "", number)
        begins = number.lstrip("(").startswith(("+", "0"))
        is_dates = not number.startswith("+") and bool(_YEARS.search(number)) and not is_labelled
        if (is_labelled or begins) and 7 <= len(digits) <= 15 and not is_dates:
            yield number


def says_contact(line: str) -> bool:
    return bool(EMAIL.search(line) or LINK.search(line) or BARE_LINK.search(line) or any(phones_in(line)))


def is_private(line: str) -> bool:
    """Whether a line is about birth, family, faith or papers."""
    found = label("private").search(line)
    if not found or len(line) > _LONGEST_PRIVATE_LINE or re.search(r"\w", line[: found.start()]):
        return False
    return bool(_SAID.match(line, found.end()))


def labelled(line: str, name: str) -> str:
    """What follows a label at the beginning of the line; empty without one."""
    found = label(name).search(line)
    if not found or re.search(r"\w", line[: found.start()]):
        return ""
    rest = _LABELLED.match(line, found.end())
    return rest["rest"].strip() if rest else ""


def streets_in(line: str) -> Iterator[str]:
    yield from (match.group().strip(" ,") for match in _STREET.finditer(line))


def postcode_and_city_in(line: str) -> tuple[str, str] | None:
    match = _POSTCODE_CITY.search(line)
    return (match["code"], match["city"]) if match else None


def as_name(words: str) -> str:
    """The words where they can be somebody's name: two to five of them, capitals first, no heading."""
    words = _TITLES.sub("", " ".join(words.split()).strip(" .,;"))
    parts = words.split()
    if section_of(words) or len(words) > 60 or not all(_NAME.fullmatch(part) for part in parts):
        return ""
    if words.lower() == words.upper():
        # Where letters have no case a name of one word is usual.
        return words if 1 <= len(parts) <= 4 and 2 <= len(words) <= 30 else ""
    has_capitals = all(part[0].isupper() or part.casefold() in PARTICLES for part in parts)
    return words if 2 <= len(parts) <= 5 and has_capitals else ""


def without_marks(text: str) -> str:
    """Small letters without their marks."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
