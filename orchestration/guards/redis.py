"""Guards that all processes share, in Redis. What has to be atomic is one Lua script each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, cast
from weakref import WeakKeyDictionary

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import NoScriptError, RedisError

from orchestration.guards.base import (
    ADMITTED,
    LOWEST_PACE,
    ONE_CONGESTION,
    RECOVERY,
    WINDOW,
    Cause,
    Choice,
    Choosing,
    Clock,
    Entry,
    Gate,
    GateAnswer,
    GateState,
    GuardStore,
    Transition,
)
from orchestration.guards.circuit import Circuit
from orchestration.guards.scripts import (
    CLAIM,
    ENTER,
    ENTER_FIRST,
    LEAVE,
    LEAVE_ALL,
    LOOK,
    READ,
    REDIS_CLOCK,
    RELEASE,
    REPLACE,
    SLOW_DOWN,
)

# A guard must not hold up the calls it guards: seconds until Redis counts as away.
PATIENCE = 1.0
CONNECTIONS = 32
# Many calls change one circuit at the same time only while it opens.
REPLACE_TRIES = 50
# Seconds, times the tries so far.
BETWEEN_TRIES = 0.002


@dataclass(slots=True)
class _Line:
    """One event loop's connections, which belong to the loop that opened them. A burst of calls waits for a
    connection as long as it takes: that says nothing about Redis, unless it stopped answering meanwhile."""

    client: Redis
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS))
    broke_at: float = 0.0

    async def ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        since = time.monotonic()
        async with self.free:
            if self.broke_at >= since:
                raise RedisError("Redis stopped answering while this call waited for a connection")
            try:
                async with asyncio.timeout(PATIENCE):
                    return await question(self.client)
            except (RedisError, OSError):
                self.broke_at = time.monotonic()
                raise


class RedisGuards(GuardStore):
    """`prefix` keeps installations that share a Redis apart; `clock` stands in for Redis's own. Raises
    redis.RedisError while Redis is away."""

    def __init__(self, url: str, prefix: str, clock: Clock | None = None) -> None:
        self._url, self._prefix, self._clock = url, prefix, clock
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()

    async def now(self) -> float:
        return self._clock() if self._clock else _seconds(await self._ask(lambda redis: redis.time()))

    async def circuits(self, keys: Sequence[str]) -> list[Circuit]:
        if not keys:
            return []
        names = [self._key("circuit", key) for key in keys]
        values = await self._ask(lambda redis: redis.mget(names))
        return [_read(value) for value in values]

    async def change_circuit(self, key: str, transition: Transition) -> Circuit | None:
        name = self._key("circuit", key)
        for tries in range(REPLACE_TRIES):
            stored, said = await self._run(READ, [name], [self._time()])
            circuit, now = _read(stored), float(said)
            changed = transition(circuit, now)
            if changed is None or changed == circuit:
                return changed
            written = "" if changed == Circuit() else json.dumps(asdict(changed))
            arguments = [stored or "", written, _milliseconds(changed.forget_after(now))]
            if await self._run(REPLACE, [name], arguments):
                return changed
            # Somebody else was faster; the more there are, the longer they keep out of each other's way.
            await asyncio.sleep(random.uniform(0, tries * BETWEEN_TRIES))  # noqa: S311 - no secret
        raise RedisError(f"{name} changed {REPLACE_TRIES} times while it was to be changed")

    async def enter(self, gate: Gate, call: str, *, seconds: float) -> GateAnswer:
        arguments = [self._time(), WINDOW, RECOVERY, *_entering(Entry(gate, call, seconds))]
        return _gate_answer(*await self._run(ENTER, self._gate_keys(gate), arguments))

    async def enter_first(self, choices: Sequence[Choice], *, caller: Entry | None = None) -> Choosing:
        keys: list[str] = []
        arguments: list[Any] = [self._time(), WINDOW, RECOVERY, int(caller is not None)]
        if caller is not None:
            keys += self._gate_keys(caller.gate)
            arguments += [*_entering(caller), 0]
        for choice in choices:
            keys += [self._key("circuit", choice.circuit), *self._gate_keys(choice.entry.gate)]
            arguments += [*_entering(choice.entry), int(choice.is_queued)]
        said = iter(await self._run(ENTER_FIRST, keys, arguments))
        now = float(next(said))
        by_caller = _gate_answer(next(said), next(said)) if caller is not None else None
        looks = zip(said, said, said, strict=True)
        return Choosing(
            now,
            by_caller,
            tuple(
                (_read(stored), None if cause is None else _gate_answer(cause, wait))
                for stored, cause, wait in looks
            ),
        )

    async def leave_all(self, entries: Sequence[Entry], *, circuit: str) -> Circuit:
        places = [self._gate_keys(entry.gate)[1] for entry in entries]
        keys, calls = [self._key("circuit", circuit), *places], [entry.call for entry in entries]
        return _read(await self._run(LEAVE_ALL, keys, calls))

    async def leave(self, gate: Gate, call: str, *, was_sent: bool = True) -> None:
        await self._run(LEAVE, self._gate_keys(gate), [call, int(was_sent)])

    async def slow_down(self, gate: Gate, *, retry_after: float | None = None) -> None:
        wait = "" if retry_after is None else retry_after
        arguments = [self._time(), WINDOW, RECOVERY, LOWEST_PACE, ONE_CONGESTION, wait]
        await self._run(SLOW_DOWN, self._gate_keys(gate), arguments)

    async def gate_state(self, gate: Gate) -> GateState:
        arguments = [self._time(), WINDOW, RECOVERY]
        recent, under_way, pace = await self._run(LOOK, self._gate_keys(gate), arguments)
        return GateState(recent=recent, under_way=under_way, pace=float(pace) if pace else None)

    async def claim(self, name: str, holder: str, *, seconds: float) -> bool:
        return bool(await self._run(CLAIM, [self._key("claim", name)], [holder, _milliseconds(seconds)]))

    async def release(self, name: str, holder: str) -> None:
        await self._run(RELEASE, [self._key("claim", name)], [holder])

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        key = self._key("value", name)
        await self._ask(lambda redis: redis.set(key, value, px=_milliseconds(seconds)))

    async def recall(self, names: Sequence[str]) -> list[str | None]:
        if not names:
            return []
        keys = [self._key("value", name) for name in names]
        values = await self._ask(lambda redis: redis.mget(keys))
        return [None if value is None else value.decode() for value in values]

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            # With a timeout of its own, redis-py sends through asyncio.wait_for, which before Python 3.12
            # loses a cancellation that comes when the command has just been sent.
            pool = ConnectionPool.from_url(
                self._url, max_connections=CONNECTIONS, socket_timeout=None, socket_connect_timeout=None
            )
            line = self._lines[loop] = _Line(Redis.from_pool(pool))
        return await line.ask(question)

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        async def question(redis: Redis) -> Any:
            try:
                return await redis.evalsha(_digest(script), len(keys), *keys, *arguments)
            except NoScriptError:
                return await redis.eval(script, len(keys), *keys, *arguments)

        return await self._ask(question)

    def _time(self) -> str:
        """What a script is to take for the time."""
        return repr(self._clock()) if self._clock else REDIS_CLOCK

    def _key(self, kind: str, name: str) -> str:
        return f"{self._prefix}:guard:{kind}:{name}"

    def _gate_keys(self, gate: Gate) -> list[str]:
        return [self._key(kind, gate.key) for kind in ("starts", "slots", "pace")]


@cache
def _digest(script: str) -> str:
    """By which Redis knows a script that it has seen."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


def _read(stored: bytes | None) -> Circuit:
    return Circuit(**json.loads(stored)) if stored else Circuit()


def _entering(entry: Entry) -> list[Any]:
    gate = entry.gate
    limits = [_number(gate.per_minute), _number(gate.concurrent), int(gate.is_paced)]
    return [entry.call, entry.seconds, *limits]


def _gate_answer(cause: bytes, wait: bytes) -> GateAnswer:
    if not cause:
        return ADMITTED
    return GateAnswer(admitted=False, cause=cast(Cause, cause.decode()), wait=float(wait))


def _number(limit: int | None) -> int:
    return -1 if limit is None else limit


def _seconds(said: tuple[int, int]) -> float:
    return said[0] + said[1] / 1e6


def _milliseconds(seconds: float) -> int:
    # Redis refuses a lifetime of nothing.
    return max(1, round(seconds * 1000))
