"""What a model is asked about a posting: how much it is shown, the form it fills in.

What it is told (`prompt_texts`) is short, because a local model reads a few hundred tokens a second. The
forms take spans copied from the posting, which code then checks and reads.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from extraction.findings import Findings
from extraction.visible.page import PageText
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot

# Pay and closing dates often stand at the end, so a text that is too long loses its middle, and keeps of its
# end this share.
TAIL_SHARE = 6
# For the form, the instructions and the answer.
RESERVED_TOKENS = 3_000
# On the safe side of what scripts without blanks need; English takes about four characters a token.
CHARACTERS_A_TOKEN = 2
LEAST_CHARACTERS, MOST_CHARACTERS = 3_000, 100_000
# A model of which nobody knows the window: what nearly every model in service has.
UNKNOWN_WINDOW = 32_000


MAX_SPAN = 240
MAX_ITEM = 400
MAX_ITEMS = 30
MAX_TRANSCRIPT = 12_000

_NOTHING = frozenset(
    {"", "null", "none", "n/a", "na", "unknown", "not specified", "not stated", "-", "not mentioned"}
)


def _span(value: Any) -> Any:
    """A model's way of saying nothing is nothing. Too long is cut, not refused: a refusal costs a call."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    return None if value.casefold().strip(".") in _NOTHING else value[:MAX_SPAN]


def _items(value: Any) -> Any:
    if value is None:
        return []
    if not isinstance(value, list):
        return value
    kept = [item.strip()[:MAX_ITEM] for item in value if isinstance(item, str)]
    return [item for item in kept if item.casefold().strip(".") not in _NOTHING][:MAX_ITEMS]


# The bounds are told to the model in its schema, where a local one is held to them while it writes: without
# them a small model may repeat a digit until its tokens run out.
_Words = Annotated[str, Field(json_schema_extra={"maxLength": MAX_SPAN})]
_Item = Annotated[str, Field(json_schema_extra={"maxLength": MAX_ITEM})]
Span = Annotated[_Words | None, BeforeValidator(_span)]
Items = Annotated[list[_Item], BeforeValidator(_items), Field(json_schema_extra={"maxItems": MAX_ITEMS})]


class FactsAnswer(BaseModel):
    """Words of the posting by field; `work_mode` is those on remote work. Code reads dates, places and pay.

    Asked for where the lists of tasks and requirements are known already. Two fixed forms rather than one per
    gap, because vendors compile a schema when they first see it.
    """

    # In place of the docstring, which vendors would be sent with every call.
    model_config = ConfigDict(extra="ignore", json_schema_extra={"description": "What a job posting says."})

    title: Span = None
    hiring_organization: Span = None
    job_location: Span = None
    further_locations: Items = []
    work_mode: Span = None
    applicant_location: Span = None
    employment_type: Span = None
    salary: Span = None
    date_posted: Span = None
    valid_through: Span = None
    experience_requirements: Span = None
    education_requirements: Span = None
    industry: Span = None
    identifier: Span = None
    skills: Items = []
    languages: Items = []


class ModelAnswer(FactsAnswer):
    """All that is asked of a text."""

    responsibilities: Items = []
    qualifications: Items = []
    job_benefits: Items = []


class ImageAnswer(ModelAnswer):
    """The same from a picture, with the text that could be read in it and what kind of picture it is."""

    text: Annotated[
        str | None, BeforeValidator(lambda value: value[:MAX_TRANSCRIPT] if isinstance(value, str) else value)
    ] = None
    is_readable: bool | None = None
    is_cropped: bool | None = None
    is_job_posting: bool | None = None


