"""Who somebody is, found by code before a model reads a CV, and put into the profile by code.

Lines about a person's birth, family and faith have no place in a JSON Resume: nobody is shown them. Referees
are other people: their section is held back as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from drafting.imports.contact_forms import (
    BARE_LINK,
    PARTICLES,
    as_name,
    is_private,
    labelled,
    phones_in,
    postcode_and_city_in,
    says_contact,
    streets_in,
    without_marks,
)
from drafting.imports.review import Review
from drafting.imports.words import section_of
from drafting.masks import EMAIL, LINK, Replacements, hidden, shown

_HEADER_LINES = 14
_NETWORKS = {
    "linkedin": "LinkedIn", "github": "GitHub", "gitlab": "GitLab", "xing": "XING", "behance": "Behance",
    "dribbble": "Dribbble", "orcid": "ORCID", "stackoverflow": "Stack Overflow", "medium": "Medium",
}  # fmt: skip
_SHORTEST = 3


@dataclass
class Person:
    """What a CV's text says of who its person is. `text` is the whole of it."""

    text: str = field(repr=False)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def own_text(self) -> str:
        """The lines that are about the person alone, and of use to a profile."""
        held = set(self.held_back)
        rows = [line for number, line in enumerate(self.lines) if number not in held and not is_private(line)]
        return "\n".join(rows)

    @cached_property
    def emails(self) -> list[str]:
        """The person's own first; the referees' follow."""
        return list(dict.fromkeys(EMAIL.findall(self.own_text) + EMAIL.findall(self.text)))

    @cached_property
    def links(self) -> list[str]:
        found = [match.group() for pattern in (LINK, BARE_LINK) for match in pattern.finditer(self.text)]
        return [
            one for one in dict.fromkeys(found) if not any(one != other and one in other for other in found)
        ]

    @cached_property
    def phones(self) -> list[str]:
        """By their form: no dates, no amounts; without + or 0 only where the line says that it is one."""
        lines = [*self.own_text.split("\n"), *self.lines]
        return list(dict.fromkeys(number for line in lines for number in phones_in(line)))

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
        found = (as_name(labelled(line, "name")) for line in self.lines[: _HEADER_LINES * 2])
        return next(filter(None, found), "")

    @cached_property
    def _possible_names(self) -> list[str]:
        start = [line for line in self.lines[:_HEADER_LINES] if line.strip() and section_of(line) is None][:5]
        firsts = [re.split(r"\s*[|•·,\t]\s*|\s[–—-]\s", line.strip())[0] for line in start]
        return [name for first in firsts if not says_contact(first) and (name := as_name(first))]

    @cached_property
    def _confirmed_names(self) -> list[str]:
        own = [mail for mail in self.emails if mail in self.own_text]
        written = " ".join([*(mail.partition("@")[0] for mail in own), *self.links])
        known = [part for part in re.split(r"[^a-z]+", without_marks(written)) if len(part) >= _SHORTEST]
        return [
            name
            for name in self._possible_names
            if any(
                word in part
                for word in without_marks(name).split()
                if len(word) >= _SHORTEST
                for part in known
            )
        ]

    @cached_property
    def streets(self) -> list[str]:
        addresses = [labelled(line, "address") for line in self.lines]
        lines = [*filter(None, addresses), *self.lines[:_HEADER_LINES]]
        return list(dict.fromkeys(street for line in lines for street in streets_in(line)))

    @cached_property
    def postcode_and_city(self) -> tuple[str, str] | None:
        """Beside the street, on the line below it, or on a line labelled as an address."""
        for number, line in enumerate(self.lines):
            has_street = any(street in line for street in self.streets)
            if not has_street and not labelled(line, "address"):
                continue
            below = self.lines[number + 1 : number + 2] if has_street else []
            for candidate in (line, *below):
                if found := postcode_and_city_in(self._without_streets(candidate)):
                    return found
        return None

    def _without_streets(self, line: str) -> str:
        for street in self.streets:
            line = line.replace(street, ",")
        return line

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
            if part.casefold() not in PARTICLES:
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
        """What a model may read: masked, without referees, and what no profile has a use for."""
        return self.hide(self.own_text)

    def is_contact(self, words: str) -> bool:
        """Whether words are, or hold, an address or a number of somebody."""
        return says_contact(words) or any(words.strip() == one for one in (*self.phones, *self.streets))

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
