"""Usage rows as compressed CSV, one file a chunk, for rows that are about to be deleted.

A file is there whole or not at all, and readable by its owner alone. A null is an empty field without quotes,
as PostgreSQL's `COPY ai_provider_usage_logs (…) FROM … WITH (FORMAT csv, HEADER)` takes it.
"""

from __future__ import annotations

import csv
import fcntl
import gzip
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from usage.models import AIProviderUsageLog

COLUMNS = tuple(field.attname for field in AIProviderUsageLog._meta.concrete_fields)


class ArchiveDamaged(Exception):
    """A file that is not what was written. The message names it."""


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """The directory, made if need be, for one process at a time; BlockingIOError where another has it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def files_of(directory: Path, day: date) -> list[Path]:
    return sorted(directory.glob(f"usage-{day:%Y-%m-%d}-*.csv.gz"))


def write(directory: Path, day: date, rows: Iterable[AIProviderUsageLog]) -> Path:
    """The rows in a new file of that day, which is on the disk when this returns. OSError if it cannot be; no
    file that is there is written over."""
    path = directory / f"usage-{day:%Y-%m-%d}-{_next_number(directory, day):05}.csv.gz"
    unfinished = path.with_suffix(".part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
            packed.write((",".join(COLUMNS) + "\n").encode())
            for row in rows:
                packed.write((",".join(map(_quoted, fields_of(row))) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        raise FileExistsError(f"{path} was put there meanwhile, and its rows may be nowhere else.")
    unfinished.rename(path)
    _sync(directory)
    return path


def _next_number(directory: Path, day: date) -> int:
    """After the highest that is there: an operator may have taken some of them elsewhere."""
    ends = (path.name.removesuffix(".csv.gz").rpartition("-")[2] for path in files_of(directory, day))
    return 1 + max((int(end) for end in ends if end.isdecimal()), default=0)


def digests(path: Path) -> dict[int, bytes]:
    """Id -> digest of the row in the file. ArchiveDamaged when it cannot be read to its end."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            if tuple(next(reader, ())) != COLUMNS:
                raise ArchiveDamaged(f"{path} has other columns than the usage log.")
            return {int(fields[0]): _digest(fields) for fields in reader}
    except (OSError, EOFError, ValueError, IndexError, csv.Error) as error:
        raise ArchiveDamaged(f"{path} cannot be read.") from error


def digest_of(row: AIProviderUsageLog) -> bytes:
    return _digest("" if field is None else field for field in fields_of(row))


def fields_of(row: AIProviderUsageLog) -> list[str | None]:
    return [_text(getattr(row, name)) for name in COLUMNS]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return str(value)


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def _digest(fields: Iterable[str]) -> bytes:
    return sha256(json.dumps(list(fields)).encode()).digest()


def _sync(directory: Path) -> None:
    """So that the new name outlives a power cut, too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
