"""The review form: what was read, by the words it was read from, before the person keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drafting.resume import Resume

Row = dict[str, str]


@dataclass(slots=True)
class Review:
    """`found` has a row `{path, value, quote}` for each value in `resume`. `unsure` (`{path, value, why}`)
    are words that stand in the source, of which code could not tell that they belong there: they are not in
    `resume`. `dropped` (the same) were answered by a model and do not stand in the source. `changes` are
    `drafting.resume`'s. Paths are those of JSON pointers without the first slash."""

    resume: Resume = field(default_factory=dict)
    found: list[Row] = field(default_factory=list)
    unsure: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)
    changes: list[Row] = field(default_factory=list)

    def put(self, path: str, value: str, quote: str) -> None:
        """Set the value at the path, whose lists grow by one at a time."""
        *steps, last = path.split("/")
        place: Any = self.resume
        for step, following in zip(steps, [*steps[1:], last], strict=True):
            fresh: Any = [] if following.isdigit() else {}
            if isinstance(place, list):
                if len(place) == int(step):
                    place.append(fresh)
                place = place[int(step)]
            else:
                place = place.setdefault(step, fresh)
        if isinstance(place, list):
            place.append(value)
        else:
            place[last] = value
        self.found.append({"path": path, "value": value, "quote": quote})

    def doubt(self, path: str, value: str, why: str) -> None:
        self.unsure.append({"path": path, "value": value, "why": why})

    def drop(self, path: str, value: str, why: str) -> None:
        self.dropped.append({"path": path, "value": value, "why": why})
