"""What goes wrong with vendors, models and budgets, made to happen: the sandbox misbehaves on request."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import aiohttp

from aditus.demo.client import ApiClient, ApiRefusal
from aditus.demo.story import Story, posting_text

LIE = "Led 240 engineers at Zanzibar Rocketry and won the Turing Award in 1999."
# A word of the lie that no profile and no posting of the demo has.
TELLTALE = "Zanzibar"
RETRY_AFTER_SECONDS = 30
# No plan with a daily limit of the default size has room for so many drafts.
MOST_DRAFTS = 60


class Troubles:
    """Goes on with the story. `sandbox` is the sandbox's root URL, `small` the API as somebody sees it whose
    plan is nearly used up by a few drafts."""

    def __init__(self, story: Story, *, sandbox: str, api: ApiClient, small: ApiClient) -> None:
        self._story, self._sandbox, self._api, self._small = story, sandbox, api, small

    async def run(self, choice: dict[str, int]) -> None:
        """Raises ApiRefusal for a refusal that is not part of the story."""
        await self._failover()
        await self._lie(choice)
        await self._quota(choice)

    async def _failover(self) -> None:
        await self._ask_for(f"rate_limited={RETRY_AFTER_SECONDS}", vendor="gemini")
        # A question that was never asked before: an answer given again would ask no vendor.
        text = f"{posting_text()}\nReference: {uuid4().hex[:8].upper()}\n"
        reply = await self._story.extract(
            "The next vendor says 429, so another one answers the same request", {"text": text}
        )
        self._story.say(f"   {reply['attempts']} attempts; both are in the bill below")

    async def _lie(self, choice: dict[str, int]) -> None:
        await self._ask_for(f"lie={LIE}", vendor="openai")
        self._story.say(f"\nThe next model adds to all it writes: “{LIE}”")
        draft, files = await self._story.draft("A CV by a model that lies", "cv-drafter/draft", choice)
        for note in draft["grounding"]:
            words = f" ({', '.join(note['words'])})" if note["words"] else ""
            self._story.say(f"   refused {note['field']}: {note['message']}{words}")
        stored = any(TELLTALE.encode() in file.read_bytes() for file in files if file.suffix != ".pdf")
        self._story.say(f"   {TELLTALE} stands in the stored CV: {'YES' if stored else 'no'}")

    async def _quota(self, choice: dict[str, int]) -> None:
        """The small plan's owner sends posting and profile along, and stores neither."""
        posting = await self._api.get(f"jobs/{choice['job_id']}")
        profile = await self._api.get(f"profiles/{choice['profile_id']}")
        body = {"job_data": posting["extracted_data"], "master_profile": profile["resume"]}
        with self._story.step("Somebody on a small plan drafts until the quota is used up"):
            made, refusal = await self._draft_until_refused(body)
        self._story.say(f"   {made} drafts were made, then: {refusal}")

    async def _draft_until_refused(self, body: dict[str, Any]) -> tuple[int, str]:
        for made in range(MOST_DRAFTS):
            try:
                await self._small.post("cv-drafter/draft", body)
            except ApiRefusal as refusal:
                if refusal.code != "quota_exceeded":
                    raise
                return made, str(refusal)
        return MOST_DRAFTS, "no refusal, because this plan's limit was raised"

    async def _ask_for(self, fault: str, *, vendor: str) -> None:
        """Let the sandbox's `vendor` meet the fault at its next call."""
        url, order = f"{self._sandbox}/_sandbox/faults", {"fault": fault, "vendor": vendor}
        async with aiohttp.ClientSession() as session, session.post(url, json=order) as response:
            response.raise_for_status()
