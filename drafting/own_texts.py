"""Which texts of a draft are the person's own.

They have a row in `proofs` like any sentence, whose proof is `person`: no model wrote them, so nothing is
checked of them, and they stay when a section is written anew. In a CV the row's `field` is the path of the
text, such as "work/0/highlights/1", and `replaces` what stood there before the person's first edit. In a
letter it is the part ("opening", "recipient/0") or the paragraph, sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from drafting.comparing import Compared, Difference, compare, leaves
from drafting.letter_body import proof_row

PERSON = "person"
# A note that came along with the request to draft is the person's own, too.
OWN = frozenset({PERSON, "user"})
_ENDS = frozenset(".!?\u2026:;\u3002\u061f\u0964")

Row = dict[str, Any]


def own_row(at: str, text: str, *, sources: Sequence[str] = (), replaces: str | None = None) -> Row:
    """A row of `proofs` for a text of the person's."""
    row = proof_row(at, text, PERSON, sources)
    return row if replaces is None else row | {"replaces": replaces}


def is_own(row: Row) -> bool:
    return row["proof"] in OWN


def proofs_after_edit(rows: Sequence[Row], compared: Iterable[Compared]) -> list[Row]:
    """The proofs of a document whose texts have a path each, after an edit: what was changed or added is the
    person's, what was theirs stays theirs, and of the model's rows those stay whose text does."""
    own = {row["field"]: row for row in rows if row["proof"] == PERSON}
    written = {row["text"]: row for row in rows if not is_own(row)}
    kept: set[str] = set()
    edited: list[Row] = []
    for one in compared:
        if one.path is None or one.kind is Difference.MOVED:
            continue
        before = own.get(one.from_path or "")
        if one.kind is Difference.SAME:
            if before:
                edited.append(before | {"field": one.path})
            else:
                kept.add(str(one.after))
        else:
            edited += _edited(one, before, written)
    return [row for row in rows if not is_own(row) and row["text"] in kept] + edited


def _edited(one: Compared, before: Row | None, written: dict[str, Row]) -> list[Row]:
    replaces = "" if one.before is None else str(one.before)
    sources = written[replaces]["sources"] if replaces in written else []
    if before:
        replaces, sources = before["replaces"], before["sources"]
    return [
        own_row(path, text, sources=sources, replaces=replaces)
        for path, text in leaves(one.after, one.path or "")
    ]


def changes_of_edit(compared: Iterable[Compared]) -> list[Row]:
    """Rows of a draft's `changes` for what a person changed."""
    return [
        {"kind": "edited", "field": one.path or one.from_path, "before": one.before, "after": one.after}
        for one in compared
        if one.kind not in (Difference.SAME, Difference.MOVED)
    ]


def proofs_of_body(rows: Sequence[Row], body: Sequence[Row]) -> list[list[Row]]:
    """The proofs of each paragraph of a letter after an edit. `rows` are those of the body before it: each
    sentence that still stands keeps its row, wherever it stands now, and all else is the person's."""
    pool = [row for row in rows if row["proof"] != PERSON]
    found = []
    for number, block in enumerate(body, start=1):
        at = f"paragraph-{number}"
        proofs = _sentences(at, block["text"], pool)
        for point in block["points"]:
            row = next((one for one in pool if one["text"] == point), None)
            if row:
                pool.remove(row)
            proofs.append(row | {"field": at} if row else own_row(at, point))
        found.append(proofs)
    return found


def _sentences(at: str, text: str, pool: list[Row]) -> list[Row]:
    """The paragraph's sentences: rows of the pool, which are taken out of it, and the person's between."""
    spans: list[tuple[int, int, Row]] = []
    for row in list(pool):
        start = _place(text, row["text"], spans)
        if start is not None:
            spans.append((start, start + len(row["text"]), row))
            pool.remove(row)
    proofs, told = [], 0
    for start, end, row in sorted(spans, key=lambda span: span[0]):
        if between := text[told:start].strip():
            proofs.append(own_row(at, between))
        proofs.append(row | {"field": at})
        told = end
    if rest := text[told:].strip():
        proofs.append(own_row(at, rest))
    return proofs


def _place(text: str, sentence: str, taken: Sequence[tuple[int, int, Row]]) -> int | None:
    """Where the sentence stands in the text as one of its own, and not as the end of another."""
    start = text.find(sentence)
    while start >= 0:
        end = start + len(sentence)
        before = text[:start].rstrip()
        is_whole = (not before or before[-1] in _ENDS) and (end == len(text) or text[end].isspace())
        if is_whole and all(end <= first or last <= start for first, last, _ in taken):
            return start
        start = text.find(sentence, start + 1)
    return None


def body_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows that are of a letter's paragraphs."""
    return [row for row in rows if str(row["field"]).startswith("paragraph-")]


def frame_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows of a letter's other parts."""
    return [row for row in rows if not str(row["field"]).startswith("paragraph-")]


def compared_frames(before: Row, after: Row) -> list[Compared]:
    """A letter's parts beside its paragraphs."""
    return compare(frame_of(before), frame_of(after))


# What a person may change of a letter beside its paragraphs.
FRAME = (
    "sender", "date_text", "recipient", "subject", "salutation", "opening", "closing", "sign_off",
    "signature",
)  # fmt: skip


def frame_of(content: Row) -> Row:
    return {name: content[name] for name in FRAME}
