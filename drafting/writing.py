"""The calls of one draft: the writer, one repair of what was refused, one reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from accounts.concurrency import in_parsing_thread
from accounts.errors import DomainError
from accounts.models import User
from drafting.check.evidence import Claim, Ground, Said
from drafting.check.grammar import codes
from drafting.check.judge import Check, Verdict
from drafting.check.reasons import MESSAGES
from drafting.checking import MOST, Checked, Reader, check_texts
from drafting.facts import FactSheet
from drafting.masks import Mask
from drafting.options import CV_LIMITS, DraftOptions
from drafting.prompts import BUDGETS, Budget, Part, Prompt, cv_prompt, letter_prompt, repair_prompt
from drafting.replies import CvReply, LetterReply, QuotedClaim, RepairReply, tidy
from extraction.schema import JobData
from orchestration.calls.heard import Hear, generate_heard
from orchestration.calls.question import GenerationResult
from orchestration.errors import InputTooLong
from providers.tasks import PromptVersion

Reply = TypeVar("Reply", bound=BaseModel)


class Writer:
    """Makes the calls for one draft, or a part of one, and remembers them in `calls`, the writer's own first.

    `language` is the draft's, `profile_language` what the profile's was recognised as (None: unknown, and
    taken for the draft's)."""

    _wording: PromptVersion

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
        part: Part | None = None,
    ) -> None:
        self.user = user
        self.facts = facts
        self._job = job
        self._options = options
        self._part = part
        self._language = language
        self._profile_language = profile_language or language
        self._mask = Mask(facts.resume)
        self._hear = None if hear is None else lambda partial: hear(_prose_in(partial, self._mask))
        self.calls: list[GenerationResult] = []

    async def cv(self, wording: PromptVersion) -> CvReply:
        """Ask for a CV; raises what the orchestrator raises."""
        lines = MOST if self._part else CV_LIMITS[self._options.length].rewritten_lines

        def prompt(budget: Budget) -> Prompt:
            return cv_prompt(
                self.facts,
                self._job,
                options=self._options,
                language=self._language,
                lines=lines,
                budget=budget,
                mask=self._mask,
                wording=wording,
                part=self._part,
            )

        reply = await self._ask(wording, prompt, CvReply)
        for line in reply.lines:
            line.text = self._mask.show(line.text)
            self._show(line.claims)
        return reply.model_copy(update={"summary": self._mask.show(reply.summary)})

    async def letter(self, wording: PromptVersion) -> LetterReply:
        """Ask for the body of a letter; raises what the orchestrator raises."""

        def prompt(budget: Budget) -> Prompt:
            return letter_prompt(
                self.facts,
                self._job,
                options=self._options,
                language=self._language,
                budget=budget,
                mask=self._mask,
                wording=wording,
                part=self._part,
            )

        reply = await self._ask(wording, prompt, LetterReply)
        for sentence in reply.sentences:
            sentence.text = self._mask.show(sentence.text)
            self._show(sentence.claims)
        return reply

    async def checked(self, texts: Sequence[Said]) -> Checked:
        """The texts with their verdicts; makes up to two more calls, and none of their failures is fatal."""
        ground = Ground(self.facts, self._job, self._profile_language, self.user.today)
        check = None
        if {self._language, self._profile_language} <= set(codes()):
            check = Check(
                self.facts,
                self._job,
                language=self._language,
                profile_language=self._profile_language,
                today=self.user.today,
            )
        first = self.calls[0]
        wrote = first.provider_config_id or first.provider_type
        reader = Reader(self.user, ground, self._mask, writer=wrote)
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
        prompt = repair_prompt(
            rows, self.facts, language=self._language, mask=self._mask, wording=self._wording
        )
        try:
            result = await self._generate(self._wording, prompt)
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
        self, wording: PromptVersion, prompt_for: Callable[[Budget], Prompt], form: type[Reply]
    ) -> Reply:
        """Ask with as much as a model reads: the whole, else less of it."""
        self._wording = wording
        made = await in_parsing_thread(lambda: [prompt_for(budget) for budget in BUDGETS])
        prompts = list({prompt.text: prompt for prompt in made}.values())
        for number, prompt in enumerate(prompts, start=1):
            try:
                result = await self._generate(wording, prompt, hear=self._hear)
                break
            except InputTooLong:
                if number == len(prompts):
                    raise
        self.calls.append(result)
        if not isinstance(result.parsed, form):
            raise TypeError(f"the orchestrator returned no {form.__name__}")
        return result.parsed.model_copy(deep=True)

    async def _generate(
        self, wording: PromptVersion, prompt: Prompt, hear: Hear | None = None
    ) -> GenerationResult:
        return await generate_heard(
            hear,
            user=self.user,
            task=wording.task,
            prompt=prompt.text,
            stable=prompt.stable,
            system_prompt=prompt.system,
            response_model=prompt.form,
            prompt_version=wording.version,
            # Who has a part written anew wants another answer than the last.
            is_repeatable=self._part is None,
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
