"""`python -m bench.extraction_rules`: what extraction's rules take for 200 kB that are made to be slow.

Beside it stands what half of that takes: a rule is linear where the first is about twice the second. Each
should stay under 200 ms.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from extraction.kind import refusal
from extraction.sections import labelled_values, listed_sections
from extraction.structured.jsontext import read_json
from extraction.support import SourceText
from extraction.values.dates import find_dates
from extraction.values.employment import says_remote
from extraction.values.money import find_salaries
from extraction.values.places import places_of
from extraction.visible.page import PageText, looks_like_html, parse_html, read_page, tidy
from extraction.vocabulary import comparable

SIZE = 200_000
TEXTS = {
    "digits": "1",
    "grouped digits": "1,",
    "spaced digits": "1 ",
    "ranges": "12-",
    "currencies": "$1,000 per ",
    "ten thousands": "月給1万",
    "brackets": "(",
    "blanks": " ",
    "lines": "\n",
    "dates": "1 march ",
    "dotted": "1.1.",
    "labels": "Location: a\n",
    "colons": "a:",
    "bullets": "- a\n",
    "headings": "## Requirements\n",
    "remote": "work from home not ",
    "quotes": '"',
    "at signs": "a@",
}
PAGES = {
    "nested tables": "<table><tr><td>",
    "nested divs": "<div>",
    "unclosed tags": "<p",
    "attributes": "<p style='left:",
    "style rules": "<style>.a{display:none}",
    "comments": "<!--",
}
JSONS = {
    "open arrays": "[",
    "open objects": '{"a":',
    "quotes": '"',
    "escapes": '{"a":"\\',
    "long digits": "1",
}


def main() -> None:
    print(f"{'ms for 200 kB (100 kB)':34} {'text':24}")
    slowest = (0.0, "")
    for rule, name, text, call in _cases():
        half = _milliseconds(call, text[: len(text) // 2])
        whole = _milliseconds(call, text)
        slowest = max(slowest, (whole, f"{rule}, {name}"))
        if whole > 20:
            print(f"{rule:34} {name:24} {whole:8.0f} ({half:.0f})")
    print(f"The slowest: {slowest[1]}, {slowest[0]:.0f} ms. Rules below 20 ms are not shown.")


def _cases() -> Iterator[tuple[str, str, str, Callable[[str], object]]]:
    rules: dict[str, Callable[[str], object]] = {
        "tidy": tidy,
        "comparable": comparable,
        "pay": find_salaries,
        "dates": find_dates,
        "remote": says_remote,
        "labels": labelled_values,
        "sections": listed_sections,
        "places": places_of,
        "HTML or not": looks_like_html,
        "kind": lambda text: refusal(PageText(text=tidy(text), all_text=tidy(text), language="en")),
        "support": lambda text: SourceText(text).contains("Line Cook"),
    }
    for name, piece in TEXTS.items():
        text = (piece * (SIZE // len(piece) + 1))[:SIZE]
        for rule, call in rules.items():
            yield rule, name, text, call
    for name, piece in PAGES.items():
        yield "page", name, (piece * (SIZE // len(piece) + 1))[:SIZE], _page
    for name, piece in JSONS.items():
        yield "JSON", name, (piece * (SIZE // len(piece) + 1))[:SIZE], read_json


def _page(html: str) -> object:
    tree = parse_html(html)
    return read_page(tree, url="https://jobs.example/") if tree is not None else None


def _milliseconds(call: Callable[[str], object], text: str) -> float:
    best = float("inf")
    for _ in range(2):
        started = time.process_time()
        call(text)
        best = min(best, time.process_time() - started)
    return best * 1000


if __name__ == "__main__":
    main()
