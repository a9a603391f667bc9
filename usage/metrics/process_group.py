"""The folder through which the processes of one server add up their counts.

A server may be several processes behind one port, of which a scrape reaches any. prometheus_client's answer
is a folder of small files mapped into memory, one process each, which whoever is asked adds up. This is that
folder: made by the first process of a group, named for the process that leads it, and removed by the next
that starts after the leader has ended, because a count that outlives its server would be counted twice.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import socket
from pathlib import Path


def folder_of_group(base: Path) -> Path:
    """Where this process and those that share a parent with it, as uvicorn's workers do, or that it forks
    itself, leave their counts. Not made yet."""
    parent = multiprocessing.parent_process()
    leader = (parent.pid if parent else None) or os.getpid()
    return base / f"{socket.gethostname()}-{leader}-{_began(leader)}"


def make(folder: Path) -> None:
    """Make the folder, and remove those beside it whose groups have ended on this machine."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        host, leader, began = [*other.name.rsplit("-", 2), "", ""][:3]
        is_ours = host == socket.gethostname() and leader.isdigit()
        if is_ours and _began(int(leader)) != began:
            shutil.rmtree(other, ignore_errors=True)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _began(pid: int) -> str:
    """When the process began, in the kernel's ticks, which tells it from another with the same id; empty for
    one that has ended, 0 where the system does not tell."""
    if not is_running(pid):
        return ""
    try:
        # The second field, a name, may contain anything; the rest is numbers (proc(5)).
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"