class ImageVerdict(BaseModel):
    """Whether a picture is worth extracting from."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"description": "What a picture is."})

    is_readable: bool | None = None
    is_job_posting: bool | None = None
    reason: Span = None


# Of a text, these are not asked for where they are known.
_LISTS = ("responsibilities", "qualifications", "job_benefits")


@dataclass(frozen=True, slots=True)
class PostingPrompt:
    """`source` is all that may be answered from; `text` as much of it as the model is shown."""

    source: str = field(repr=False)
    text: str = field(repr=False)
    form: type[FactsAnswer]


def prompt_about(page: PageText, findings: Findings, most_characters: int) -> PostingPrompt:
    """What is still to be asked of the page, with at most so many characters of it."""
    source, _ = without_instructions(shown(page))
    cut, was_cut = shortened(source, most_characters)
    if was_cut:
        findings.warn(None, "shortened_for_model")
    has_lists = all(findings.has(name) for name in _LISTS)
    return PostingPrompt(source, extraction_prompt(cut), FactsAnswer if has_lists else ModelAnswer)


def extraction_prompt(text: str) -> str:
    """The posting between markers that it cannot contain: they carry a digest of the posting itself."""
    mark = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"[posting {mark}]\n{text}\n[end of posting {mark}]"


def shown(page: PageText) -> str:
    """What a model is shown of a page: its title and site, then its text with headings, labels and values."""
    frame = [
        f"Page title: {page.page_title}" if page.page_title else "",
        f"Site: {page.site_name}" if page.site_name else "",
    ]
    return "\n".join([*filter(None, frame), page.text])


def shortened(text: str, most: int) -> tuple[str, bool]:
    """The text as far as the model gets to read it (`most` characters), cut at line ends, and whether
    anything was left out."""
    if len(text) <= most:
        return text, False
    tail_size = most // TAIL_SHARE
    head, _, _ = text[: most - tail_size].rpartition("\n")
    _, _, tail = text[-tail_size:].partition("\n")
    head = head or text[: most - tail_size]
    return f"{head}\n[…]\n{tail or text[-tail_size:]}", True


_ADDRESSED_TO_A_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,60}"
    r"\b(?:instructions?|prompts?|rules|directions|guidelines|above|commands?)\b"
    r"|\b(?:new|updated|real) (?:instructions?|system prompt)\s*:"
    r"|^\s*(?:system|assistant|developer)\s*:"
    r"|<\|?/?(?:im_start|im_end|system|assistant|inst|s)\|?>|\[/?INST\]"
    r"|\byou are (?:now )?(?:an? )?(?:AI|LLM|language model|chatbot|DAN)\b"
    r"|\b(?:AI|LLM|language model|chatbot|assistant)s?\b[^.\n]{0,30}\b(?:must|should|shall)\b"
    r"[^.\n]{0,40}\b(?:output|respond|reply|return|answer|write|say|set|extract)\b"
    r"|\b(?:respond|reply|answer|output) (?:only )?with\b[^.\n]{0,40}\b(?:json|the word|exactly|nothing)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[<A-Z])")


def without_instructions(text: str) -> tuple[str, int]:
    """The text without the sentences addressed to the machine reading it, and how many were taken out.

    A courtesy to the model, not the protection. That is verification, which lets nothing into the record that
    the posting does not say; and a reply has no power to do anything.
    """
    removed = 0
    lines = []
    for line in text.split("\n"):
        if not _ADDRESSED_TO_A_MODEL.search(line):
            lines.append(line)
            continue
        kept = [sentence for sentence in _SENTENCE.split(line) if not _ADDRESSED_TO_A_MODEL.search(sentence)]
        removed += len(_SENTENCE.split(line)) - len(kept)
        if kept:
            lines.append(" ".join(kept))
    return "\n".join(lines), removed


def prompt_characters(snapshot: RoutingSnapshot, task: str) -> int:
    """The characters of a posting that fit the narrowest window among the providers asked first for the
    task."""
    windows = [
        snapshot.capabilities.of(provider.provider_type, model).context_window or UNKNOWN_WINDOW
        for provider in _first_asked(snapshot.providers, task)
        for model in {provider.fast_model, provider.quality_model} - {""}
    ]
    room = (min(windows, default=UNKNOWN_WINDOW) - RESERVED_TOKENS) * CHARACTERS_A_TOKEN
    return max(LEAST_CHARACTERS, min(room, MOST_CHARACTERS))


def _first_asked(providers: tuple[ProviderSnapshot, ...], task: str) -> list[ProviderSnapshot]:
    flagged = [provider for provider in providers if task in provider.tasks]
    default = [provider for provider in providers if provider.is_default]
    return flagged or default or list(providers)
