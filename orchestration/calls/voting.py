"""Several models answer one structured question, and the form is filled in field by field by majority."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from accounts.errors import DomainError
from orchestration.calls import outcomes
from orchestration.calls.call import Call
from orchestration.calls.question import GenerationResult
from orchestration.routing.candidates import Candidate
from providers.adapters.base import TokenUsage
from usage.models import UsageSource

# HTTP requests that one vote may cost: the question and one more try.
MOST_REQUESTS = 2

Answering = Callable[[Call], Awaitable[GenerationResult]]


async def answer(call: Call, ask: Answering) -> GenerationResult:
    """Ask as many of the best candidates as the task's policy wants votes, at the same time, and merge what
    comes back. Every vote has its rows and counts against the quota. One that fails is missing; an error is
    raised only when all of them fail."""
    voters = call.remaining()[: call.policy.votes]
    if len(voters) < 2:
        return replace(await ask(call), votes=1)
    call.budget.most = MOST_REQUESTS * len(voters)
    ballots = [_ballot(call, voter) for voter in voters]
    answers = await asyncio.gather(*(ask(ballot) for ballot in ballots), return_exceptions=True)
    for failed in answers:
        if isinstance(failed, BaseException) and not isinstance(failed, DomainError):
            raise failed
    results = [one for one in answers if isinstance(one, GenerationResult)]
    if not results:
        # Whether the input is at fault is for all of them to say, not for one.
        call.failures = [failure for ballot in ballots for failure in ballot.failures]
        refusals = [one for one in answers if isinstance(one, DomainError)]
        raise outcomes.final_error(call) if call.failures else refusals[0]
    return _merged(call, results)


def _ballot(call: Call, voter: Candidate) -> Call:
    """The call of one voter: its own candidate and failures, the common budget."""
    return replace(
        call,
        order=(voter,),
        only=voter.provider.identity,
        visit=None,
        failures=[],
        done_with=set(),
        too_large_at=set(),
    )


def _merged(call: Call, results: Sequence[GenerationResult]) -> GenerationResult:
    """The best-ranked answer with every field as most of the voters have it, and the sums of all."""
    best = results[0]
    forms = [result.parsed for result in results if result.parsed is not None]
    parsed, agreement = merge(forms) if forms else (None, {})
    sources = {result.usage_source for result in results}
    return replace(
        best,
        text=parsed.model_dump_json() if parsed is not None else best.text,
        parsed=parsed,
        usage=_together(results),
        usage_source=sources.pop() if len(sources) == 1 else UsageSource.ESTIMATED,
        attempts=call.budget.attempts,
        cost_usd=call.budget.total_cost,
        latency_ms=max(result.latency_ms for result in results),
        votes=len(forms),
        # One voter agrees with itself, which says nothing.
        agreement=agreement if len(forms) > 1 else None,
    )


def _together(results: Sequence[GenerationResult]) -> TokenUsage:
    counts = [name for name in TokenUsage.__dataclass_fields__ if name != "extras"]
    sums = {name: sum(getattr(result.usage, name) for result in results) for name in counts}
    extras = dict.fromkeys(extra for result in results for extra in result.usage.extras)
    return TokenUsage(**sums, extras=tuple(extras))


def merge(forms: Sequence[BaseModel]) -> tuple[BaseModel, dict[str, float]]:
    """One form of several of the same model, best-ranked first, and for each field the share of the forms
    that have its value. Texts that differ in case and spacing only are the same; of equally frequent values
    the best-ranked voter's wins; an item is in a list when more than half of the voters have it there, or
    half with the best-ranked among them. A merged form that its model refuses gives way to the best-ranked
    one."""
    dumps = [form.model_dump(mode="json") for form in forms]
    merged: dict[str, Any] = {}
    agreement: dict[str, float] = {}
    for name in dumps[0]:
        values = [dump[name] for dump in dumps]
        if all(isinstance(value, list) for value in values):
            merged[name] = _common_items(values)
        else:
            merged[name] = _most_frequent(values)
        agreement[name] = sum(_plain(value) == _plain(merged[name]) for value in values) / len(values)
    try:
        return type(forms[0]).model_validate(merged), agreement
    except ValidationError:
        return forms[0], {
            name: sum(_plain(dump[name]) == _plain(dumps[0][name]) for dump in dumps) / len(dumps)
            for name in dumps[0]
        }


def _most_frequent(values: Sequence[Any]) -> Any:
    counts = Counter(map(_plain, values))
    # max keeps the first of equals, and the values stand in the order of rank.
    return max(values, key=lambda value: counts[_plain(value)])


def _common_items(lists: Sequence[list[Any]]) -> list[Any]:
    counts: Counter[str] = Counter()
    spelling: dict[str, Any] = {}
    for items in lists:
        counts.update({_plain(item) for item in items})
        for item in items:
            spelling.setdefault(_plain(item), item)
    first = {_plain(item) for item in lists[0]}
    return [
        item
        for key, item in spelling.items()
        if 2 * counts[key] > len(lists) or (2 * counts[key] == len(lists) and key in first)
    ]


def _plain(value: Any) -> str:
    """What two spellings of one value have in common."""
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    if isinstance(value, list):
        return json.dumps(sorted(map(_plain, value)))
    return json.dumps(value, sort_keys=True)
