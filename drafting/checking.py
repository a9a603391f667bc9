"""How the texts of one draft are checked: floor and proof, one repair, one reader.

The reader is another model than the writer's, which sees sentences and the facts they rest on. It can only
refuse or let pass what the floor let through; whatever keeps it from answering, a sentence it did not vouch
for is not used. What stands afterwards has a proof; for the rest the caller prints the profile's own words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.errors import DomainError
from accounts.models import User
from drafting.check.evidence import Ground, Said
from drafting.check.judge import Check, Proof, Verdict
from drafting.check.reasons import Reason, Refusal, note
from drafting.masks import Mask
from drafting.replies import ReaderReply, SentenceVerdict, reader_form
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult, begin

TASK = "grounding"
# Sentences in one call; a draft has fewer.
MOST = 40
_MOST_FACTS = 120

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


class Reader:
    """Asks for one draft. `writer` is the provider that wrote it, and reads only where there is no other."""

    def __init__(self, user: User, ground: Ground, mask: Mask, *, writer: int | str | None) -> None:
        self._user = user
        self._ground = ground
        self._mask = mask
        self._writer = writer
        self.calls: list[GenerationResult] = []

    async def read(self, doubtful: Sequence[Said]) -> dict[str, Refusal | None]:
        """For each sentence None when the reader vouches for it, else why it is not used."""
        asked = list(doubtful)[:MOST]
        if not asked:
            return {}
        verdicts = await self._ask(asked)
        return {said.id: _outcome(said, verdicts) for said in doubtful}

    async def _ask(self, asked: Sequence[Said]) -> Mapping[str, SentenceVerdict]:
        names = {said.id: f"s{number}" for number, said in enumerate(asked, start=1)}
        begun = await in_database_thread(begin, self._user, TASK)
        try:
            result = await AIOrchestrator().generate(
                user=self._user,
                task=TASK,
                prompt=reader_prompt(asked, self._ground, self._mask, names),
                system_prompt=begun.prompt.text("system"),
                begun=begun,
                response_model=reader_form(ids=tuple(names.values())),
                is_repeatable=True,
                rather_than=self._writer,
            )
        except DomainError:
            # No quota, no provider, a vendor that failed: what cannot be read is not believed.
            return {}
        self.calls.append(result)
        if not isinstance(result.parsed, ReaderReply):
            return {}
        by_name = {verdict.id: verdict for verdict in reversed(result.parsed.verdicts)}
        return {said_id: by_name[name] for said_id, name in names.items() if name in by_name}


def _outcome(said: Said, verdicts: Mapping[str, SentenceVerdict]) -> Refusal | None:
    verdict = verdicts.get(said.id)
    if verdict is None:
        return Refusal(Reason.UNREAD)
    words = tuple(word for word in verdict.unsupported if word.strip())
    if said.place == "bridge" and verdict.claims_past:
        return Refusal(Reason.PAST, words)
    if not verdict.supported or words:
        return Refusal(Reason.UNSUPPORTED, words)
    return None


def reader_prompt(asked: Sequence[Said], ground: Ground, mask: Mask, names: Mapping[str, str]) -> str:
    """Each sentence with its kind and the lines, headers and standing facts it may rest on."""
    standing = [text.raw for text in ground.standing]
    blocks = ["Facts that hold for the person throughout:", *(_row(text, mask) for text in standing)]
    if any(said.place == "summary" for said in asked):
        everything = [
            text
            for entry in ground.facts.entries
            for text in (entry.header, *(line.text for line in entry.lines))
        ]
        blocks += ["All facts, for summaries:", *(_row(text, mask) for text in everything[:_MOST_FACTS])]
    for said in asked:
        evidence = ground.evidence_for(said)
        kind = {"line": "line of the CV", "evidence": "evidence", "summary": "summary", "bridge": "bridge"}
        blocks.append(f'\n<sentence id="{names[said.id]}" kind="{kind[said.place]}">')
        blocks.append(mask.hide(" ".join(said.text.split())))
        if said.place in ("line", "evidence"):
            blocks.append("Facts:")
            blocks += [_row(text.raw, mask) for text in (*evidence.headers, *evidence.lines)]
            blocks += [f'- quoted: "{mask.hide(claim.quote)}"' for claim in said.claims]
        blocks.append("</sentence>")
    return "\n".join(blocks)


def _row(text: str, mask: Mask) -> str:
    return f"- {mask.hide(' '.join(text.split()))}"
