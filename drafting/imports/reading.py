"""A model's answer about a CV, held against the CV: what it does not say is not there.

Every value is the CV's own words. They have to stand there whole, on the lines of the entry they are put
into, and not be denied; dates are read from them by code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drafting.imports.contacts import Person
from drafting.imports.entries import Located, Section
from drafting.imports.forms import CvAnswer
from drafting.imports.periods import EntryDates
from drafting.imports.review import Review
from drafting.imports.source import Place, Source


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a section's entries are read. `header` are the members that say which entry it is, the first ones
    first; without any of `needed` it is none. A "no" turns a `deniable` entry round."""

    key: str
    header: tuple[str, ...]
    needed: tuple[str, ...]
    dates: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()
    deniable: bool = False


# Said in sentences of any section too.
_ANYWHERE = frozenset({"skills", "languages"})
_PERIOD = ("startDate", "endDate")
_KINDS = (
    _Kind(
        "work", ("position", "name"), ("position", "name"), _PERIOD, ("location",),
        ("summary", "highlights"),
    ),
    _Kind(
        "volunteer", ("position", "organization"), ("position", "organization"), _PERIOD,
        prose=("summary", "highlights"),
    ),
    _Kind(
        "education", ("institution", "studyType", "area"), ("institution", "studyType", "area"), _PERIOD,
        ("score", "courses"), deniable=True,
    ),
    _Kind("projects", ("name",), ("name",), _PERIOD, prose=("description", "highlights")),
    _Kind("certificates", ("name", "issuer"), ("name",), ("date",), deniable=True),
    _Kind("awards", ("title", "awarder"), ("title",), ("date",)),
    _Kind("publications", ("name", "publisher"), ("name",), ("releaseDate",)),
    _Kind("languages", ("language",), ("language",), words=("fluency",), deniable=True),
    _Kind("skills", ("name",), ("name", "keywords"), words=("keywords",), deniable=True),
)  # fmt: skip


def put_answer(review: Review, answer: CvAnswer, person: Person) -> None:
    """Put what the person's own lines support; the rest is dropped or unsure."""
    source = Source(person.own_text)
    data = shown(answer.model_dump(), person)
    reader = _Reader(review, source, person)
    reader.put_head(data)
    for kind in _KINDS:
        reader.put_section(kind, data[kind.key])
    reader.put_interests(data["interests"])


def shown(value: Any, person: Person) -> Any:
    """The value with the person's own words where the model had others in their place."""
    if isinstance(value, str):
        return person.show(value)
    if isinstance(value, list):
        return [shown(one, person) for one in value]
    return {name: shown(one, person) for name, one in value.items()} if isinstance(value, dict) else value


class _Reader:
    def __init__(self, review: Review, source: Source, person: Person) -> None:
        self.review, self.source, self._person = review, source, person

    def put_head(self, data: Mapping[str, Any]) -> None:
        """Headline, summary and town."""
        if label := data["label"]:
            self.put_words("basics/label", label, others=[])
        if summary := data["summary"]:
            self.put_prose("basics/summary", summary)
        has_city = "city" in self.review.resume.get("basics", {}).get("location", {})
        if (city := data["city"]) and not has_city:
            self.put_words("basics/location/city", city, others=[])

    def put_interests(self, names: Sequence[str]) -> None:
        number = 0
        for name in names:
            number += self.put_words(f"interests/{number}/name", name, others=[])

    def put_section(self, kind: _Kind, rows: Sequence[Mapping[str, Any]]) -> None:
        names = tuple(member for member in (*kind.header, *kind.words) if member != "courses")
        headers = [{m: row[m] for m in names if isinstance(row.get(m), str)} for row in rows]
        section = Section(self.source, list(headers), kind.header)
        number, seen = 0, set()
        for row, entry in zip(rows, section.entries, strict=True):
            key = repr(row)
            if key in seen:
                continue
            seen.add(key)
            number += _Entry(self, kind, section, entry, f"{kind.key}/{number}").put(row)

    def put_words(
        self, path: str, words: str, *, others: Sequence[Place], deniable: bool = False,
        section: Section | None = None, entry: Located | None = None, place: Place | None = None,
    ) -> bool:  # fmt: skip
        """Set a value where the source has it; returns whether it was set."""
        places = [place] if place else self.source.places(words)
        if not places:
            self.review.drop(path, words, "not_in_source")
            return False
        if self._person.is_contact(words):
            self.review.drop(path, words, "contact_detail")
            return False
        own = [
            p
            for p in places
            if not section or not entry or section.belongs(p, entry) or section.is_over(p, entry)
        ]
        whole = [p for p in own if self.source.is_whole(p, [o for o in others if o != p])]
        free = [p for p in whole if not (deniable and self.source.is_denied(p))]
        if not free:
            why = "apart" if not own else "part_of_a_phrase" if not whole else "denied"
            self.review.doubt(path, words, why)
            return False
        self.review.put(path, self.source.words_at(free[0]), self.source.quote(free[0]))
        return True

    def put_prose(
        self, path: str, words: str, *, section: Section | None = None, entry: Located | None = None
    ) -> bool:
        """Set whole sentences: what a model cut off may be what makes them true."""
        places = self.source.places(words)
        if not places:
            self.review.drop(path, words, "not_in_source")
            return False
        own = [p for p in places if not section or not entry or section.belongs(p, entry)]
        whole = [self.source.sentence(p) for p in own]
        if not whole or self.source.is_too_long(whole[0]):
            self.review.doubt(path, words, "too_long" if whole else "apart")
            return False
        self.review.put(path, self.source.words_at(whole[0]), self.source.quote(whole[0]))
        return True


