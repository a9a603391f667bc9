"""A record while it is being put together: the first to state a field wins, and each has its source."""

from __future__ import annotations

from typing import Any, Literal

from extraction.schema import JobData

Source = Literal["json-ld", "microdata", "text", "model", "request"]


class Findings:
    """`put` in order of trust; `data`, `sources` and `warnings` come out."""

    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.warnings: list[dict[str, Any]] = []

    def put(self, field: str, value: Any, source: Source) -> None:
        """Keep the value, unless it says nothing or the field is already known."""
        if value in (None, "", []) or field in self._fields:
            return
        self._fields[field] = value
        self.sources[field] = source

    def has(self, field: str) -> bool:
        return field in self._fields

    def warn(self, field: str | None, reason: str, **more: Any) -> None:
        """`field` is None for what concerns the posting as a whole."""
        self.warnings.append({"field": field, "reason": reason, **more})

    @property
    def data(self) -> JobData:
        return JobData.model_validate(self._fields)
