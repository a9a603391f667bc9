"""Who comes through the door, and what they may have answered by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from accounts.concurrency import in_database_thread
from accounts.models import PersonalToken, User
from accounts.personal_tokens import InvalidPersonalToken, find, kept_token, note_use, note_use_aside
from orchestration.calls.orchestrator import question_of
from orchestration.calls.question import Beginning, Question, assume, begin
from orchestration.door.errors import ModelNotAllowed, ModelNotFound
from orchestration.door.parameters import Asked
from orchestration.routing.names import ModelName, Wanted, is_allowed, names_in, narrowed, wanted_by
from orchestration.routing.snapshot import RoutingSnapshot, current_snapshot, latest_snapshot
from providers.revision import RoutingRevision
from providers.tasks import task_type
from usage.ledger.connections import fetch_one

_STAND = f"SELECT personal_token_stamp(%s), (SELECT number FROM {RoutingRevision._meta.db_table})"  # noqa: S608


class _NotKnown(Exception):
    """This process has not seen the account yet, or its standing has changed with time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that was let in."""

    token: PersonalToken
    wanted: Wanted
    begun: Beginning

    def question(self, asked: Asked) -> Question:
        most = asked.max_output_tokens or task_type(self.wanted.task).max_output_tokens
        request = replace(asked.request, max_output_tokens=most)
        # The prompt is the program's own, and so no version of ours.
        question = question_of(self.token.user, self.wanted.task, request, self.begun)
        return replace(question, token=self.token, wanted=self.wanted)


def secret_in(authorization: str) -> str:
    """Of the header. Raises InvalidPersonalToken."""
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise InvalidPersonalToken("Send an access token: Authorization: Bearer adt_….")
    return secret.strip()


async def recognise(secret: str) -> None:
    """Raises InvalidPersonalToken where nobody has such a token. For what it may be used says who enters."""
    if kept_token(secret) is None:
        await in_database_thread(find, secret)


def enter(secret: str, name: str) -> Entry:
    """Let a call in that names a model, by what the database says. Synchronous; five queries, or six. Raises
    InvalidPersonalToken, ModelNotFound or ModelNotAllowed."""
    token = find(secret)
    note_use(token)
    return _let_in(token, name, current_snapshot(), partial(begin, token.user))


def assumed(secret: str, asked: Asked) -> Entry | None:
    """The same by what this process has seen last, without a query: for an event loop. Whoever reserves
    verifies it. None where that is not enough to say yes."""
    token, snapshot = kept_token(secret), latest_snapshot()
    if token is None or snapshot is None:
        return None
    try:
        entry = _let_in(token, asked.model, snapshot, partial(_assume, token.user))
    except (_NotKnown, ModelNotFound, ModelNotAllowed):
        return None
    if entry.begun.is_vote(asked.request.response_model):
        return None
    note_use_aside(token)
    return entry


def _assume(user: User, task: str) -> Beginning:
    if begun := assume(user, task):
        return begun
    raise _NotKnown


def _let_in(
    token: PersonalToken, name: str, snapshot: RoutingSnapshot, beginning: Callable[[str], Beginning]
) -> Entry:
    wanted = wanted_by(name, snapshot)
    if wanted is None:
        raise ModelNotFound(name)
    if token.tasks and wanted.task not in token.tasks:
        raise ModelNotAllowed(name)
    if not is_allowed(wanted, token.model_names):
        raise ModelNotAllowed(name)
    begun = beginning(wanted.task)
    tier = begun.snapshot.tier_for(begun.plan.slug, wanted.task)
    allowed = narrowed(begun.snapshot, wanted, tier=tier, allowed=token.model_names)
    if begun.snapshot.providers and not allowed.providers:
        raise ModelNotAllowed(name)
    if wanted.model or token.model_names:
        # An experiment would answer by a model of its own.
        begun = replace(begun, arm=None)
    return Entry(token, wanted, begun)


async def names_for(secret: str) -> list[ModelName]:
    """The names that a token may ask for; where this process knows it and the routing data, one query finds
    on the event loop that both are as they were. Raises InvalidPersonalToken."""
    known = await _known(secret)
    token, snapshot = known if known else await in_database_thread(_read, secret)
    return list(names_in(snapshot, tasks=token.tasks, allowed=token.model_names))


async def _known(secret: str) -> tuple[PersonalToken, RoutingSnapshot] | None:
    token, snapshot = kept_token(secret), latest_snapshot()
    if token is None or snapshot is None:
        return None
    # Only PostgreSQL has stamps, and without one no token is kept.
    if await fetch_one(_STAND, [token.pk]) != (token.stamp, snapshot.revision):
        return None
    note_use_aside(token)
    return token, snapshot


def _read(secret: str) -> tuple[PersonalToken, RoutingSnapshot]:
    token = find(secret)
    note_use(token)
    return token, current_snapshot()
