"""The calls of one draft: the writer, one repair of what was refused, one reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.utils import timezone
from pydantic import BaseModel

from accounts.concurrency import in_parsing_thread
from accounts.errors import DomainError
from accounts.models import User
from drafting.check.evidence import Claim, Ground, Said
from drafting.check.grammar import codes
from drafting.check.judge import Check, Verdict
from drafting.check.reasons import MESSAGES
from drafting.checking import Checked, Reader, check_texts
from drafting.facts import FactSheet
from drafting.masks import Mask
from drafting.options import CV_LIMITS, DraftOptions
from drafting.prompts import BUDGETS, Budget, Prompt, cv_prompt, letter_prompt, repair_prompt
from drafting.replies import CvReply, LetterReply, QuotedClaim, RepairReply, tidy
from extraction.schema import JobData
from orchestration.calls.heard import Hear, generate_heard
from orchestration.calls.results import GenerationResult
from orchestration.errors import InputTooLong

Reply = TypeVar("Reply", bound=BaseModel)


class Writer:
    """Makes the calls for one draft, and remembers them in `calls`, the writer's own first.

    `language` is the draft's, `profile_language` what the profile's was recognised as (None: unknown, and
    taken for the draft's)."""

    def __init__(
        self,
        user: User,
        facts: FactSheet,
        job: JobData,
        options: DraftOptions,
        *,
        language: str,
        profile_language: str | None,
        hear: Hear | None = None,
    ) -> None:
        self._user = user
        self._facts = facts
        self._job = job
        self._options = options
        self._language = language
        self._profile_language = profile_language or language
        self._mask = Mask(facts.resume)
        self._hear = None if hear is None else lambda partial: hear(_prose_in(partial, self._mask))
        self._task = ""
        self._version = ""
        self.calls: list[GenerationResult] = []

    async def cv(self, version: str) -> CvReply:
        """Ask for a CV; raises what the orchestrator raises."""
        lines = CV_LIMITS[self._options.length].rewritten_lines

        def prompt(budget: Budget) -> Prompt:
            return cv_prompt(
                self._facts,
                self._job,
                options=self._options,
                language=self._language,
                lines=lines,
                budget=budget,
                mask=self._mask,
                version=version,
            )

        reply = await self._ask("cv_draft", version, prompt, CvReply)
        for line in reply.lines:
            line.text = self._mask.show(line.text)
            self._show(line.claims)
        return reply.model_copy(update={"summary": self._mask.show(reply.summary)})

    async def letter(self, version: str) -> LetterReply:
        """Ask for the body of a letter; raises what the orchestrator raises."""

        def prompt(budget: Budget) -> Prompt:
            return letter_prompt(
                self._facts,
                self._job,
                options=self._options,
                language=self._language,
                budget=budget,
                mask=self._mask,
                version=version,
            )

        reply = await self._ask("cover_letter", version, prompt, LetterReply)
        for sentence in reply.sentences:
            sentence.text = self._mask.show(sentence.text)
            self._show(sentence.claims)
        return reply

    async def checked(self, texts: Sequence[Said]) -> Checked:
        """The texts with their verdicts; makes up to two more calls, and none of their failures is fatal."""
        ground = Ground(self._facts, self._job, self._profile_language, timezone.localdate())
        check = None
        if {self._language, self._profile_language} <= set(codes()):
            check = Check(
                self._facts,
                self._job,
                language=self._language,
                profile_language=self._profile_language,
                today=timezone.localdate(),
            )
        first = self.calls[0]
        wrote = first.provider_config_id or first.provider_type
        reader = Reader(self._user, ground, self._mask, writer=wrote)
        checked = await check_texts(check, texts, repair=self._repair, read=reader.read)
        self.calls += reader.calls
        return checked

    async def _repair(self, refused: Sequence[Verdict]) -> list[Said]:
        """The refused texts, written again by the same task; none where that fails."""
        by_id = {verdict.said.id: verdict.said for verdict in refused}
        rows = [
            (
                v.said.id,
                v.said.place,
                v.said.text,
                f"{MESSAGES[v.refusal.reason]} {', '.join(v.refusal.words)}",
            )
            for v in refused
            if v.refusal
        ]
        prompt = repair_prompt(rows, self._facts, language=self._language, mask=self._mask)
        try:
            result = await self._generate(self._task, self._version, prompt)
        except DomainError:
            return []
        self.calls.append(result)
        if not isinstance(result.parsed, RepairReply):
            return []
        return [
            Said(
                id=one.id,
                place=by_id[one.id].place,
                text=tidy(self._mask.show(one.text)),
                # A line of a CV stays the line it is.
                sources=tuple(one.sources) if by_id[one.id].place == "evidence" else by_id[one.id].sources,
                claims=tuple(Claim(claim.words, claim.quote) for claim in self._show(one.claims)),
            )
            for one in result.parsed.texts
            if one.id in by_id
        ]

    def _show(self, claims: list[QuotedClaim]) -> list[QuotedClaim]:
        for claim in claims:
            claim.words, claim.quote = self._mask.show(claim.words), self._mask.show(claim.quote)
        return claims

    async def _ask(
        self, task: str, version: str, prompt_for: Callable[[Budget], Prompt], form: type[Reply]
    ) -> Reply:
        """Ask with as much as a model reads: the whole, else less of it."""
        self._task, self._version = task, version
        made = await in_parsing_thread(lambda: [prompt_for(budget) for budget in BUDGETS])
        prompts = list({prompt.text: prompt for prompt in made}.values())
        for number, prompt in enumerate(prompts, start=1):
            try:
                result = await self._generate(task, version, prompt, hear=self._hear)
                break
            except InputTooLong:
                if number == len(prompts):
                    raise
        self.calls.append(result)
        if not isinstance(result.parsed, form):
            raise TypeError(f"the orchestrator returned no {form.__name__}")
        return result.parsed.model_copy(deep=True)

    async def _generate(
        self, task: str, version: str, prompt: Prompt, hear: Hear | None = None
    ) -> GenerationResult:
        return await generate_heard(
            hear,
            user=self._user,
            task=task,
            prompt=prompt.text,
            system_prompt=prompt.system,
            response_model=prompt.form,
            prompt_version=version,
        )


def _prose_in(partial: Any, mask: Mask) -> dict[str, str]:
    """What a reader may see of a form that is being filled in: its texts, without ids and quotes."""
    if not isinstance(partial, dict):
        return {}
    texts = {"summary": partial.get("summary")}
    for name in ("lines", "sentences"):
        for number, one in enumerate(partial.get(name) or []):
            if isinstance(one, dict):
                texts[f"{name}.{number}"] = one.get("text")
    return {path: mask.show(text) for path, text in texts.items() if isinstance(text, str)}