class _Entry:
    """One entry on its way into the resume."""

    def __init__(self, reader: _Reader, kind: _Kind, section: Section, entry: Located, at: str) -> None:
        self._reader, self._kind, self._section, self._entry, self._at = reader, kind, section, entry, at
        self._source, self._review = reader.source, reader.review
        self._others = list(entry.places.values())

    def put(self, row: Mapping[str, Any]) -> bool:
        """Returns whether anything was put at the entry's path."""
        self._others += self._words_beside(row)
        if not self._put_header(row):
            return self._put_keywords_alone(row)
        said = {member: words for member in self._kind.dates if (words := row.get(member))}
        EntryDates(self._source, self._review, self._section, self._entry).put(said, at=self._at)
        for member in self._kind.words:
            self._put_member(member, row.get(member))
        for member in self._kind.prose:
            self._put_member(member, row.get(member), is_prose=True)
        return True

    def _words_beside(self, row: Mapping[str, Any]) -> list[Place]:
        """Where the entry's further words stand on the lines of its header: "French native" is two values."""
        own = self._entry.own_lines
        values = [value for member in self._kind.words if isinstance(value := row.get(member), str)]
        return [place for value in values for place in self._source.places(value) if place.line in own]

    def _put_header(self, row: Mapping[str, Any]) -> bool:
        """Words over several entries say nothing of one of which nothing else is there."""
        is_put = False
        for member in sorted(self._kind.header, key=self._says_little):
            if words := row.get(member):
                place = self._entry.places.get(member)
                why = self._why_not_here(member, words, place)
                if not why and self._says_little(member) and not is_put:
                    why = "apart"
                if why:
                    self._review.doubt(f"{self._at}/{member}", words, why)
                    continue
                is_put |= self._reader.put_words(
                    f"{self._at}/{member}", words, others=self._others, place=place,
                    deniable=self._kind.deniable,
                )  # fmt: skip
        return is_put

    def _says_little(self, member: str) -> bool:
        return member in self._entry.shared or member not in self._kind.needed

    def _why_not_here(self, member: str, words: str, place: Place | None) -> str:
        if place is None:
            return "apart" if self._source.places(words) else ""
        if self._kind.key not in _ANYWHERE and not self._section.is_under(place, self._kind.key):
            return "other_section"
        is_shared = member in self._entry.shared
        return "" if is_shared or self._section.belongs(place, self._entry) else "apart"

    def _put_keywords_alone(self, row: Mapping[str, Any]) -> bool:
        """Skills without a group's name; of other entries, all that is said hangs in the air."""
        if self._kind.key == "skills" and row.get("keywords") and not row.get("name"):
            self._put_member("keywords", row["keywords"], is_located=False)
            return any(found["path"].startswith(f"{self._at}/") for found in self._review.found)
        for member in (*self._kind.dates, *self._kind.words, *self._kind.prose):
            for words in [value] if isinstance(value := row.get(member), str) else value or []:
                path = f"{self._at}/{member}"
                if self._source.places(words):
                    self._review.doubt(path, words, "apart")
                else:
                    self._review.drop(path, words, "not_in_source")
        return False

    def _put_member(
        self, member: str, value: Any, *, is_prose: bool = False, is_located: bool = True
    ) -> None:
        located: dict[str, Any] = {"section": self._section, "entry": self._entry} if is_located else {}
        if isinstance(value, list):
            number = 0
            for words in dict.fromkeys(value):
                path = f"{self._at}/{member}/{number}"
                number += self._put_one(path, words, located, is_prose=is_prose)
        elif value:
            self._put_one(f"{self._at}/{member}", value, located, is_prose=is_prose)

    def _put_one(self, path: str, words: str, located: dict[str, Any], *, is_prose: bool) -> bool:
        if is_prose:
            return self._reader.put_prose(path, words, **located)
        deniable = self._kind.key == "skills"
        return self._reader.put_words(path, words, others=self._others, deniable=deniable, **located)
