"""A person's own hand in a draft: no model is asked, and nothing they write is checked but its form."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from drafting.comparing import compare, leaves
from drafting.errors import InvalidContent, InvalidProfile
from drafting.exports import cv_pages
from drafting.letter_body import word_count
from drafting.letter_frame import letter_text, one_line
from drafting.models import Draft, Kind, MadeBy
from drafting.own_texts import (
    body_rows,
    changes_of_edit,
    compared_frames,
    frame_of,
    frame_rows,
    proofs_after_edit,
    proofs_of_body,
)
from drafting.resume import dates_out_of_order, normalised_resume, why_not_storable
from drafting.versions import copy_of, require_newest, save_after

# Each has a row in `proofs` and one in `changes`; a long CV has some hundred.
_MOST_TEXTS = 5000
# Members of a letter that code makes of the others.
COMPUTED = ("language", "title", "company", "date", "word_count", "word_target", "text")


def edit(draft: Draft, *, content: Mapping[str, Any] | None = None, title: str | None = None) -> Draft:
    """Store the draft with another content, another title or both, as the next version of its series.

    `content` is a whole JSON Resume for a CV; of a letter the parts to change, `body` as a whole. Raises
    DraftSuperseded unless the draft is the newest version, also when another edit comes first, and
    InvalidContent.
    """
    require_newest(draft)
    edited = copy_of(draft, made_by=MadeBy.EDIT)
    if title is not None:
        edited.title = title
    if content is not None:
        (_edit_cv if draft.kind == Kind.CV else _edit_letter)(edited, draft, content)

    def build(newest: Draft) -> Draft:
        require_newest(draft, newest)
        return edited

    return save_after(draft, build)


def _edit_cv(edited: Draft, draft: Draft, content: Mapping[str, Any]) -> None:
    try:
        edited.content = normalised_resume(dict(content)).resume
    except InvalidProfile as error:
        raise InvalidContent(details=error.details) from None
    if sum(1 for _ in leaves(edited.content)) > _MOST_TEXTS:
        raise _invalid("", f"This has more than {_MOST_TEXTS:,} texts. Leave some out.")
    compared = compare(draft.content, edited.content)
    edited.proofs = proofs_after_edit(draft.proofs, compared)
    edited.changes = [*_standing(draft.changes, edited), *changes_of_edit(compared)]
    edited.report = draft.report | {
        "pages": cv_pages(edited.content, draft.language, draft.sections),
        "warnings": dates_out_of_order(edited.content),
    }


def _invalid(path: str, message: str) -> InvalidContent:
    return InvalidContent(details={"errors": [{"path": path, "message": message}]})


def _standing(changes: list[dict[str, Any]], edited: Draft) -> list[dict[str, Any]]:
    """What was changed before and still is so: rewritten texts that still stand."""
    written = {row["text"] for row in edited.proofs if row["proof"] != "person"}
    return [
        row
        for row in changes
        if row["kind"] in ("left_out", "reordered")
        or (row["kind"] == "rewritten" and (row["after"] in written or row["field"] == "basics.label"))
    ]


def _edit_letter(edited: Draft, draft: Draft, content: Mapping[str, Any]) -> None:
    before, after = draft.content, deepcopy(draft.content)
    for name in COMPUTED:
        if name in content and content[name] != before.get(name):
            message = "This is made of the other parts. Change those, and leave this as it is."
            raise _invalid(name, message)
    after |= {name: content[name] for name in content if name not in (*COMPUTED, "body")}
    if "body" in content:
        after["body"] = [
            {
                "text": one_line(block["text"]),
                "points": [one_line(point) for point in block.get("points", [])],
            }
            for block in content["body"]
        ]
    frames = compared_frames(before, after)
    paragraphs = proofs_of_body(body_rows(draft.proofs), after["body"])
    for block, rows in zip(after["body"], paragraphs, strict=True):
        block["sources"] = list(dict.fromkeys(source for row in rows for source in row["sources"]))
    edited.content = with_text(after)
    if obstacle := why_not_storable(edited.content):
        raise _invalid("", obstacle)
    edited.proofs = [
        *proofs_after_edit(frame_rows(draft.proofs), frames),
        *(r for p in paragraphs for r in p),
    ]
    bodies = compare(_texts(before), _texts(after))
    edited.changes = [*used(edited.content), *changes_of_edit([*frames, *bodies])]


def _texts(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"body": [{"text": block["text"], "points": block["points"]} for block in content["body"]]}


def parts_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a person reads of a letter, each text once."""
    return frame_of(dict(content)) | _texts(content)


def used(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of a letter's `changes`: the facts its paragraphs tell."""
    sources = dict.fromkeys(source for block in content["body"] for source in block["sources"])
    return [{"kind": "used", "field": source, "before": None, "after": None} for source in sources]


def with_text(content: dict[str, Any]) -> dict[str, Any]:
    """The letter with what code makes of its parts: the whole as text, and its number of words."""
    prose = [content["opening"], content["closing"]]
    for block in content["body"]:
        prose += [block["text"], *block["points"]]
    content["word_count"] = word_count(" ".join(prose))
    content["text"] = letter_text(content)
    return content
