"""Whether a server that says nothing is at work on a statement, or nobody is.

A rollup or a migration may rightly take minutes, so no length of time tells. Another connection does: a
server knows what each of its sessions is at, and knows them by names, which poolers pass on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import ConnectionTimeout
from psycopg.waiting import READY_NONE

R = TypeVar("R")

# Seconds that a server may take to say so, and that an answer may be under way.
SHORTLY = 5.0
# What PostgreSQL keeps of a name.
_LONGEST_NAME = 63
_IS_AT_WORK = """
SELECT EXISTS (
  SELECT FROM pg_stat_activity
   WHERE application_name = %s AND state IN ('active', 'fastpath function call', 'disabled'))
"""


def name_of_its_own(given: str | None) -> str:
    """An application name that no other connection has, beginning with the one that was `given`."""
    number = uuid4().hex[:16]
    return f"{(given or 'aditus')[: _LONGEST_NAME - len(number) - 1]} {number}"


def is_at_work(name: str, connect: Callable[[], psycopg.Connection[Any]]) -> bool:
    """Whether a session of that name is in the middle of a statement, as far as anybody can tell: a server
    that refuses to be asked is alive, one that does not answer is not at work on anything. `connect` makes a
    connection that waits SHORTLY at most, for itself and for answers."""
    try:
        asking = connect()
    except ConnectionTimeout:
        return False
    except psycopg.Error:
        return True
    try:
        found = asking.execute(_IS_AT_WORK, [name]).fetchone()
    except psycopg.Error:
        return False
    finally:
        asking.close()
    return bool(found and found[0])


def watched(gen: PQGen[R], is_at_work: Callable[[], bool], *, every: float) -> PQGen[R]:
    """What `gen` gives, which waits for the server; after each so many seconds of silence it is asked about.
    Raises psycopg.OperationalError when it is not at work, and no answer of before comes shortly."""
    ask_at, is_given_up = time.monotonic() + every, False
    try:
        state = next(gen)
        while True:
            ready = yield state
            if ready:
                ask_at, is_given_up = time.monotonic() + every, False
            elif time.monotonic() >= ask_at:
                if is_given_up:
                    raise psycopg.OperationalError("the database took a statement and is not at work on it")
                is_given_up = not is_at_work()
                ask_at = time.monotonic() + (SHORTLY if is_given_up else every)
            state = gen.send(ready or READY_NONE)
    except StopIteration as end:
        result: R = end.value
        return result
