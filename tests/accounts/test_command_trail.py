"""Every command that changes something is in the audit trail, and every entry's hash is in the log."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts import audit
from accounts.audit import Actor
from accounts.command_trail import entered
from accounts.models import AuditEntry
from aditus.logs import JsonFormatter

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch):
    monkeypatch.setattr(audit, "_commands_entered", set())


def entries():
    fields = ("door", "actor_email", "action", "target_label", "outcome")
    return list(AuditEntry.objects.order_by("number").values_list(*fields))


def test_createsuperuser_is_entered(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")

    call_command("createsuperuser", email="first@example.com", interactive=False, verbosity=0)

    entry = AuditEntry.objects.get()
    assert (entry.door, entry.actor_email) == ("command", "manage.py createsuperuser")
    assert (entry.action, entry.target_label) == ("user.created", "first@example.com")
    assert entry.changes["role"] == [None, "SUPER_ADMIN"]
    assert "correct horse" not in json.dumps(entry.changes)


def test_seeding_the_first_provider_is_entered_with_what_it_changed(settings):
    key = "AIzaSyD0123456789012345678901234567890"
    settings.PROVIDER_ENVIRONMENT = settings.PROVIDER_ENVIRONMENT | {
        "gemini": {"api_key": key, "model_fast": "gemini-2.5-flash", "model_quality": "gemini-2.5-pro"}
    }

    call_command("seed_gemini_provider")
    call_command("seed_gemini_provider")
    call_command("seed_gemini_provider", "--force")

    created, rotated = AuditEntry.objects.order_by("number")
    assert (created.action, created.actor_email) == ("provider.created", "manage.py seed_gemini_provider")
    assert created.changes["model_name"] == [None, "gemini-2.5-flash"]
    assert rotated.action == "provider.key_rotated"
    assert key not in json.dumps([created.changes, rotated.changes])


def test_seeding_the_demo_is_entered(settings):
    settings.EMBEDDED = True

    call_command("seed_demo", "--provider", "sandbox")

    entry = AuditEntry.objects.get(action="demo.seeded")
    assert (entry.door, entry.changes["provider"]) == ("command", [None, "sandbox"])


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        (["sweep_usage"], "sweep_usage"),
        (["clearsessions", "--verbosity", "0"], "clearsessions --verbosity"),
        (["changepassword", "a@example.com"], "changepassword a@example.com"),
        (["loaddata", "--database=s3cret", "/home/me/s3cret.json"], "loaddata --database"),
    ],
)
def test_any_other_command_is_entered_without_the_values_of_its_options(arguments, label):
    with entered(["manage.py", *arguments]):
        pass

    assert entries() == [("command", f"manage.py {arguments[0]}", "command.run", label, "done")]


def test_one_that_fails_is_entered_as_such():
    with pytest.raises(SystemExit), entered(["manage.py", "sweep_usage"]):
        raise SystemExit(1)

    assert entries()[0][-1] == "failed"


@pytest.mark.parametrize(
    "arguments",
    [[], ["check"], ["migrate", "--plan"], ["flush", "--help"], ["no_such_command"], ["runserver"]],
)
def test_who_only_looks_is_not(arguments):
    with entered(["manage.py", *arguments]):
        pass

    assert entries() == []


def test_who_has_written_an_entry_needs_no_other(django_capture_on_commit_callbacks):
    with entered(["manage.py", "sign_out"]), django_capture_on_commit_callbacks(execute=True):
        audit.record_alone(action="user.signed_out_everywhere", actor=Actor.of_command("sign_out"))

    assert [action for _, _, action, _, _ in entries()] == ["user.signed_out_everywhere"]


def test_every_entry_says_its_number_and_hash_to_the_log(django_capture_on_commit_callbacks, caplog):
    with caplog.at_level(logging.INFO, "accounts.audit"), django_capture_on_commit_callbacks(execute=True):
        entry = audit.record_alone(action="test.made", actor=Actor.system())

    line = json.loads(JsonFormatter().format(next(r for r in caplog.records if r.name == "accounts.audit")))
    assert (line["audit_number"], line["audit_hash"]) == (entry.number, entry.hash)
    assert settings.LOGGING["loggers"]["accounts.audit"] == {"level": "INFO"}


@pytest.mark.any_database
@pytest.mark.processes
def test_the_command_line_itself_leaves_them(tmp_path):
    """A real process on an empty database, as an operator starts it."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "aditus.settings",
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "REDIS_URL": "",
    }

    def manage(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True
        )

    migrated = manage("migrate", "--verbosity", "0")
    verified = manage("verify_audit")

    assert '"audit_number": 1' in migrated.stderr
    assert verified.stdout.startswith("1 entries hold.")
