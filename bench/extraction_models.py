"""A real model in the place of the perfect one: the sandbox, or the local model, over HTTP and through the
orchestrator, with a scratch database."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import ProxyHandler, build_opener

from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import Plan, Subscription, User
from bench.extraction_corpus.cases import Case
from extraction.findings import Findings
from extraction.prompts import FactsAnswer, PostingPrompt
from orchestration.calls.orchestrator import AIOrchestrator
from providers.models import AIProviderConfig
from providers.tasks import prompt_of

START_SECONDS = 120
# Name → command, address below the port, provider type, model, path that says it is up, characters shown.
_SERVERS = {
    "sandbox": (["-m", "sandbox"], "/openai/v1", "openai", "sandbox-mini", "/_sandbox/hits", 24_000),
    "local": (["manage.py", "run_local_model"], "/v1", "local", "smollm2-135m", "/health", 5_000),
}


@contextmanager
def asker(name: str) -> Iterator[tuple[object, int]]:
    """What to ask instead of the perfect model, and how many characters of a posting it is shown."""
    command, path, kind, model, probe, most = _SERVERS[name]
    databases = setup_databases(verbosity=0, interactive=False)
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, probe)
        user = _seed(kind, model, f"http://127.0.0.1:{port}{path}")

        async def ask(case: Case, prompt: PostingPrompt, _: Findings) -> FactsAnswer:
            try:
                result = await AIOrchestrator().generate(
                    user=user,
                    task="extraction",
                    prompt=prompt.text,
                    system_prompt=prompt_of("extraction").text("text"),
                    response_model=prompt.form,
                )
            except DomainError as error:
                print(f"{case.name}: {error.code}", file=sys.stderr)
                return FactsAnswer()
            return result.parsed if isinstance(result.parsed, FactsAnswer) else FactsAnswer()

        yield ask, most
    finally:
        process.terminate()
        process.wait(timeout=20)
        connections.close_all()
        teardown_databases(databases, verbosity=0)


def _seed(kind: str, model: str, base_url: str) -> User:
    user = User.objects.create_user("eval@example.com")
    Subscription.objects.create(user=user, plan=Plan.objects.get(slug="paygo"), started_at=timezone.now())
    config = AIProviderConfig(
        provider_type=kind, model_name=model, base_url=base_url, is_default=True, timeout=120
    )
    config.set_api_key("sk-eval-0123456789")
    config.save()
    return user


def _wait(port: int, path: str) -> None:
    opener = build_opener(ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with opener.open(f"http://127.0.0.1:{port}{path}", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"Nothing answers on port {port}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
