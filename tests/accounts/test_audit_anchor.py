"""The end of the audit trail, kept somewhere else."""

import pytest
from django.core.management import CommandError, call_command
from django.db import models, transaction

from accounts.audit import Actor, record
from accounts.models import AuditEntry, AuditHead

pytestmark = pytest.mark.django_db


def write(number):
    with transaction.atomic():
        return [record(action=f"test.{one}", actor=Actor.system()) for one in range(number)]


def cut_off(entry):
    """As somebody would who may write in the database: the newest entries, and what the head says."""
    models.QuerySet(AuditEntry).filter(number__gt=entry.number)._raw_delete("default")
    AuditHead.objects.update(number=entry.number, hash=entry.hash)


def test_each_run_adds_the_end_of_the_trail_once(tmp_path):
    file = tmp_path / "anchor"
    _, second = write(2)
    for _ in range(2):
        call_command("verify_audit", "--anchor", str(file), "--keep", verbosity=0)
    [third] = write(1)
    call_command("verify_audit", "--anchor", str(file), "--keep", verbosity=0)

    kept = [line.split()[:2] for line in file.read_text().splitlines()]
    assert kept == [[str(second.number), second.hash], [str(third.number), third.hash]]


def test_a_trail_that_was_cut_short_is_found(tmp_path):
    file = tmp_path / "anchor"
    first, _, _ = write(3)
    call_command("verify_audit", "--anchor", str(file), "--keep")
    before = file.read_text()

    cut_off(first)

    call_command("verify_audit")
    with pytest.raises(CommandError, match="not in it any more"):
        call_command("verify_audit", "--anchor", str(file), "--keep")
    assert file.read_text() == before


def test_a_trail_that_was_cut_short_and_grew_again_is_found(tmp_path):
    file = tmp_path / "anchor"
    first, _, _ = write(3)
    call_command("verify_audit", "--anchor", str(file), "--keep")

    cut_off(first)
    write(4)

    with pytest.raises(CommandError, match="not in it any more"):
        call_command("verify_audit", "--anchor", str(file))


@pytest.mark.parametrize("content", ["1 nonsense\n", "\x00\xff", "a b c\n"])
def test_a_file_that_is_no_anchor_is_refused(tmp_path, content):
    file = tmp_path / "anchor"
    file.write_text(content)

    with pytest.raises(CommandError, match="64 hexadecimal digits"):
        call_command("verify_audit", "--anchor", str(file))


def test_an_anchor_that_is_not_there_is_no_success(tmp_path):
    write(1)

    with pytest.raises(CommandError, match="no anchor"):
        call_command("verify_audit", "--anchor", str(tmp_path / "typo"))


def test_only_a_file_can_keep_one():
    [entry] = write(1)

    for anchor in ([], ["--anchor", entry.hash]):
        with pytest.raises(CommandError, match="needs --anchor FILE"):
            call_command("verify_audit", "--keep", *anchor)
