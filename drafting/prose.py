"""Sentences as models write them, made fit to print."""

from __future__ import annotations

import re

_BULLET = re.compile(r"^\s*(?:[-*•\u2013\u2014]\s+|\d{1,2}[.)]\s+)")
# Ids of facts (drafting.facts), which models copy from the prompt along with the fact.
_ID = r"(?:basics\.summary|[a-z]+-\d+(?:\.(?:s|h\d+))?)"
_LEADING_ID = re.compile(rf"^\W*{_ID}\W*:\s*")
_MARKUP = re.compile(r"\*\*(.+?)\*\*|__(.+?)__|`(.+?)`")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SENTENCE_GAP = re.compile(r"(?<=[.!?…])[\"\u201d»)]?\s+(?=[^\s])|(?<=[。\uff01\uff1f])")


def tidy(text: str) -> str:
    """One line without bullets, ids, Markdown emphasis, control characters and enclosing quotation marks."""
    text = _CONTROL.sub("", text.replace("\t", " ").replace("\r", " "))
    text = _MARKUP.sub(lambda match: next(group for group in match.groups() if group), text)
    text = " ".join(_LEADING_ID.sub("", _BULLET.sub("", text)).split())
    if len(text) > 1 and text[0] in "\"\u201c„«'" and text[-1] in "\"\u201d\u201c»'":
        text = text[1:-1].strip()
    return text


def sentences_of(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE_GAP.split(text) if part and part.strip()]


def word_count(text: str) -> int:
    """Words as a word processor counts them: runs of characters between blanks."""
    return len(text.split())
