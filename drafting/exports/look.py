"""How a file looks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Template(StrEnum):
    """Of a PDF. The first is the one that programs read best."""

    ONE_COLUMN = "one-column"
    TWO_COLUMN = "two-column"
    ACADEMIC = "academic"


class Paper(StrEnum):
    A4 = "a4"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Look:
    template: Template = Template.ONE_COLUMN
    paper: Paper = Paper.A4
