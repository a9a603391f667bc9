"""How the items of a batch come in, beside a JSON with a list of them."""

from __future__ import annotations

import csv
import io
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from accounts.api_base import bounded, read_json


class CsvParser(BaseParser):
    """Rows with a heading as items; empty cells are left out. ParseError for what is no such table."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        rows = csv.DictReader(io.StringIO(bounded(stream, "utf-8-sig"), newline=""), strict=True)
        items = []
        try:
            for row in rows:
                if None in row:
                    raise ParseError(
                        f"The row that ends in line {rows.line_num} has more cells than the heading. Put "
                        "quotes around a text with commas in it."
                    )
                if item := {name: cell for name, cell in row.items() if cell}:
                    items.append(item)
        except csv.Error:
            raise ParseError(
                "This is no CSV with a heading such as `url`. Correct it and try again."
            ) from None
        return {"items": items}


class NdjsonParser(BaseParser):
    """A JSON object a line, each an item; empty lines are left out. ParseError with the number of the line
    that is no JSON."""

    media_type = "application/x-ndjson"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        items = []
        for number, line in enumerate(bounded(stream, "utf-8-sig").split("\n"), start=1):
            if line.strip():
                items.append(_item(line, number))
        return {"items": items}


def _item(line: str, number: int) -> Any:
    try:
        return read_json(line)
    except ParseError as error:
        raise ParseError(f"In line {number}: {error.detail}") from None
