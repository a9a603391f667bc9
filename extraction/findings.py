"""A record while it is being put together: the first to state a field wins, and each has its source."""

from __future__ import annotations

from typing import Any, Literal

from extraction.schema import JobData

Source = Literal["json-ld", "microdata", "rdfa", "state", "text", "model", "request"]

MAX_WORDS = 300


class Findings:
    """`put` in order of trust; `data`, `sources`, `evidence` and `warnings` come out."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.evidence: dict[str, str] = {}
        self.warnings: list[dict[str, Any]] = []

    def put(self, field: str, value: Any, source: Source, words: str = "") -> None:
        """Keep the value and the words it came from, unless it says nothing or the field is already known."""
        if value in (None, "", []) or field in self._fields:
            return
        self._fields[field] = value
        self.sources[field] = source
        words = " ".join(words.split()) or _shown(value)
        if words:
            self.evidence[field] = words[:MAX_WORDS]
        if field == "job_locations":
            self.put("job_location", "; ".join(place.text for place in value), source, words)

    def replace(self, field: str, value: Any, source: Source, words: str) -> None:
        """Put a better value in the place of one that is there."""
        self._fields.pop(field, None)
        self.put(field, value, source, words)

    def has(self, field: str) -> bool:
        return field in self._fields

    def get(self, field: str) -> Any:
        """The value so far; None where there is none."""
        return self._fields.get(field)

    def warn(self, field: str | None, reason: str, **more: Any) -> None:
        """`field` is None for what concerns the posting as a whole."""
        self.warnings.append({"field": field, "reason": reason, **more})

    @property
    def data(self) -> JobData:
        return JobData.model_validate(self._fields)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return "; ".join(value)
    return ""
