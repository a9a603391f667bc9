"""Which lines of a CV belong to which entry: a value is an entry's own only where it stands on its lines.

An employer, a title and a date that all stand in a CV are still a lie when they stand in three jobs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from drafting.imports.source import Place, Source
from drafting.imports.words import section_of

# An entry's header is no taller than this, in lines; a firm may stand over a longer list of its jobs.
_HEADER_REACH = 4
_SHARED_REACH = 40
_FAR = 30
_YEAR = re.compile(r"(?:19|20)\d\d|[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u0e50-\u0e59]{4}")


_LEARNED = {"education", "certificates", "awards", "publications"}
_DONE = {"work", "volunteer", "projects"}
_ALIKE = (
    dict.fromkeys(_LEARNED, _LEARNED) | dict.fromkeys(_DONE, _DONE) | {"languages": {"languages", "skills"}}
)


@dataclass(slots=True)
class Located:
    """One entry and where its header stands: `places` by member; `values` are the words asked about."""

    values: Mapping[str, str]
    places: dict[str, Place] = field(default_factory=dict)
    # A line over several entries is none of their own ones.
    shared: set[str] = field(default_factory=set)

    @property
    def own_lines(self) -> set[int]:
        return {
            line
            for member, place in self.places.items()
            if member not in self.shared
            for line in range(place.line, place.last_line + 1)
        }

    @property
    def start(self) -> int:
        return min((p.start for m, p in self.places.items() if m not in self.shared), default=-1)


class Section:
    """The entries of one section, located in the source. `header` names the members that stand together."""

    def __init__(self, source: Source, entries: list[Mapping[str, str]], header: tuple[str, ...]) -> None:
        self._source = source
        self._header = header
        self.entries = [Located({m: v for m, v in entry.items() if m in header and v}) for entry in entries]
        self._anchor()
        self._dates_stand_above = self._are_dates_above()

    def _anchor(self) -> None:
        taken: set[int] = set()
        for entry in self.entries:
            found = {m: places for m, v in entry.values.items() if (places := self._source.places(v))}
            if not found:
                continue
            # The rarest of its words says best where the entry is.
            member = min(found, key=lambda m: (len(found[m]), self._header.index(m)))
            rest = [places for m, places in found.items() if m != member]
            place = min(found[member], key=lambda p: self._cost(p, rest, taken))
            taken.add(place.start)
            entry.places[member] = place
            for other, places in found.items():
                if other == member:
                    continue
                whole = [p for p in places if self._source.is_whole(p, [place])]
                nearest = min(
                    whole or places, key=lambda p: (abs(p.line - place.line), abs(p.start - place.start))
                )
                if abs(nearest.line - place.line) <= _HEADER_REACH:
                    entry.places[other] = nearest
                elif above := [p for p in whole if 0 <= place.line - p.line <= _SHARED_REACH]:
                    entry.places[other] = above[-1]
                    entry.shared.add(other)
        for member in self._header:
            self._settle(member)

    def _cost(self, place: Place, rest: list[list[Place]], taken: set[int]) -> tuple[int, bool, int, int]:
        away = sum(min(_FAR, *(abs(p.line - place.line) for p in places)) for places in rest)
        is_whole = self._source.is_whole(place, [p for places in rest for p in places])
        return (place.start in taken, not is_whole, away, place.start)

    def _settle(self, member: str) -> None:
        """Decide about words that several entries claim, or that stand far above theirs: a firm over a list
        of its jobs belongs to all of them, any other to the nearest."""
        claims: dict[int, list[Located]] = {}
        for entry in self.entries:
            if place := entry.places.get(member):
                claims.setdefault(place.start, []).append(entry)
        for claimed in claims.values():
            place = claimed[0].places[member]
            rest = {id(e): [p.line for m, p in e.places.items() if m != member] for e in claimed}
            tops = [min(lines) for lines in rest.values() if lines]
            is_above = len(tops) == len(claimed) and place.line < min(tops)
            if is_above and (len(claimed) > 1 or claimed[0].shared):
                for entry in claimed:
                    if self._is_headed(min(rest[id(entry)]), place.line):
                        entry.places.pop(member)
                    else:
                        entry.shared.add(member)
            elif len(claimed) > 1 or member in claimed[0].shared:
                self._keep_nearest(member, place, claimed, rest)

    def _keep_nearest(
        self, member: str, place: Place, claimed: list[Located], rest: Mapping[int, list[int]]
    ) -> None:
        def away(entry: Located) -> int:
            return min((abs(line - place.line) for line in rest[id(entry)]), default=_SHARED_REACH)

        nearest = min(claimed, key=away)
        for entry in claimed:
            is_far = member in entry.shared and away(entry) > _HEADER_REACH
            if entry is not nearest or (is_far and rest[id(entry)]):
                entry.places.pop(member)
                entry.shared.discard(member)

    def _is_headed(self, top: int, shared: int) -> bool:
        """Whether a job has a line of its own above it, of which nobody said what it is: another firm."""
        own = set().union(*(entry.own_lines for entry in self.entries))
        number = top - 1
        while number > shared and not self._source.lines[number].strip():
            number -= 1
        if number <= shared or number in own:
            return False
        line = self._source.lines[number]
        return len(line) < 80 and not self._source.is_item(number) and not self._is_of_dates(number)

    def _are_dates_above(self) -> bool:
        """Whether a line of dates alone stands over its entry rather than under it, as over the first one."""
        firsts = [min(lines) for entry in self.entries if (lines := entry.own_lines)]
        if not firsts:
            return False
        number = min(firsts) - 1
        while number >= 0 and not self._source.lines[number].strip():
            number -= 1
        return number >= 0 and self._is_of_dates(number)

    def _is_of_dates(self, number: int) -> bool:
        line = self._source.lines[number]
        return len(line) < 60 and bool(_YEAR.search(line)) and section_of(line) is None

    def is_under(self, place: Place, key: str) -> bool:
        """Whether the heading above a place, where there is one, is that of the section or of one like it."""
        for number in range(place.line, -1, -1):
            if (found := section_of(self._source.lines[number])) is not None:
                return found in _ALIKE.get(key, {key})
        return True

    def belongs(self, place: Place, entry: Located) -> bool:
        """Whether a place is on the lines of the entry, and of no other."""
        return entry in self._owners(place) and not self._is_barred(place, entry)

    def is_over(self, place: Place, entry: Located) -> bool:
        """Whether a place stands beside words that are over several entries, this one among them."""
        return any(entry.places[member].line == place.line for member in entry.shared)

    def _is_barred(self, place: Place, entry: Located) -> bool:
        """Whether another entry, which nobody named, begins between the entry's lines and the place: with a
        date of its own."""
        own = entry.own_lines
        has_date = any(_YEAR.search(self._source.lines[number]) for number in own)
        has_items = False
        for number in range(max(own, default=place.line) + 1, place.line + 1):
            if self._source.is_item(number):
                has_items = True
            elif len(line := self._source.lines[number]) < 100 and _YEAR.search(line):
                if has_items or has_date:
                    return True
                has_date = True
        return False

    def _owners(self, place: Place) -> list[Located]:
        located = [entry for entry in self.entries if entry.own_lines]
        here = [entry for entry in located if place.line in entry.own_lines]
        if len(here) == 1:
            return here
        if here:
            return self._beside(place, here)
        tops = sorted(located, key=lambda e: min(e.own_lines))
        following = [entry for entry in tops if min(entry.own_lines) > place.line]
        before = [entry for entry in tops if min(entry.own_lines) < place.line]
        if self._dates_stand_above and self._is_of_dates(place.line):
            return following[:1]
        if self._crosses_heading(before[-1] if before else None, place):
            return []
        return before[-1:] or [e for e in following[:1] if min(e.own_lines) - place.line <= _HEADER_REACH]

    def _beside(self, place: Place, here: list[Located]) -> list[Located]:
        """Of entries on one line: the last that begins before the place; where the line begins with what is
        said of them, the next one."""
        ordered = sorted(here, key=lambda entry: entry.start)
        own = [entry for entry in ordered if any(p == place for p in entry.places.values())]
        if own:
            return own
        if len(self._source.text[ordered[0].start : place.start]) == 0 or self._leads(ordered[0], place):
            return [entry for entry in ordered if entry.start >= place.start][:1]
        return [entry for entry in ordered if entry.start <= place.start][-1:]

    def _leads(self, first: Located, place: Place) -> bool:
        """Whether words stand before the line's first entry: "fluent English, basic French"."""
        line_start = self._source.text.rfind("\n", 0, first.start) + 1
        return (
            bool(re.search(r"\w", self._source.text[line_start : first.start])) or place.start < first.start
        )

    def _crosses_heading(self, entry: Located | None, place: Place) -> bool:
        if entry is None or not entry.own_lines:
            return False
        between = self._source.lines[max(entry.own_lines) + 1 : place.line]
        return any(section_of(line) is not None for line in between)
