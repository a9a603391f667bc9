"""Who somebody is stays here: names, addresses and numbers are replaced before a prompt leaves, and put back.

The header of a CV or letter is written by code, so no prompt needs them. What is left is free text in which
they stand: there a placeholder stands for them, which the model may use like a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from drafting.facts import texts_of
from drafting.resume import Resume

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]", re.IGNORECASE)
# A day or month before a year is a date.
_PHONE = re.compile(
    r"(?<![\w.])(?!\d\d?[/.](?:\d\d?[/.])?\d{4}\b)(?:\+|\(\+?|00|0)\d[\d\s()/.\u2011-]{5,}\d(?!\w)"
)
_BIRTH = re.compile(
    r"\b(?:born|date of birth|birthday|geboren|geburtsdatum|née? le|date de naissance|nacid[oa]"
    r"|fecha de nacimiento|nascid[oa]|data de nascimento|nilizaliwa|tarehe ya kuzaliwa)\b"
    r"[^.;\n]{0,40}\d{2,4}",
    re.IGNORECASE,
)
_PERSONAL = (
    "email", "phone", "url", "image", "birth", "birthDate", "birthday", "dateOfBirth", "birthdate",
)  # fmt: skip
_SHORTEST = 3


Replacements = Sequence[tuple[str, str]]


def hidden(text: str, replacements: Replacements) -> str:
    """The text with a placeholder for each secret; `replacements` are pairs of both, the longest first."""
    for secret, placeholder in replacements:
        if secret in text:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", placeholder, text)
    return text


def shown(text: str, replacements: Replacements) -> str:
    """The text with the secrets for their placeholders."""
    if "APPLICANT" not in text.upper():
        return text
    for secret, placeholder in replacements:
        text = re.sub(rf"\b{placeholder}\b", secret.replace("\\", r"\\"), text, flags=re.IGNORECASE)
    return text


@dataclass(frozen=True)
class Mask:
    """The replacements for one profile."""

    resume: Resume

    @cached_property
    def _known(self) -> list[tuple[str, str]]:
        """What to hide and what for, the longest first, so that a full name goes before its parts."""
        found: dict[str, str] = {}
        for kind, text in self._personal():
            if len(text) >= _SHORTEST:
                found.setdefault(text, f"APPLICANT{kind}{sum(kind in name for name in found.values()) + 1}")
        return sorted(found.items(), key=lambda pair: -len(pair[0]))

    def _personal(self) -> Iterator[tuple[str, str]]:
        basics: dict[str, Any] = self.resume.get("basics") or {}
        name = " ".join(str(basics.get("name") or "").split())
        yield "NAME", name
        yield from (("NAME", part.strip(".,")) for part in name.split())
        yield from (("CONTACT", one.strip()) for key in _PERSONAL if isinstance(one := basics.get(key), str))
        place = basics.get("location")
        if isinstance(place, dict):
            yield from (("ADDRESS", line.strip()) for line in str(place.get("address") or "").splitlines())
            yield "ADDRESS", str(place.get("postalCode") or "").strip()
        for profile in basics.get("profiles") or []:
            if isinstance(profile, dict):
                yield from (("CONTACT", str(profile.get(key) or "").strip()) for key in ("url", "username"))
        yield from self._patterns("\n".join(texts_of(self.resume)))

    @staticmethod
    def _patterns(text: str) -> Iterator[tuple[str, str]]:
        for kind, pattern in (
            ("BIRTH", _BIRTH),
            ("CONTACT", EMAIL),
            ("CONTACT", LINK),
            ("CONTACT", _PHONE),
        ):
            yield from ((kind, match.group().strip()) for match in pattern.finditer(text))

    def hide(self, text: str) -> str:
        """The text with placeholders for what says who or where the person is."""
        return hidden(text, self._known)

    def show(self, text: str) -> str:
        """The text with the placeholders filled in again."""
        return shown(text, self._known)
