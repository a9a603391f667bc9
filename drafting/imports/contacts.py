"""Who somebody is, found by code before a model reads a CV, and put into the profile by code.

Lines about a person's birth, family and faith have no place in a JSON Resume: nobody is shown them. Referees
are other people: their section is held back as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from drafting.imports.headings import section_of
from drafting.imports.review import Review
from drafting.masks import EMAIL, LINK, Replacements, hidden, shown

_HEADER_LINES = 14
_BARE_LINK = re.compile(
    r"(?<![\w@./-])(?:[\w-]+\.)*(?:linkedin|github|gitlab|xing|behance|dribbble|orcid|stackoverflow|medium)"
    r"\.(?:com|org|net|io)/[^\s<>\"')\]|,;]+",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.,/:+-])(?:\+|\(\+?|00|0|\()?\d(?:[ ()/.\u2011\u2013-]{0,3}\d){6,14}(?![\w/-]|\.\d)"
)
_PHONE_LABEL = re.compile(
    r"\b(?:phone|tel|telephone|mobile|cell|telefon|mobil|handy|tél|téléphone|portable|teléfono|móvil|telefone"
    r"|telemóvel|celular|telefono|cellulare|simu|тел|телефон|τηλ|τηλέφωνο|gsm)\b|電話|电话|手机|전화|هاتف|الهاتف"
    r"|טלפון|फ़ोन|फोन",
    re.IGNORECASE,
)
_YEARS = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_PRIVATE = re.compile(
    r"^\W*(?:date of birth|born|birth ?day|d\.?o\.?b\.?|place of birth|age|gender|sex|marital status|nationality"
    r"|citizenship|religion|children|passport|id number|national id|geburtsdatum|geboren|geburtsort|familienstand"
    r"|staatsangehörigkeit|nationalität|geschlecht|konfession|kinder|date de naissance|née?\b|lieu de naissance"
    r"|situation familiale|état civil|nationalité|fecha de nacimiento|nacid[oa]|estado civil|nacionalidad|sexo|dni"
    r"|data de nascimento|nascid[oa]|nacionalidade|data di nascita|nat[oa] (?:il|a)|stato civile|nazionalità"
    r"|tarehe ya kuzaliwa|jinsia|hali ya ndoa|uraia|dini|дата рождения|семейное положение|гражданство"
    r"|дата народження|ημερομηνία γέννησης|doğum tarihi|medeni hal|生年月日|性別|出生日期|性别|婚姻状况|민족"
    r"|생년월일|تاريخ الميلاد|الجنسية|الحالة الاجتماعية|תאריך לידה|जन्म तिथि|data urodzenia)",
    re.IGNORECASE,
)
_NAME_LABEL = re.compile(
    r"^\W*(?:full name|name|nom|nombre|nome|jina|vollständiger name|имя|фио|ім'я|όνομα|ad soyad|氏名|姓名|이름|성명"
    r"|الاسم|שם|नाम|imię i nazwisko)\s*[:：|]\s*(?P<name>[^|:\n]{2,60})",
    re.IGNORECASE,
)
_ADDRESS_LABEL = re.compile(
    r"^\W*(?:address|home address|postal address|adresse|anschrift|wohnort|dirección|direccion|domicilio|endereço"
    r"|morada|indirizzo|anwani|adres|адрес|адреса|διεύθυνση|住所|地址|주소|العنوان|כתובת|पता)\s*[:：|]\s*(?P<rest>.+)$",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"(?P<street>\d{1,5},?\s(?:rue|avenue|boulevard|chemin|place)\s[^,|\n]{3,40}"
    r"|(?:[^\W\d_][\w.'’-]*\s){0,4}[^\W\d_][\w.'’-]*(?:straße|strasse|str\.|gasse|weg|platz|allee|ring)\s?"
    r"\d{1,4}\s?[a-z]?"
    r"|\d{1,5}[a-z]?,?\s(?:[^\W\d_][\w.'’-]*\s){0,4}(?:street|st\.?|road|rd\.?|lane|avenue|ave\.?|drive|close|way|court"
    r"|boulevard)\b(?:\s(?:[^\W\d_][\w.'’-]*)){0,4}?(?=\W|$)"
    r"|(?:calle|avenida|av\.|plaza|rua|travessa|praça|via|viale|piazza|corso|ul\.|ulica|ул\.|улица|вул\.|οδός)\s"
    r"[^,|\n]{2,40}?,?\s?\d{1,4}[a-z]?|p\.?\s?o\.?\s?box\s\d+(?:-\d+)?)",
    re.IGNORECASE,
)
_POSTCODE_CITY = re.compile(
    r"(?<![\w-])(?:[A-Z]{1,2}-)?(?P<code>\d{2}-\d{3}|\d{4}-\d{3}|\d{4}\s[A-Z]{2}|\d{4,6})\s+"
    r"(?P<city>[^\W\d_][^\W\d_'’.-]+(?:[\s-][^\W\d_][^\W\d_'’.-]+){0,2})"
)
_NETWORKS = {
    "linkedin": "LinkedIn", "github": "GitHub", "gitlab": "GitLab", "xing": "XING", "behance": "Behance",
    "dribbble": "Dribbble", "orcid": "ORCID", "stackoverflow": "Stack Overflow", "medium": "Medium",
}  # fmt: skip
_NAME = re.compile(r"(?:[^\W\d_]\.|(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e00-\u0e7f'’-])+)(?:[ ·]|$)")
_PARTICLES = frozenset(
    [
        "de",
        "da",
        "do",
        "dos",
        "das",
        "del",
        "della",
        "di",
        "du",
        "la",
        "le",
        "van",
        "von",
        "der",
        "den",
        "ten",
        "zu",
        "bin",
        "ibn",
        "al",
        "el",
        "ould",
        "y",
        "e",
    ]
)
_TITLES = re.compile(r"^(?:mr|mrs|ms|dr|prof|eng|herr|frau|m\.|mme)\.?\s+", re.IGNORECASE)
_SHORTEST = 3


@dataclass
class Person:
    """What a CV's text says of who its person is. `text` is the whole; `held_back` are the referees' lines."""

    text: str = field(repr=False)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def own_text(self) -> str:
        """The lines that are about the person alone, and of use to a profile."""
        held = set(self.held_back)
        rows = [
            line for number, line in enumerate(self.lines) if number not in held and not _is_private(line)
        ]
        return "\n".join(rows)

    @cached_property
    def emails(self) -> list[str]:
        """The person's own first; the referees' follow."""
        return list(dict.fromkeys(EMAIL.findall(self.own_text) + EMAIL.findall(self.text)))

    @cached_property
    def links(self) -> list[str]:
        found = [match.group() for pattern in (LINK, _BARE_LINK) for match in pattern.finditer(self.text)]
        return [
            one for one in dict.fromkeys(found) if not any(one != other and one in other for other in found)
        ]

    @cached_property
    def phones(self) -> list[str]:
        """By their form: no dates, no amounts; without + or 0 only where the line says that it is one."""
        lines = [*self.own_text.split("\n"), *self.lines]
        return list(dict.fromkeys(number for line in lines for number in _phones_in(line)))

    @cached_property
    def name(self) -> str:
        """Where a line is labelled so, else of the first lines one that the e-mail address or a link agrees
        with, else the first that can be a name."""
        return self._labelled_name or next(iter(self._confirmed_names), next(iter(self._possible_names), ""))

    @cached_property
    def is_name_certain(self) -> bool:
        """Whether more than its place says that it is one."""
        follows_title = any(section_of(line) == "title" for line in self.lines[:3])
        return bool(self._labelled_name or self._confirmed_names or (self._possible_names and follows_title))

    @cached_property
    def _labelled_name(self) -> str:
        matches = (_NAME_LABEL.match(line) for line in self.lines[: _HEADER_LINES * 2])
        return next((name for match in matches if match and (name := _as_name(match["name"]))), "")

    @cached_property
    def _possible_names(self) -> list[str]:
        start = [line for line in self.lines[:_HEADER_LINES] if line.strip() and section_of(line) is None][:5]
        firsts = [re.split(r"\s*[|•·,\t]\s*|\s[–—-]\s", line.strip())[0] for line in start]
        return [name for first in firsts if not self._says_contact(first) and (name := _as_name(first))]

    @cached_property
    def _confirmed_names(self) -> list[str]:
        own = [mail for mail in self.emails if mail in self.own_text]
        written = " ".join([*(mail.partition("@")[0] for mail in own), *self.links])
        known = [part for part in re.split(r"[^a-z]+", _ascii(written)) if len(part) >= _SHORTEST]
        return [
            name
            for name in self._possible_names
            if any(word in part for word in _ascii(name).split() if len(word) >= _SHORTEST for part in known)
        ]

    @cached_property
    def streets(self) -> list[str]:
        header = [line for line in self.lines[:_HEADER_LINES]]
        labelled = [match["rest"] for line in self.lines if (match := _ADDRESS_LABEL.match(line))]
        found = [
            match["street"].strip(" ,") for line in [*labelled, *header] for match in _STREET.finditer(line)
        ]
        return list(dict.fromkeys(found))

    @cached_property
    def postcode_and_city(self) -> tuple[str, str] | None:
        """Beside the street, on the line below it, or on a line labelled as an address."""
        for number, line in enumerate(self.lines):
            labelled = _ADDRESS_LABEL.match(line)
            has_street = any(street in line for street in self.streets)
            if not labelled and not has_street:
                continue
            for candidate in (line, *(self.lines[number + 1 : number + 2] if has_street else [])):
                for street in self.streets:
                    candidate = candidate.replace(street, ",")
                if match := _POSTCODE_CITY.search(candidate):
                    return match["code"], match["city"]
        return None

    @cached_property
    def held_back(self) -> list[int]:
        """Numbers of the lines of the referees' section, its heading included."""
        held, inside = [], False
        for number, line in enumerate(self.lines):
            section = section_of(line)
            if section is not None:
                inside = section == "references"
            if inside:
                held.append(number)
        return held

    @cached_property
    def _replacements(self) -> Replacements:
        found: dict[str, str] = {}
        for kind, text in self._personal():
            if len(text) >= _SHORTEST:
                found.setdefault(text, f"APPLICANT{kind}{sum(kind in name for name in found.values()) + 1}")
        return sorted(found.items(), key=lambda pair: -len(pair[0]))

    def _personal(self) -> Iterator[tuple[str, str]]:
        yield "NAME", self.name
        for part in self.name.split():
            if part.casefold() not in _PARTICLES:
                yield from (
                    ("NAME", form) for form in dict.fromkeys((part.strip(".,"), part.title(), part.upper()))
                )
        yield from (("CONTACT", one) for one in (*self.emails, *self.links, *self.phones))
        yield from (("ADDRESS", street) for street in self.streets)
        if self.postcode_and_city:
            yield "ADDRESS", self.postcode_and_city[0]

    def hide(self, text: str) -> str:
        """The text with placeholders for what says who or where the person is."""
        return hidden(text, self._replacements)

    def show(self, text: str) -> str:
        """The text with the placeholders filled in again."""
        return shown(text, self._replacements)

    def readable(self) -> str:
        """What a model may read: masked, without referees, and without lines that no profile has a use for."""
        return self.hide(self.own_text)

    def is_contact(self, words: str) -> bool:
        """Whether words are, or hold, an address or a number of somebody."""
        return self._says_contact(words) or any(words.strip() == one for one in (*self.phones, *self.streets))

    def put(self, review: Review) -> None:
        """Set the header of the profile, and say which lines nobody read."""
        for path, value in self._header():
            review.put(f"basics/{path}", value, self.line_of(value))
        if self.name and not self.is_name_certain:
            review.doubt("basics/name", self.name, "by_its_place_alone")
        for value in (*self._own(self.emails)[1:], *self._own(self.phones)[1:]):
            review.doubt("basics", value, "further_contact")
        if referees := "\n".join(self.lines[number] for number in self.held_back[1:]).strip():
            review.doubt("references", referees, "not_read")

    def _header(self) -> Iterator[tuple[str, str]]:
        if self.is_name_certain:
            yield "name", self.name.title() if self.name.isupper() and self.name.isascii() else self.name
        yield from (("email", one) for one in self._own(self.emails)[:1])
        yield from (("phone", one) for one in self._own(self.phones)[:1])
        yield from (("location/address", one) for one in self.streets[:1])
        if self.postcode_and_city:
            yield "location/postalCode", self.postcode_and_city[0]
            yield "location/city", self.postcode_and_city[1]
        index, has_own = 0, False
        for link in self._own(self.links)[:6]:
            address = link if "://" in link else f"https://{link}"
            network = next((name for key, name in _NETWORKS.items() if f"{key}." in link.casefold()), "")
            if network:
                yield f"profiles/{index}/network", network
                yield f"profiles/{index}/url", address
                yield f"profiles/{index}/username", link.rstrip("/").rpartition("/")[2]
                index += 1
            elif not has_own and self._is_in_header(link):
                has_own = True
                yield "url", address

    def _own(self, found: list[str]) -> list[str]:
        return [one for one in found if one in self.own_text]

    def _is_in_header(self, words: str) -> bool:
        return any(words in line for line in self.lines[:_HEADER_LINES])

    def line_of(self, value: str) -> str:
        """The line that says it."""
        bare = value.removeprefix("https://").casefold()
        return next((line.strip() for line in self.lines if bare in line.casefold()), value)

    @staticmethod
    def _says_contact(line: str) -> bool:
        return bool(
            EMAIL.search(line) or LINK.search(line) or _BARE_LINK.search(line) or any(_phones_in(line))
        )


