"""Answers that are given again: the same user, the same question, the same model.

What makes a question the same is all of what is sent and to whom it belongs, so that no key can be forgotten.
Answers are sealed at rest: they are about people.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

from cryptography.fernet import InvalidToken
from django.utils import timezone
from pydantic import ValidationError

from accounts.concurrency import keep, kept
from accounts.sealing import seal, unseal
from orchestration.calls.accounting import Accounting
from orchestration.calls.call import Call
from orchestration.calls.question import GenerationResult
from orchestration.guards.base import GuardStore
from orchestration.routing.candidates import Candidate
from providers.adapters.base import TokenUsage
from usage.models import UsageSource

logger = logging.getLogger(__name__)

# Seconds between looks at whether somebody else's answer to the same question has come.
_LOOK_AGAIN = 0.05
# Seconds for which who asks is believed to be alive; said again three times as often.
LEASE = 15.0


class ReplyCache:
    def __init__(self, guards: GuardStore, accounting: Accounting) -> None:
        self._guards = guards
        self._accounting = accounting

    async def answer(self, call: Call, ask: Callable[[], Awaitable[GenerationResult]]) -> GenerationResult:
        """The answer from the cache; else that of the one call among identical ones that asks. When it fails,
        the next of them asks; when its process dies, within LEASE seconds."""
        started, flight, holder = time.perf_counter(), _flight(call), uuid.uuid4().hex
        loop = asyncio.get_running_loop()

        async def give_back(_: object) -> None:
            await self._guards.release(flight, holder)

        if result := await self._given_again(call, started):
            return result
        try:
            while (left := call.budget.deadline - loop.time()) > 0:
                claimed = await kept(self._guards.claim(flight, holder, seconds=LEASE), undo=give_back)
                # Looked for after the claim: its last holder remembered the answer, then let go.
                if result := await self._given_again(call, started):
                    return result
                if claimed:
                    break
                await asyncio.sleep(min(_LOOK_AGAIN, left))
            async with self._believed_alive(flight, holder):
                result = await ask()
                await self._remember(call, result)
            return result
        finally:
            await asyncio.shield(keep(give_back(None)))

    @asynccontextmanager
    async def _believed_alive(self, flight: str, holder: str) -> AsyncIterator[None]:
        async def say_so() -> None:
            while True:
                await asyncio.sleep(LEASE / 3)
                await self._guards.claim(flight, holder, seconds=LEASE)

        saying = asyncio.ensure_future(say_so())
        try:
            yield
        finally:
            saying.cancel()
            await asyncio.wait([saying])

    async def _given_again(self, call: Call, started: float) -> GenerationResult | None:
        """The answer from the cache with its row, if there is one; `started` in seconds of perf_counter."""
        if not (hit := await self._recall(call)):
            return None
        candidate, result = hit
        latency_ms = round((time.perf_counter() - started) * 1000)
        again = call.unsent(now=timezone.now(), candidate=candidate)
        await self._accounting.answered_again(again, latency_ms=latency_ms)
        return replace(result, latency_ms=latency_ms)

    async def _recall(self, call: Call) -> tuple[Candidate, GenerationResult] | None:
        """The answer of the best candidate that has given one to this question."""
        question = _digest(_question(call))
        stored = await self._guards.recall([_name(question, candidate) for candidate in call.order])
        for candidate, value in zip(call.order, stored, strict=True):
            if value is not None and (result := _unsealed(call, candidate, value)):
                return candidate, result
        return None

    async def _remember(self, call: Call, result: GenerationResult) -> None:
        answered = (
            candidate
            for candidate in call.order
            if (candidate.provider.config_id, candidate.provider.provider_type, candidate.model_name)
            == (result.provider_config_id, result.provider_type, result.model_name)
        )
        if candidate := next(answered, None):
            name, seconds = _name(_digest(_question(call)), candidate), call.policy.cache_seconds
            await self._guards.remember(name, _sealed(result), seconds=seconds)


def _question(call: Call) -> dict[str, Any]:
    question, request = call.question, call.question.request
    schema = request.response_model.model_json_schema() if request.response_model else None
    return {
        "tenant": question.user_id,
        "task": question.task,
        "prompt_version": question.prompt_version,
        "prompt": request.prompt,
        "system_prompt": request.system_prompt,
        "images": [[image.mime_type, hashlib.sha256(image.data).hexdigest()] for image in request.images],
        "schema": schema,
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "effort": request.manner.effort,
        "votes": call.policy.votes,
    }


def _name(question: str, candidate: Candidate) -> str:
    """Of the answer that this candidate has given to the question of that digest."""
    provider = candidate.provider
    model = [provider.identity, provider.provider_type, provider.base_url, candidate.model_name]
    return f"reply:{question}:{json.dumps(model)}"


def _flight(call: Call) -> str:
    """Names the question whoever answers it."""
    return f"flight:{_digest(_question(call))}"


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sealed(result: GenerationResult) -> str:
    content = {
        "text": result.text,
        "parsed": result.parsed.model_dump_json() if result.parsed else None,
        "votes": result.votes,
        "agreement": dict(result.agreement) if result.agreement else None,
        "degraded": result.degraded,
    }
    return seal(json.dumps(content).encode())


def _unsealed(call: Call, candidate: Candidate, value: str) -> GenerationResult | None:
    """None for what cannot be read any more: another key, another form."""
    model = call.question.request.response_model
    try:
        content = json.loads(unseal(value))
        parsed = model.model_validate_json(content["parsed"]) if model and content["parsed"] else None
    except (InvalidToken, ValidationError, ValueError, KeyError):
        logger.warning("A cached answer could not be read and is asked for anew")
        return None
    return GenerationResult(
        text=content["text"],
        parsed=parsed,
        provider_type=candidate.provider.provider_type,
        provider_config_id=candidate.provider.config_id,
        provider_name=candidate.provider.name,
        model_name=candidate.model_name,
        task=call.question.task,
        tier=call.tier,
        request_id=call.question.request_id,
        attempts=0,
        usage=TokenUsage(),
        usage_source=UsageSource.NONE,
        cost_usd=Decimal(0),
        latency_ms=0,
        cached=True,
        degraded=tuple(content["degraded"]),
        votes=content.get("votes", 0),
        agreement=content["agreement"],
    )
