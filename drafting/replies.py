"""The forms a model fills in: small, and made of ids, prose and the quotes that prove it; and prose as models
write it, made fit to print.

Ids are enums in the schema, so that a model whose server enforces schemas cannot miswrite one, and plain
strings in the reply, so that one wrong id costs a line and not the whole answer. Limits are told likewise.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

EVIDENCE, BRIDGE = "evidence", "bridge"
_BULLET = re.compile(r"^\s*(?:[-*•\u2013\u2014]\s+|\d{1,2}[.)]\s+)")
# Ids of facts (drafting.facts), which models copy from the prompt along with the fact.
_ID = r"(?:basics\.summary|[a-z]+-\d+(?:\.(?:s|h\d+))?)"
_LEADING_ID = re.compile(rf"^\W*{_ID}\W*:\s*")
_MARKUP = re.compile(r"\*\*(.+?)\*\*|__(.+?)__|`(.+?)`")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")


class QuotedClaim(_Reply):
    """`words` of the text, and the words of the fact they rest on."""

    words: str
    quote: str


class RewrittenLine(_Reply):
    source: str
    text: str
    claims: list[QuotedClaim] = []


class CvReply(_Reply):
    """`keep` lists fact ids, most relevant first."""

    summary: str
    keep: list[str]
    lines: list[RewrittenLine]


class LetterSentence(_Reply):
    """`kind` is EVIDENCE (tells what was done, and names its facts) or BRIDGE (motive, fit or wish)."""

    kind: str
    paragraph: int = 1
    text: str
    sources: list[str] = []
    claims: list[QuotedClaim] = []


class LetterReply(_Reply):
    sentences: list[LetterSentence]


class RepairedText(_Reply):
    id: str
    text: str
    sources: list[str] = []
    claims: list[QuotedClaim] = []


class RepairReply(_Reply):
    texts: list[RepairedText]


class SentenceVerdict(_Reply):
    id: str
    supported: bool
    unsupported: list[str] = []
    claims_past: bool = False


class ReaderReply(_Reply):
    verdicts: list[SentenceVerdict]


class AskedQuestion(_Reply):
    text: str
    sources: list[str] = []


class InterviewReply(_Reply):
    questions: list[AskedQuestion]


def _one_of(ids: tuple[str, ...]) -> Any:
    return Annotated[str, Field(json_schema_extra={"enum": list(ids)})] if ids else str


def _up_to(count: int, item: Any, description: str) -> Any:
    return Annotated[list[item], Field(description=description, json_schema_extra={"maxItems": count})]


def _value(kind: Any, description: str) -> Any:
    return Annotated[kind, Field(description=description)]


def _prose(description: str, characters: int) -> Any:
    return Annotated[str, Field(description=description, json_schema_extra={"maxLength": characters})]


_CLAIM = create_model(
    "ClaimForm",
    __base__=QuotedClaim,
    words=(_prose("Words of the text, as they stand there.", 300), ...),
    quote=(_prose("The words of the fact that they rest on, letter for letter.", 300), ...),
)
_CLAIMS = _up_to(6, _CLAIM, "A claim for every number, name and deed of the text.")


@lru_cache(maxsize=64)
def cv_form(*, line_ids: tuple[str, ...], keep_ids: tuple[str, ...], lines: int) -> type[CvReply]:
    """The CV form for one profile: which lines may be rewritten, which facts may be kept."""
    line = create_model(
        "RewrittenLineForm",
        __base__=RewrittenLine,
        source=(_one_of(line_ids), ...),
        text=(_prose("The fact reworded for the posting.", 300), ...),
        claims=(_CLAIMS, ...),
    )
    return create_model(
        "CvForm",
        __base__=CvReply,
        summary=(_prose("Two sentences on the applicant, from the facts.", 400), ...),
        keep=(_up_to(len(keep_ids), _one_of(keep_ids), "Ids, most relevant first."), ...),
        lines=(_up_to(lines, line, "The most relevant facts, reworded."), ...),
    )


@lru_cache(maxsize=64)
def letter_form(*, source_ids: tuple[str, ...], sentences: int) -> type[LetterReply]:
    """The letter form for one profile: which facts a sentence may rest on."""
    sentence = create_model(
        "LetterSentenceForm",
        __base__=LetterSentence,
        kind=(_one_of((EVIDENCE, BRIDGE)), ...),
        paragraph=(_value(int, "1 for the first paragraph."), ...),
        text=(_prose("One sentence.", 300), ...),
        sources=(_up_to(3, _one_of(source_ids), "Ids of the facts an evidence sentence tells."), ...),
        claims=(_CLAIMS, ...),
    )
    return create_model(
        "LetterForm",
        __base__=LetterReply,
        sentences=(_up_to(sentences, sentence, "The body of the letter, in order."), ...),
    )


@lru_cache(maxsize=64)
def repair_form(*, ids: tuple[str, ...], source_ids: tuple[str, ...]) -> type[RepairReply]:
    """The form for writing some texts again."""
    text = create_model(
        "RepairedTextForm",
        __base__=RepairedText,
        id=(_one_of(ids), ...),
        text=(_prose("The text, written again.", 300), ...),
        sources=(_up_to(3, _one_of(source_ids), "Ids of the facts it rests on."), ...),
        claims=(_CLAIMS, ...),
    )
    return create_model("RepairForm", __base__=RepairReply, texts=(_up_to(len(ids), text, "The texts."), ...))


@lru_cache(maxsize=64)
def reader_form(*, ids: tuple[str, ...]) -> type[ReaderReply]:
    """The form for the reader: a verdict for each of these sentences."""
    verdict = create_model(
        "SentenceVerdictForm",
        __base__=SentenceVerdict,
        id=(_one_of(ids), ...),
        supported=(_value(bool, "Whether the facts say all that the sentence says."), ...),
        unsupported=(_up_to(6, str, "The words of the sentence that the facts do not support."), ...),
        claims_past=(_value(bool, "Whether it claims anything done, held or learned."), ...),
    )
    return create_model(
        "ReaderForm",
        __base__=ReaderReply,
        verdicts=(_up_to(len(ids), verdict, "One for each sentence."), ...),
    )


@lru_cache(maxsize=64)
def interview_form(*, source_ids: tuple[str, ...], questions: int) -> type[InterviewReply]:
    """The form for an interview's questions: which lines of posting and profile they may rest on."""
    question = create_model(
        "AskedQuestionForm",
        __base__=AskedQuestion,
        text=(_prose("One question.", 300), ...),
        sources=(_up_to(3, _one_of(source_ids), "Ids of the lines it rests on."), ...),
    )
    return create_model(
        "InterviewForm",
        __base__=InterviewReply,
        questions=(_up_to(questions, question, "The likeliest first."), ...),
    )


def tidy(text: str) -> str:
    """One line without bullets, ids, Markdown emphasis, control characters and enclosing quotation marks."""
    text = _CONTROL.sub("", text.replace("\t", " ").replace("\r", " "))
    text = _MARKUP.sub(lambda match: next(group for group in match.groups() if group), text)
    text = " ".join(_LEADING_ID.sub("", _BULLET.sub("", text)).split())
    if len(text) > 1 and text[0] in "\"\u201c„«'" and text[-1] in "\"\u201d\u201c»'":
        text = text[1:-1].strip()
    return text
