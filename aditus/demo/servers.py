"""The processes the demo needs, each up and answering before it goes on."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from django.conf import settings

from aditus.demo.seeds import LOCAL_PORT, SANDBOX_PORT
from aditus.supervisor import Supervisor

HOST = "127.0.0.1"
START_SECONDS = 60
# Provider -> (command, port, the path that says it is up).
MODEL_SERVERS = {
    "local": ("run_local_model", LOCAL_PORT, "/health"),
    "sandbox": ("run_sandbox", SANDBOX_PORT, "/_sandbox/hits"),
}


class ServerDidNotStart(Exception):
    """The message says which one and where it wrote why."""


@contextmanager
def demo_servers(provider: str, *, job_board: str) -> Iterator[str]:
    """Run the provider's server, where it is one of ours, and the API; yields the API's root URL.

    A model server that is up already (`make run` in another window) is used as it is.
    """
    log = settings.DATA_DIR / "demo-servers.log"
    with log.open("wb") as output, Supervisor() as supervisor:
        if provider in MODEL_SERVERS:
            command, port, path = MODEL_SERVERS[provider]
            if not _answers(port, path):
                supervisor.start(
                    provider, [sys.executable, _manage(), command, "--port", str(port)], output=output
                )
                _wait_for(supervisor, provider, port, path, log=str(log))
        port = _free_port()
        supervisor.start(
            "API",
            [sys.executable, "-m", "uvicorn", "aditus.asgi:application", "--host", HOST, "--port", str(port)],
            env={**os.environ, "EXTRACTION_ALLOWED_PRIVATE_HOSTS": job_board},
            output=output,
        )
        _wait_for(supervisor, "API", port, "/readyz", log=str(log))
        yield f"http://{HOST}:{port}"


def _manage() -> str:
    return str(settings.BASE_DIR / "manage.py")


def _wait_for(supervisor: Supervisor, name: str, port: int, path: str, *, log: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and supervisor.exit_status(name) is None:
        if _answers(port, path):
            return
        time.sleep(0.1)
    raise ServerDidNotStart(f"The {name} server did not start on port {port}; {log} says why.")


def _answers(port: int, path: str) -> bool:
    # Not through a proxy of the environment's: the answer must be this machine's own.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}{path}", timeout=2) as response:
            return bool(response.status == 200)
    except (HTTPError, URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
