"""Sentences that code writes from a line of the profile: nothing is added but a frame, so nothing needs
proof.

A line such as "Cut hosting costs by 40%" is put into the first person by the rules of its language, for the
verb it begins with. A line these rules do not fit stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from drafting.check.lemmas import lemma
from drafting.check.meanings import classes, rows_of
from drafting.facts import Entry

_VERBAL = frozenset({"deed", "up", "down", "lead", "help", "plan", "award"})
_ENGLISH_PAST = frozenset(
    [
        "built",
        "led",
        "ran",
        "wrote",
        "taught",
        "cut",
        "set",
        "put",
        "kept",
        "held",
        "made",
        "won",
        "gave",
        "took",
        "sold",
        "grew",
        "brought",
        "drew",
        "drove",
        "began",
        "spent",
        "saw",
        "sent",
        "met",
        "read",
        "found",
        "fed",
        "swept",
        "hit",
        "let",
        "spoke",
        "dealt",
        "left",
        "lent",
        "bought",
        "caught",
        "fought",
        "sought",
        "thought",
        "told",
        "was",
    ]
)
_SPANISH_PAST = {
    "redujo": "reduje", "condujo": "conduje", "produjo": "produje", "hizo": "hice", "propuso": "propuse",
    "puso": "puse", "tuvo": "tuve", "obtuvo": "obtuve", "mantuvo": "mantuve", "fue": "fui", "dio": "di",
    "introdujo": "introduje", "tradujo": "traduje", "estuvo": "estuve", "dispuso": "dispuse",
}  # fmt: skip
_PORTUGUESE_PAST = {
    "fez": "fiz",
    "foi": "fui",
    "teve": "tive",
    "pôs": "pus",
    "propôs": "propus",
    "deu": "dei",
}
_FRENCH_VOWEL = re.compile(r"^[aeiouyhàâéèêëîïôùûœ]", re.IGNORECASE)


class _Line(NamedTuple):
    """A line by its first word, in small letters, and the rest."""

    verb: str
    rest: str
    is_current: bool


def in_first_person(line: str, language: str, *, is_current: bool = False) -> str | None:
    """The line without its full stop, as "I cut hosting costs by 40%" without a capital; None when no rule
    fits. `is_current`: the entry goes on, so that a verb may be in the present."""
    text = " ".join(line.split()).rstrip(".;")
    first, _, rest = text.partition(" ")
    if not rest or not first[0].isalpha() or "." in first:
        return None
    write = _WRITERS.get(language)
    return write(_Line(first.casefold(), rest, is_current)) if write else None


def sentence(line: str, entry: Entry, language: str, frames: Mapping[str, Any], *, number: int) -> str | None:
    """A whole sentence in the frame of its language; the first of an entry (`number` 0) says where it was."""
    is_current = bool(entry.data.get("startDate")) and not entry.data.get("endDate")
    core = in_first_person(line, language, is_current=is_current)
    place = " ".join(str(entry.data.get(_PLACES.get(entry.section.key, "")) or "").split())
    if core is None:
        return None
    if number:
        frame = frames["also"][(number - 1) % len(frames["also"])]
    else:
        frame = frames["at"] if place else frames["plain"]
    is_plain = frame == frames["plain"]
    return _filled(frame, place=place, core=core if is_plain else _inverted(core, language))


_PLACES = {"work": "name", "volunteer": "organization", "projects": "name"}


def _filled(frame: str, *, place: str, core: str) -> str:
    # Not str.format: a name may hold braces.
    filling = {"place": place, "core": core, "also": core.replace("I ", "I also ", 1)}
    parts = re.split(r"\{(place|core|also)\}", frame)
    text = "".join(filling[part] if number % 2 else part for number, part in enumerate(parts))
    return text[0].upper() + text[1:]


def _inverted(core: str, language: str) -> str:
    """German puts the verb before "ich" when something else stands first."""
    if language != "de":
        return core
    _, verb, rest = core.split(" ", 2)
    return f"{verb} ich {rest}"


def _is_verb(word: str, language: str) -> bool:
    return any(classes()[row] in _VERBAL for row in rows_of(word, language))


def _english(line: _Line) -> str | None:
    verb, rest, is_current = line
    base = lemma(verb, "en")
    if verb in _ENGLISH_PAST or (verb.endswith("ed") and base != verb):
        return f"I {verb} {rest}"
    if is_current and verb.endswith("s") and base != verb and _is_verb(base, "en"):
        return f"I {base} {rest}"
    return None


def _german(line: _Line) -> str | None:
    verb, rest, _ = line
    base = lemma(verb, "de")
    is_verb = (base != verb and base.endswith("n")) or _is_verb(verb, "de")
    if not is_verb or verb.startswith("ge") or verb.endswith(("en", "st", "ung")):
        return None
    # "Wartete", "schrieb", but no present: "wartet" is none of "ich".
    is_past = verb.endswith("te") or not verb.endswith(("t", "e")) or verb.endswith(("trat", "hielt", "bot"))
    return f"ich {verb} {rest}" if is_past else None


def _french(line: _Line) -> str | None:
    verb, rest, is_current = line
    told = None
    if verb == "a":
        told = f"j\u2019ai {rest}"
    elif verb.endswith("ait"):
        # "Épluchait et taillait": each verb of the line is in the same tense.
        rest = re.sub(r"\b(et|puis|,) (\w+)ait\b", r"\1 \2ais", rest)
        told = _je(f"{verb[:-1]}s {rest}")
    elif verb.endswith("é") and not is_current:
        told = f"j\u2019ai {verb} {rest}"
    elif is_current and verb.endswith("e") and (lemma(verb, "fr").endswith("er") or _is_verb(verb, "fr")):
        told = _je(f"{verb} {rest}")
    elif verb.endswith("it") and _is_verb(verb, "fr"):
        told = _je(f"{verb[:-1]}s {rest}") if is_current else f"j\u2019ai {verb} {rest}"
    return told


def _je(core: str) -> str:
    return f"j\u2019{core}" if _FRENCH_VOWEL.match(core) else f"je {core}"


def _spanish(line: _Line) -> str | None:
    verb, rest, is_current = line
    told = None
    if verb == "no" and " " in rest:
        first, _, tail = rest.partition(" ")
        negated = _spanish(_Line(first.casefold(), tail, is_current))
        told = f"no {negated}" if negated else None
    elif verb in _SPANISH_PAST:
        told = f"{_SPANISH_PAST[verb]} {_coordinated(rest)}"
    elif verb.endswith("ió"):
        told = f"{verb[:-2]}í {rest}"
    elif verb.endswith("ó"):
        told = f"{verb[:-1]}é {_coordinated(rest)}"
    elif verb.endswith(("aba", "ía")) and lemma(verb, "es").endswith("r"):
        told = f"{verb} {rest}"
    elif (
        is_current and verb.endswith(("a", "e")) and (lemma(verb, "es").endswith("r") or _is_verb(verb, "es"))
    ):
        told = f"{verb[:-1]}o {rest}"
    return told


def _coordinated(rest: str) -> str:
    """Other verbs of the line: "y aumentó" follows the first into the first person."""
    return re.sub(r"\b(y|e) (\w{3,})ó\b", r"\1 \2é", rest)


def _portuguese(line: _Line) -> str | None:
    verb, rest, is_current = line
    told = None
    if verb in _PORTUGUESE_PAST:
        told = f"{_PORTUGUESE_PAST[verb]} {rest}"
    elif verb.endswith("ou"):
        told = f"{verb[:-2]}ei {rest}"
    elif verb.endswith("iu"):
        told = f"{verb[:-2]}{'í' if verb[-3:-2] in 'aeiou' else 'i'} {rest}"
    elif verb.endswith("eu") and len(verb) > 4:
        told = f"{verb[:-2]}i {rest}"
    elif verb.endswith(("ava", "ia", "nha")) and lemma(verb, "pt").endswith("r"):
        told = f"{verb} {rest}"
    elif is_current and verb.endswith("a") and lemma(verb, "pt").endswith("ar"):
        told = f"{verb[:-1]}o {rest}"
    return told


def _swahili(line: _Line) -> str | None:
    # Lines in Swahili are told in the first person as they are.
    if re.match(r"(?:nili|nime|nina|tuli|tume|siku)\w{2,}", line.verb):
        return f"{line.verb} {line.rest}"
    return None


_WRITERS: dict[str, Callable[[_Line], str | None]] = {
    "en": _english,
    "de": _german,
    "fr": _french,
    "es": _spanish,
    "pt": _portuguese,
    "sw": _swahili,
}
