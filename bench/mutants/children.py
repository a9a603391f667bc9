"""A fork of this process that works with a database of its own."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from django.db import connection, connections

# In the environment: show what children write, to see why one fails.
LOUD = "MUTANTS_LOUD"


def in_child(work: Callable[[], Any], *, patience: float) -> tuple[int | None, str]:
    """What `work` returned in a fork of this process with a database of its own, and what it said; None where
    it took too long."""
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as folder:
        said = Path(folder) / "said"
        child = os.fork()
        if child == 0:
            _be_a_child(work, Path(folder), said)
        status = _wait(child, patience)
        _end_group(child)
        if status is None:
            os.waitpid(child, 0)
        return status, said.read_text() if said.exists() else ""


def _be_a_child(work: Callable[[], Any], folder: Path, said: Path) -> NoReturn:
    try:
        os.setsid()
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
            if LOUD not in os.environ:
                os.dup2(nowhere.fileno(), 2)
        mine = folder / "test.sqlite3"
        shutil.copy(str(connection.settings_dict["NAME"]), mine)
        connections.settings["default"]["NAME"] = connection.settings_dict["NAME"] = str(mine)
        result = work()
        status, text = result if isinstance(result, tuple) else (result, "")
        said.write_text(text)
        os._exit(status)
    except BaseException:  # noqa: BLE001 - a child returns to nobody
        if LOUD in os.environ:
            import traceback

            traceback.print_exc()
        os._exit(3)


def _wait(child: int, patience: float) -> int | None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    return None


def _end_group(child: int) -> None:
    """Also what the tests started and left behind."""
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def _quick_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
