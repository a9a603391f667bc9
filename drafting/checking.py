"""The order in which the texts of one draft are checked: floor and proof, one repair, one reader.

What stands afterwards has a proof; for the rest the caller prints the profile's own words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from drafting.check.evidence import Said
from drafting.check.judge import Check, Proof, Verdict
from drafting.check.reasons import Reason, Refusal, note
from extraction.threads import in_parsing_thread

Repair = Callable[[Sequence[Verdict]], Awaitable[Sequence[Said]]]
Read = Callable[[Sequence[Said]], Awaitable[dict[str, Refusal | None]]]


@dataclass(slots=True)
class Checked:
    """`verdicts` by id of the text, each with a proof or a refusal; a repaired text stands in for its first
    writing, whose refusal is in `notes`."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)

    def proven(self, text_id: str) -> Verdict | None:
        """The verdict on this text, if it may be printed."""
        verdict = self.verdicts.get(text_id)
        return verdict if verdict and verdict.proof else None


async def check_texts(check: Check | None, texts: Sequence[Said], *, repair: Repair, read: Read) -> Checked:
    """Judge the texts. `check` is None when the language of profile or draft cannot be read: then none
    stands."""
    checked = Checked()
    if check is None:
        checked.verdicts = {said.id: Verdict(said, Refusal(Reason.UNTRANSLATED)) for said in texts}
        return checked
    judged = await in_parsing_thread(_judged, check, texts)
    checked.verdicts = {verdict.said.id: verdict for verdict in judged}
    await _repair(checked, check, repair)
    await _read(checked, read)
    for verdict in checked.verdicts.values():
        if verdict.refusal and (row := note(verdict.said.id, verdict.refusal)) not in checked.notes:
            checked.notes.append(row)
    return checked


async def _repair(checked: Checked, check: Check, repair: Repair) -> None:
    """Have what was refused written again, once; what is refused again stays refused for its first reason."""
    refused = [verdict for verdict in checked.verdicts.values() if verdict.refusal]
    rewritten = await repair(refused) if refused else ()
    for again in await in_parsing_thread(_judged, check, rewritten):
        first = checked.verdicts.get(again.said.id)
        if first is None or first.refusal is None or again.refusal or again.said.text == first.said.text:
            continue
        checked.notes.append(note(again.said.id, first.refusal))
        checked.verdicts[again.said.id] = again


def _judged(check: Check, texts: Sequence[Said]) -> list[Verdict]:
    """Off the event loop: a language's dictionary takes up to some seconds to load."""
    return [check.judge(said) for said in texts]


async def _read(checked: Checked, read: Read) -> None:
    """Have the reader judge what is neither refuted nor proven; unread is refused."""
    doubtful = [verdict.said for verdict in checked.verdicts.values() if verdict.is_doubtful]
    answers = await read(doubtful) if doubtful else {}
    for said in doubtful:
        refusal = answers.get(said.id, Refusal(Reason.UNREAD))
        checked.verdicts[said.id] = Verdict(said, refusal, None if refusal else Proof.READER)
