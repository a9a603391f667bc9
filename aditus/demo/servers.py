"""The processes the demo needs, each up and answering before it goes on."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from django.conf import settings

from aditus.demo.seeds import LOCAL_PORT, SANDBOX_PORT
from aditus.supervisor import Supervisor

HOST = "127.0.0.1"
# A machine with other work to do may be slow; one that does not get it up at all is told so at some time.
START_SECONDS = 300
# Provider -> (how Python runs it, port, the path that says it is up).
MODEL_SERVERS = {
    "local": ([str(settings.BASE_DIR / "manage.py"), "run_local_model"], LOCAL_PORT, "/health"),
    "sandbox": (["-m", "sandbox"], SANDBOX_PORT, "/_sandbox/hits"),
}


class ServerDidNotStart(Exception):
    """The message says which one and where it wrote why."""


class Servers:
    """Each is started at once and waited for when it is needed. Use as a context manager: leaving it stops
    them all. What they print goes to files in DATA_DIR."""

    def __enter__(self) -> Servers:
        self._stack = ExitStack()
        self._supervisor = self._stack.enter_context(Supervisor())
        self._ports: dict[str, tuple[int, str]] = {}
        self._started: set[str] = set()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start_models(self, provider: str) -> None:
        """The server of "sandbox" or "local". One that is up already (`make run` in another window) is used
        as it is."""
        command, port, path = MODEL_SERVERS[provider]
        self._ports[provider] = port, path
        if not _answers(port, path):
            self._start(provider, [*command, "--port", str(port)])

    def start_api(self, *, job_board: str) -> None:
        port = _free_port()
        self._ports["API"] = port, "/readyz"
        command = ["-m", "uvicorn", "aditus.asgi:application", "--host", HOST, "--port", str(port)]
        self._start("API", command, EXTRACTION_ALLOWED_PRIVATE_HOSTS=job_board)

    def root_of(self, name: str, *, seconds: float = START_SECONDS) -> str:
        """The root URL of a server that was started, once it answers; `name` is "API", "sandbox" or "local".
        Raises ServerDidNotStart when it does not within so many seconds."""
        port, path = self._ports[name]
        deadline = time.monotonic() + seconds
        while not _answers(port, path):
            ended = name in self._started and self._supervisor.exit_status(name) is not None
            if ended or time.monotonic() > deadline:
                raise ServerDidNotStart(
                    f"The {name} server did not start on port {port}; {_log(name)} says why."
                )
            time.sleep(0.1)
        return f"http://{HOST}:{port}"

    def _start(self, name: str, command: list[str], **environment: str) -> None:
        output = self._stack.enter_context(_log(name).open("wb"))
        self._supervisor.start(
            name, [sys.executable, *command], env={**os.environ, **environment}, output=output
        )
        self._started.add(name)


def _log(name: str) -> Path:
    path: Path = settings.DATA_DIR / f"demo-{name.lower()}.log"
    return path


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
