"""What the web processes take of the machine: memory, files, and connections of the database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import stage


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory in MiB: `resident` of some workers, each with all that it shares; `whole` of the server, its
    parent and all workers, with each shared page counted once (PSS)."""

    calls: int
    resident: float
    whole: float
    files: int
    connections: int


def footprint(parent: int, workers: Sequence[int], *, calls: int) -> Footprint:
    """After so many calls; files are those of these workers, connections those of all."""
    return Footprint(
        calls,
        resident=sum(_mib(pid, "Rss") for pid in workers),
        whole=sum(_mib(pid, "Pss") for pid in (parent, *workers_of(parent))),
        files=sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in workers),
        connections=stage.database_connections(),
    )


def web_parent() -> int:
    """The web server that this process has started."""
    [parent] = [pid for pid in children(os.getpid()) if b"aditus.web" in _command(pid)]
    return parent


def workers_of(parent: int) -> list[int]:
    """The processes of a web server that answer."""
    return sorted(pid for pid in children(parent) if b"aditus.web" in _command(pid))


def children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _mib(pid: int, kind: str) -> float:
    """By proc(5); nothing for a process that has just died."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")) / 1024
