#!/usr/bin/env python3
"""Installs a fresh clone, on each supported Python of this machine, by its oldest pip and by the newest.

    python3 .ci/install.py                     the installations
    python3 .ci/install.py make demo           and a command in each clone
    python3 .ci/install.py --python python3.12 on this one only; may stand several times

Each lock is installed twice: from the registry, and from a folder in which every locked package has a newer
release beside it, as the registry will have one day. Needs the registry, so it is no part of the suite.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
TARGETS = (".venv/.installed", ".venv/.installed-dev")
# The pip that came with a Python's first release. Later ones are tried as the machine's own Python has them.
FIRST_PIP = {(3, 11): "22.3", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}
PIP = (".venv/bin/python", "-m", "pip")
# Higher than any release, whether it counts or is called after a year.
NEWER = "99999"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", action="append", help="an interpreter; by default python3.11 and on")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="run in each clone")
    options = parser.parse_args()
    names = options.python or [f"python{major}.{minor}" for major, minor in FIRST_PIP]
    failed, tried = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for python, version in _found(names):
            for pip in (FIRST_PIP.get(version, ""), "newest"):
                tried += 1
                title = f"Python {version[0]}.{version[1]}, pip {pip or 'as it comes'}"
                if not _try(title, python, pip, Path(folder), options.command):
                    failed.append(title)
    sys.stdout.write(f"{tried - len(failed)} of {tried} installations worked.\n")
    return 1 if failed or not tried else 0


def _found(names: list[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    question = "import sys, ensurepip, venv; print(*sys.version_info[:2])"
    for name in names:
        try:
            reply = subprocess.run(  # noqa: S603
                [name, "-c", question], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            sys.stdout.write(f"{name}: not here, left out\n")
            continue
        major, minor = map(int, reply.split())
        yield name, (major, minor)


def _try(title: str, python: str, pip: str, folder: Path, command: list[str]) -> bool:
    """Whether the locks install in a new clone, and the command after them; prints how it went."""
    clone, log = folder / "clone", folder / "log"
    try:
        with log.open("wb") as output:
            _run(["git", "clone", "--quiet", str(ROOT), str(clone)], folder, output)
            # What is being worked on, not what is committed.
            for file in (*LOCKS, "Makefile"):
                shutil.copy(ROOT / file, clone)
            _virtual_environment(python, pip, clone, output)
            _run(["make", *TARGETS], clone, output)
            if command:
                _run(command, clone, output)
            releases = folder / "releases"
            _download(clone, releases, output)
            _add_newer(releases)
            # What comes as source is built with the newest setuptools, which no lock names.
            _run([*PIP, "download", "--quiet", "--dest", str(releases), "setuptools"], clone, output)
            _virtual_environment(python, pip, clone, output)
            alone = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(releases), "PIP_CONFIG_FILE": os.devnull}
            _run(["make", *TARGETS], clone, output, alone)
    except subprocess.CalledProcessError as error:
        sys.stdout.write(f"{title}: FAILED in {error.cmd}\n{log.read_text()[-3000:]}\n")
        return False
    else:
        sys.stdout.write(f"{title}: installed, also with newer releases of everything\n")
        return True
    finally:
        sys.stdout.flush()
        for leftover in (clone, folder / "releases"):
            shutil.rmtree(leftover, ignore_errors=True)


def _virtual_environment(python: str, pip: str, clone: Path, output: IO[bytes]) -> None:
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    _run(["make", f"PYTHON={python}", ".venv/bin/python"], clone, output)
    if pip:
        wanted = ["--upgrade", "pip"] if pip == "newest" else [f"pip=={pip}"]
        _run([*PIP, "install", *wanted], clone, output)
    _run([*PIP, "--version"], clone, output)


def _download(clone: Path, releases: Path, output: IO[bytes]) -> None:
    for lock in LOCKS:
        _run(
            [*PIP, "download", "--quiet", "--require-hashes", "--no-deps",
             "--dest", str(releases), "-r", lock], clone, output,
        )  # fmt: skip


def _add_newer(releases: Path) -> None:
    """Beside each package a newer release of it, which would import as nothing."""
    for name in {file.name.split("-")[0] for file in releases.iterdir()}:
        info = f"{name}-{NEWER}.dist-info"
        with zipfile.ZipFile(releases / f"{name}-{NEWER}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


def _run(
    command: Sequence[str], folder: Path, output: IO[bytes], environment: dict[str, str] | None = None
) -> None:
    subprocess.run(  # noqa: S603
        command, cwd=folder, env=os.environ | (environment or {}), stdout=output, stderr=output, check=True
    )


if __name__ == "__main__":
    sys.exit(main())
