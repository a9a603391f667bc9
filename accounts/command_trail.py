"""What was run by `manage.py`, in the audit trail: whoever has a shell on the machine acts, too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.apps import apps
from django.core.management import get_commands
from django.db import DatabaseError, transaction

from accounts import audit
from accounts.audit import Actor

logger = logging.getLogger(__name__)

# They change nothing in the database, or run until they are stopped and start what enters itself. Any other
# command is entered, whoever wrote it.
CHANGING_NOTHING = frozenset(
    {
        "check", "collectstatic", "compilemessages", "diffsettings", "dumpdata", "findstatic", "help",
        "inspectdb", "makemessages", "makemigrations", "optimizemigration", "run_embedded", "run_local_model",
        "runserver", "sendtestemail", "showmigrations", "spectacular", "sqlflush",
        "sqlmigrate", "sqlsequencereset", "squashmigrations", "startapp", "startproject", "test",
        "testserver", "verify_audit",
    }
)  # fmt: skip
_ONLY_LOOKING = frozenset({"-h", "--help", "--version", "--plan", "--check", "--dry-run"})


@contextmanager
def entered(argv: Sequence[str]) -> Iterator[None]:
    """Run a command line inside: it leaves an entry, and `outcome` says whether it failed. One that has
    written entries of its own needs no other."""
    has_failed = True
    try:
        yield
        has_failed = False
    except SystemExit as end:
        has_failed = bool(end.code)
        raise
    finally:
        name = argv[1] if len(argv) > 1 else "help"
        # Without them a command has done nothing: the settings did not load, or nobody knows it.
        is_known = apps.ready and name in get_commands()
        if is_known and name not in CHANGING_NOTHING and not _ONLY_LOOKING & set(argv[2:]):
            _enter(name, argv[2:], outcome="failed" if has_failed else "done")


def _enter(name: str, arguments: Sequence[str], *, outcome: str) -> None:
    actor = Actor.of_command(name)
    if outcome == "done" and audit.has_entered(actor):
        return
    try:
        audit.record_alone(
            action="command.run",
            actor=actor,
            target_label=" ".join([name, *_without_values(arguments)]),
            outcome=outcome,
        )
    except (DatabaseError, transaction.TransactionManagementError):
        # No database, or no tables yet: a command that needs them has said so itself.
        logger.warning("The command %s could not be entered in the audit trail", name)
        sys.stderr.write(f"{name} could not be entered in the audit trail: the database cannot be written.\n")


def _without_values(arguments: Sequence[str]) -> list[str]:
    """Options by name, and whom a command is about; any other value may be a secret."""
    options = [argument.partition("=")[0] for argument in arguments if argument.startswith("-")]
    people = [argument for argument in arguments if "@" in argument and not argument.startswith("-")]
    return [*people, *options]
