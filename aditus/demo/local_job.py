"""One bounded job for the real model on this machine; skipped with a sentence, never failed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from accounts import concurrency
from accounts.errors import DomainError
from accounts.models import User
from aditus.demo.seeds import let_serve
from aditus.demo.servers import ServerDidNotStart, Servers
from aditus.demo.story import posting_text
from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.calls.question import GenerationResult
from providers import local_model
from providers.pool import close_connections

# For the model to be up, once everything else was shown, and to answer. An idle machine needs a few.
START_SECONDS, ANSWER_SECONDS = 15, 15
MOST_TOKENS = 48
_ROLE = "You answer in one short sentence."
_QUESTION = "Who is hiring, and for which position?"


class Skipped(Exception):
    """The message says why, and what to do about it."""


def start(servers: Servers) -> None:
    """Let it load while others work; nothing happens where it is not installed."""
    with suppress(local_model.LocalModelUnavailable):
        local_model.weights_path()
        servers.start_models("local")


def ask(user: User, servers: Servers) -> GenerationResult:
    """Let the local model serve for one question of `user`; the sandbox serves again afterwards.

    Raises Skipped when it is not installed, does not start, or takes too long.
    """
    try:
        local_model.weights_path()
        servers.root_of("local", seconds=START_SECONDS)
        let_serve("local")
        try:
            return concurrency.run(asyncio.wait_for(_asking(user), ANSWER_SECONDS))
        finally:
            let_serve("sandbox")
            # The process ends soon, and what is left open then is complained of.
            concurrency.run(close_connections())
    except TimeoutError:
        raise Skipped(
            f"It had not answered after {ANSWER_SECONDS} s, so this machine is busy or slow."
        ) from None
    except ServerDidNotStart as error:
        raise Skipped(f"It was not up after {START_SECONDS} s. {error}") from None
    except DomainError as error:
        raise Skipped(error.message) from None


async def _asking(user: User) -> GenerationResult:
    return await AIOrchestrator().generate(
        user=user,
        task="extraction",
        prompt=f"{posting_text()}\n\n{_QUESTION}",
        system_prompt=_ROLE,
        max_output_tokens=MOST_TOKENS,
    )
