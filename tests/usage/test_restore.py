"""A backup made and restored by the commands of docs/operations/backup.md is the same installation."""

import os
import re
import subprocess
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.audit import Actor, record_alone
from accounts.concurrency import run
from orchestration.calls.orchestrator import AIOrchestrator
from providers.models import AIProviderConfig
from tests.books import counters, sums_of_rows
from tests.cluster.machines import orm_on
from tests.factories import make_config, make_user
from tests.servers import postgres_programs
from usage.models import AIProviderUsageLog

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(postgres_programs() is None, reason="needs pg_dump and pg_restore"),
]

PAGE = settings.BASE_DIR / "docs" / "operations" / "backup.md"
KEY = "sk-restore-0123456789abcdef"


@pytest.fixture
def restored_url():
    """An empty database beside the tests', gone afterwards."""
    name, here = f"{connection.settings_dict['NAME']}_restored", url_of("postgres")
    with psycopg.connect(here, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield url_of(name)
    with psycopg.connect(here, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def url_of(name):
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def command(program):
    """The line of the page that calls it."""
    (line,) = re.findall(rf"^    ({program} .*)$", PAGE.read_text(), re.MULTILINE)
    return line


def back_up_and_restore(url, folder):
    environment = os.environ | {
        "PATH": f"{postgres_programs()}:{os.environ['PATH']}",
        "DATABASE_URL": url_of(connection.settings_dict["NAME"]),
        "RESTORED_URL": url,
        "BACKUP": str(folder / "aditus.dump"),
    }
    for program in ("pg_dump", "pg_restore"):
        subprocess.run(["bash", "-c", command(program)], env=environment, check=True)


def state():
    """What has to be the same: rows with their sums, counters, and whose key is sealed."""
    rows = sorted(
        AIProviderUsageLog.objects.values_list("id", "status", "total_tokens", "estimated_cost_usd")
    )
    (config,) = AIProviderConfig.objects.all()
    return rows, sums_of_rows(), counters(), config.api_key_encrypted.reveal()


def test_sums_counters_keys_and_chain_are_the_same(sandbox, tmp_path, restored_url, capsys):
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, api_key=KEY)
    user = make_user("alice@example.com")
    for number in range(3):
        run(AIOrchestrator().generate(user=user, task="chat", prompt=f"Say {number}."))
        record_alone(action="test.done", actor=Actor.system(), target_label=str(number), changes={})
    call_command("verify_audit")
    anchor = capsys.readouterr().out.split()[-1]
    before = state()

    back_up_and_restore(restored_url, tmp_path)

    with orm_on(restored_url):
        assert state() == before
        assert len(before[0]) == 3
        assert before[3] == KEY
        call_command("verify_audit", anchor=anchor)
        call_command("migrate", check_unapplied=True, verbosity=0)


def test_a_trail_that_was_changed_on_the_way_does_not_verify(tmp_path, restored_url):
    """The negative control."""
    for number in range(3):
        record_alone(action="test.done", actor=Actor.system(), target_label=str(number), changes={})
    back_up_and_restore(restored_url, tmp_path)

    with orm_on(restored_url):
        with psycopg.connect(restored_url) as changed:
            changed.execute("SET session_replication_role = replica")
            changed.execute("UPDATE audit_entries SET target_label = 'another' WHERE target_label = '1'")
        with pytest.raises(CommandError, match="Broken at entry"):
            call_command("verify_audit")
