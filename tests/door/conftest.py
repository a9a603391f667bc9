"""Our server over real HTTP, and a person with an access token."""

import threading

import openai
import pytest
import uvicorn

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import Plan
from aditus.asgi import application
from tests.orchestration.conftest import config_at, halfway
from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until

__all__ = ["config_at", "halfway"]


@pytest.fixture(scope="session")
def root():
    """Its address; one server for all tests, in a thread of this process, on this process's database."""
    port = free_port()
    config = uvicorn.Config(application, port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)


@pytest.fixture
def token_for():
    """The secret of a new token of a person's."""

    def make(user, **fields):
        return personal_tokens.create(user=user, name="CI", actor=Actor.system(), **fields)[1]

    return make


@pytest.fixture
def door(root, user, token_for):
    """OpenAI's own client as Alice has it, who has no quota; fields are those of her token."""
    Plan.objects.update(daily_token_limit=None)
    made = []

    def client(kind=openai.OpenAI, *, api_key=None, **fields):
        key = api_key or token_for(user, **fields)
        made.append(kind(base_url=f"{root}/v1", api_key=key, max_retries=0, timeout=PATIENCE_SECONDS))
        return made[-1]

    yield client
    for one in made:
        if isinstance(one, openai.OpenAI):
            one.close()
