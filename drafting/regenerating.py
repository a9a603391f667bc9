"""One section of a draft, written anew: asked for and checked like a whole draft, while all else stays.

Which entries and lines there are, and in which order, stays too; what is written anew is the wording. The
person's own texts stay, unless they are asked to go. A text whose new wording is refused stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from accounts.concurrency import in_database_thread, in_parsing_thread
from accounts.models import User
from drafting.drafter import Source, accounted, cv_texts, letter_texts, load_source
from drafting.errors import DraftSuperseded, SourceNeeded, UnknownSection
from drafting.language import detect
from drafting.models import Draft, Kind
from drafting.options import DraftOptions, Length, Tone
from drafting.prompts import Part
from drafting.sections import CvSection, Paragraph, sections_of
from drafting.versions import require_newest, save_after
from drafting.writing import Writer
from extraction.schema import JobData
from orchestration.calls.heard import Hear
from orchestration.calls.question import begin


async def regenerate(
    *,
    user: User,
    draft: Draft,
    section: str,
    replace_own: bool = False,
    job_data: JobData | None = None,
    master_profile: object = None,
    hear: Hear | None = None,
) -> Draft:
    """Write a section anew and store the draft with it as the next version of its series.

    `section` is one of `sections_of(draft)`; `replace_own` lets the person's own texts be written anew, too.
    Posting and profile are those the draft was made from, unless they are given. Raises DraftSuperseded
    unless the draft is the newest version, or when the section was changed meanwhile; UnknownSection,
    NothingToWrite, SourceNeeded, what `load_source` raises, and what the orchestrator raises. `hear` is told
    the texts as the writer writes them, unchecked.
    """
    await in_database_thread(require_newest, draft)
    if section not in sections_of(draft):
        raise UnknownSection(details={"sections": sections_of(draft)})
    source = await in_database_thread(_source, user, draft, job_data, master_profile)
    if draft.kind == Kind.CV:
        whole = CvSection(section, source.facts, replace_own=replace_own)
        return await _cv(draft, whole, await _writer(user, draft, source, whole.part(draft), hear))
    paragraph = Paragraph(section, source.facts, replace_own=replace_own)
    return await _letter(draft, paragraph, await _writer(user, draft, source, paragraph.part(draft), hear))


async def _cv(draft: Draft, section: CvSection, writer: Writer) -> Draft:
    wording = (await in_database_thread(begin, writer.user, "cv_draft")).prompt
    reply = await writer.cv(wording)
    texts = [said for said in cv_texts(writer.facts, reply) if said.id in section.spots(draft)]
    checked = await writer.checked(texts)
    newest = draft
    while True:
        # Counting the pages takes long: nobody waits for a turn to store a draft meanwhile.
        built = await in_parsing_thread(section.rewritten, newest, checked)
        build = partial(_unless_overtaken, built, draft if section.replace_own else None, newest)
        try:
            return await _stored(draft, build, writer, wording.version)
        except _Overtaken as overtaken:
            newest = overtaken.newest


class _Overtaken(Exception):
    """Another version was stored meanwhile, `newest`."""

    def __init__(self, newest: Draft) -> None:
        super().__init__(newest.pk)
        self.newest = newest


def _unless_overtaken(built: Draft, required: Draft | None, expected: Draft, newest: Draft) -> Draft:
    """What was built of the newest version. Raises DraftSuperseded where that has to be the required one."""
    if required is not None:
        require_newest(required, newest)
    if newest.pk != expected.pk:
        raise _Overtaken(newest)
    return built


async def _letter(draft: Draft, paragraph: Paragraph, writer: Writer) -> Draft:
    wording = (await in_database_thread(begin, writer.user, "cover_letter")).prompt
    checked = await writer.checked(letter_texts(await writer.letter(wording)))

    def build(newest: Draft) -> Draft:
        if paragraph.of(newest) != paragraph.of(draft):
            raise DraftSuperseded(details={"draft_id": newest.pk, "version": newest.version})
        return paragraph.rewritten(newest, checked)

    return await _stored(draft, build, writer, wording.version)


async def _stored(draft: Draft, build: Callable[[Draft], Draft], writer: Writer, version: str) -> Draft:
    def account(newest: Draft) -> Draft:
        built = accounted(build(newest), writer.calls)
        built.prompt_version = version
        return built

    return await in_database_thread(save_after, draft, account)


async def _writer(user: User, draft: Draft, source: Source, part: Part, hear: Hear | None) -> Writer:
    return Writer(
        user,
        source.facts,
        source.job,
        options_of(draft),
        language=draft.language,
        profile_language=await in_parsing_thread(detect, source.facts.text),
        hear=hear,
        part=part,
    )


def options_of(draft: Draft) -> DraftOptions:
    """What was chosen when the draft was made."""
    chosen: dict[str, Any] = draft.parameters
    return DraftOptions(
        language=draft.language,
        tone=Tone(chosen["tone"]),
        length=Length(chosen["length"]),
        pinned=tuple(chosen.get("pinned", ())),
        hidden=tuple(chosen.get("hidden", ())),
        sections=tuple(chosen.get("sections", ())),
    )


def _source(user: User, draft: Draft, job_data: JobData | None, master_profile: object) -> Source:
    needed = [
        field
        for field, given, kept in (
            ("job_data", job_data, draft.job_id),
            ("master_profile", master_profile, draft.profile_id),
        )
        if given is None and kept is None
    ]
    if needed:
        raise SourceNeeded(details={"fields": needed})
    return load_source(
        user=user,
        job_id=draft.job_id,
        job_data=job_data,
        profile_id=draft.profile_id,
        master_profile=master_profile,
    )
