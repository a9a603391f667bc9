"""Stored facts as a list of definitions, for pages that would show them as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst


def definitions(facts: Mapping[str, Any]) -> SafeString:
    """Each name with its value, both in words; "none" without any."""
    rows = [(capfirst(name.replace("_", " ")), in_words(value)) for name, value in facts.items()]
    if not rows:
        return SafeString("none")
    said = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", rows)
    return SafeString(f'<dl class="facts">{said}</dl>')


def in_words(value: Any) -> str:
    """A value that JSON keeps: numbers with their thousands told apart, lists by commas, parts by name."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or "none"
    if isinstance(value, dict):
        return (
            ", ".join(f"{name.replace('_', ' ')}: {in_words(one)}" for name, one in value.items()) or "none"
        )
    return str(value)
