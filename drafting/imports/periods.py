"""The dates of an entry: which end of a period some words are, and what is put of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drafting.imports.dates import ReadDate, date_after, read_date
from drafting.imports.entries import Located, Section
from drafting.imports.review import Review
from drafting.imports.source import Place, Source

# Characters after a date in which the other end of its period begins.
_REACH = 60


@dataclass(frozen=True, slots=True)
class _Said:
    """A date as the source says it."""

    place: Place
    words: str
    date: ReadDate


class EntryDates:
    """The dates that a model gave of one entry, held against the entry's own lines."""

    def __init__(self, source: Source, review: Review, section: Section, entry: Located) -> None:
        self._source, self._review, self._section, self._entry = source, review, section, entry

    def put(self, words: Mapping[str, str], *, at: str) -> None:
        """Put what the source supports of `words` by member; the rest is dropped or unsure."""
        said = {member: found for member, some in words.items() if (found := self._said(member, some, at))}
        if "startDate" in said and "endDate" not in said and (end := self._end_after(said["startDate"])):
            said["endDate"] = end
        if _is_reversed(said):
            for member, one in said.items():
                self._review.doubt(f"{at}/{member}", one.words, "end_before_start")
            return
        for member, one in said.items():
            if one.date.why:
                self._review.doubt(f"{at}/{member}", one.words, one.date.why)
            if one.date.value:
                self._review.put(f"{at}/{member}", one.date.value, self._source.quote(one.place))

    def _said(self, member: str, words: str, at: str) -> _Said | None:
        places = self._source.places(words)
        own = [place for place in places if self._section.belongs(place, self._entry)]
        if not places:
            self._review.drop(f"{at}/{member}", words, "not_in_source")
            return None
        place = next((one for one in own if self._can_be(member, one)), None)
        if place is None:
            self._review.doubt(f"{at}/{member}", words, "not_this_end" if own else "apart")
            return None
        return _Said(place, words, read_date(words, language=self._source.language))

    def _can_be(self, member: str, place: Place) -> bool:
        """Whether words can be this end of a period: what follows a dash is no start, what precedes one no
        end."""
        if member == "startDate":
            return not self._ends_period(place)
        return member != "endDate" or date_after(self._following(place)) is None

    def _ends_period(self, place: Place) -> bool:
        line_start = self._source.text.rfind("\n", 0, place.start) + 1
        before = self._source.text[line_start : place.start]
        words = self._source.text[place.start : place.end]
        for cut in range(max(0, len(before) - _REACH), len(before)):
            after = date_after(before[cut:] + words)
            if after and after[1].value and read_date(before[:cut].split("|")[-1]).value:
                return True
        return False

    def _end_after(self, start: _Said) -> _Said | None:
        """A job whose end was left out would read as one that goes on."""
        after = date_after(self._following(start.place), language=self._source.language)
        return _Said(start.place, *after) if after else None

    def _following(self, place: Place) -> str:
        return self._source.text[place.end : place.end + _REACH]


def _is_reversed(said: Mapping[str, _Said]) -> bool:
    start, end = said.get("startDate"), said.get("endDate")
    if not (start and end and start.date.value and end.date.value):
        return False
    length = min(len(start.date.value), len(end.date.value))
    return end.date.value[:length] < start.date.value[:length]
