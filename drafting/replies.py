"""The forms a model fills in: flat, small, and made of ids and prose only.

Ids are enums in the schema, so that a model whose server enforces schemas cannot miswrite one, and plain
strings in the reply, so that one wrong id costs a line and not the whole answer. Limits are told likewise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model


class RewrittenLine(BaseModel):
    model_config = ConfigDict(extra="ignore")

    source: str
    text: str


class CvReply(BaseModel):
    """`keep` lists fact ids, most relevant first."""

    model_config = ConfigDict(extra="ignore")

    summary: str
    keep: list[str]
    lines: list[RewrittenLine]


class LetterParagraph(BaseModel):
    model_config = ConfigDict(extra="ignore")

    sources: list[str]
    text: str


class LetterReply(BaseModel):
    model_config = ConfigDict(extra="ignore")

    paragraphs: list[LetterParagraph]


def _one_of(ids: tuple[str, ...]) -> Any:
    return Annotated[str, Field(json_schema_extra={"enum": list(ids)})] if ids else str


def _up_to(count: int, item: Any, description: str) -> Any:
    return Annotated[list[item], Field(description=description, json_schema_extra={"maxItems": count})]


def _prose(description: str, characters: int) -> Any:
    return Annotated[str, Field(description=description, json_schema_extra={"maxLength": characters})]


@lru_cache(maxsize=64)
def cv_form(*, line_ids: tuple[str, ...], keep_ids: tuple[str, ...], lines: int) -> type[CvReply]:
    """The CV form for one profile: which lines may be rewritten, which facts may be kept."""
    line = create_model(
        "RewrittenLineForm",
        __base__=RewrittenLine,
        source=(_one_of(line_ids), ...),
        text=(_prose("The fact reworded for the posting.", 300), ...),
    )
    return create_model(
        "CvForm",
        __base__=CvReply,
        summary=(_prose("Two sentences on the applicant, from the facts.", 400), ...),
        keep=(_up_to(len(keep_ids), _one_of(keep_ids), "Ids, most relevant first."), ...),
        lines=(_up_to(lines, line, "The most relevant facts, reworded."), ...),
    )


@lru_cache(maxsize=64)
def letter_form(*, source_ids: tuple[str, ...], paragraphs: int) -> type[LetterReply]:
    """The letter form for one profile: which facts a paragraph may rest on."""
    paragraph = create_model(
        "LetterParagraphForm",
        __base__=LetterParagraph,
        sources=(_up_to(4, _one_of(source_ids), "Ids of the facts this paragraph restates."), ...),
        text=(_prose("The paragraph.", 700), ...),
    )
    return create_model(
        "LetterForm",
        __base__=LetterReply,
        paragraphs=(_up_to(paragraphs, paragraph, "The body of the letter."), ...),
    )