def _phones_in(line: str) -> Iterator[str]:
    is_labelled = bool(_PHONE_LABEL.search(line))
    bare = _BARE_LINK.sub(
        lambda match: " " * len(match.group()), LINK.sub(lambda m: " " * len(m.group()), line)
    )
    for match in _PHONE.finditer(bare):
        number = match.group().strip()
        digits = re.sub(r"\D", "", number)
        begins = number.lstrip("(").startswith(("+", "0"))
        is_dates = not number.startswith("+") and bool(_YEARS.search(number)) and not is_labelled
        if (is_labelled or begins) and 7 <= len(digits) <= 15 and not is_dates:
            yield number


def _ascii(text: str) -> str:
    """Letters without marks, small."""
    return "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))


def _is_private(line: str) -> bool:
    return bool(_PRIVATE.match(line)) and len(line) < 120


def _as_name(words: str) -> str:
    """The words where they can be somebody's name: two to five of them, capitals first, no heading."""
    words = _TITLES.sub("", " ".join(words.split()).strip(" .,;"))
    parts = words.split()
    if section_of(words) or len(words) > 60 or not all(_NAME.fullmatch(part) for part in parts):
        return ""
    has_case = words.lower() != words.upper()
    if not has_case:
        # Where letters have no case a name of one word is usual.
        return words if 1 <= len(parts) <= 4 and 2 <= len(words) <= 30 else ""
    capital = all(part[0].isupper() or part.casefold() in _PARTICLES for part in parts)
    return words if 2 <= len(parts) <= 5 and capital else ""
