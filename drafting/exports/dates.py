"""Dates as people of a language write them: 2022-03 is "Mar 2022" in English, "März 2022" in German."""

from __future__ import annotations

import re
from datetime import date

from babel.dates import format_date, format_skeleton

_DATE = re.compile(r"^(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?$")


def written_date(text: str, language: str) -> str:
    """A date of JSON Resume (YYYY, YYYY-MM, YYYY-MM-DD) in the language, as exact as it is; any other text as
    it stands."""
    match = _DATE.match(text)
    if match is None or match["month"] is None:
        return text
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"] or 1))
    except ValueError:
        return text
    if match["day"] is None:
        return str(format_skeleton("yMMM", day, locale=language))
    return str(format_date(day, "medium", locale=language))
