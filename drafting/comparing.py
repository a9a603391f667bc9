"""How two documents differ, text by text.

Entries and lines of a list are paired by the words they share and not by their place, so that a job that was
moved is the same job, and a line that was reworded is the same line.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drafting.facts import texts_of

# Share of their words that two items of a list need in common to be taken for the same one.
_ALIKE = 0.3
# More pairs than this are not compared by their words; a list that long is paired by place.
_MOST_PAIRS = 2_500


class Difference(StrEnum):
    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Compared:
    """One place. `path` is where it is now and `from_path` where it was, such as "work/0/highlights/1"; None
    where it is not. SAME and CHANGED are of single values; ADDED and REMOVED may be of whole entries; MOVED
    is of an entry or line that is elsewhere in its list, and has no values."""

    kind: Difference
    path: str | None
    from_path: str | None
    before: Any = None
    after: Any = None


def compare(before: Any, after: Any) -> list[Compared]:
    """Every place of both JSON values, what is the same included, in the order of the new one."""
    return list(_compare(before, after, "", ""))


def _compare(before: Any, after: Any, was: str, now: str) -> Iterator[Compared]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*after, *before]):
            yield from _member(name, before, after, was, now)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, was, now)
    elif isinstance(before, (dict, list)) or isinstance(after, (dict, list)):
        yield from _removed(before, was)
        yield from _added(after, now)
    else:
        kind = Difference.SAME if before == after else Difference.CHANGED
        yield Compared(kind, now, was, before, after)


def _member(
    name: str, before: dict[str, Any], after: dict[str, Any], was: str, now: str
) -> Iterator[Compared]:
    if name not in after:
        yield from _removed(before[name], joined(was, name))
    elif name not in before:
        yield from _added(after[name], joined(now, name))
    else:
        yield from _compare(before[name], after[name], joined(was, name), joined(now, name))


def _lists(before: list[Any], after: list[Any], was: str, now: str) -> Iterator[Compared]:
    pairs = _pairs(before, after)
    in_order = _longest_rise([pairs[index] for index in sorted(pairs)])
    for index, item in enumerate(after):
        if index not in pairs:
            yield from _added(item, joined(now, index))
            continue
        old = pairs[index]
        if old not in in_order:
            yield Compared(Difference.MOVED, joined(now, index), joined(was, old))
        yield from _compare(before[old], item, joined(was, old), joined(now, index))
    for old in sorted(set(range(len(before))) - set(pairs.values())):
        yield from _removed(before[old], joined(was, old))


def _removed(value: Any, at: str) -> Iterator[Compared]:
    if any(texts_of(value)):
        yield Compared(Difference.REMOVED, None, at, before=value)


def _added(value: Any, at: str) -> Iterator[Compared]:
    if any(texts_of(value)):
        yield Compared(Difference.ADDED, at, None, after=value)


def joined(at: str, step: object) -> str:
    """The path of a member or item."""
    return f"{at}/{step}" if at else str(step)


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of every text and number in a JSON value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, joined(at, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, joined(at, index))
    elif any(texts_of(value)):
        yield at, str(value)


def _pairs(before: Sequence[Any], after: Sequence[Any]) -> dict[int, int]:
    """Which item of the new list was which of the old: equal ones first, then the most alike."""
    places: dict[str, deque[int]] = defaultdict(deque)
    for index, item in enumerate(before):
        places[_canonical(item)].append(index)
    pairs = {
        index: found.popleft() for index, item in enumerate(after) if (found := places[_canonical(item)])
    }
    new = [index for index in range(len(after)) if index not in pairs]
    old = sorted(set(range(len(before))) - set(pairs.values()))
    if len(new) * len(old) > _MOST_PAIRS:
        return pairs | dict(zip(new, old, strict=False))
    pairs |= _alike({index: _words(before[index]) for index in old}, {i: _words(after[i]) for i in new})
    for index in new:
        # A line that shares nothing with what followed its neighbour before still stands for it.
        place = pairs.get(index - 1, -1) + 1 if index == 0 or index - 1 in pairs else -1
        if index not in pairs and place in old and place not in pairs.values() and _is_line(after[index]):
            pairs[index] = place
    return pairs


def _alike(old: dict[int, set[str]], new: dict[int, set[str]]) -> dict[int, int]:
    scored = sorted(
        (
            (-2 * len(words & others) / (len(words) + len(others) or 1), abs(index - place), index, place)
            for index, words in new.items()
            for place, others in old.items()
        ),
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, index, place in scored:
        if -score >= _ALIKE and index not in pairs and place not in taken:
            pairs[index] = place
            taken.add(place)
    return pairs


def _is_line(item: Any) -> bool:
    return isinstance(item, str)


def _canonical(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _words(item: Any) -> set[str]:
    return {word.strip(".,;:()") for text in texts_of(item) for word in text.casefold().split()}


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """The most of these distinct numbers that follow one another in rising order."""
    ends: list[int] = []
    lengths = []
    for number in numbers:
        at = bisect_left(ends, number)
        ends[at : at + 1] = [number]
        lengths.append(at)
    wanted, kept = len(ends) - 1, set()
    for number, length in zip(reversed(numbers), reversed(lengths), strict=True):
        if length == wanted:
            kept.add(number)
            wanted -= 1
    return kept
