"""Real processes on this test's database, driven line by line."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.waiting import wait_until

PROCESSES = 4
APPLICATION = "aditus-test-process"


@contextmanager
def workers(module, **job):
    """Four processes of `tests.concurrency.<module>`, ready to start; what is left is killed at the end."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
    environment = os.environ | {"DATABASE_URL": url.geturl(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    environment["PGAPPNAME"] = APPLICATION
    environment["REDIS_URL"], environment["REDIS_KEY_PREFIX"] = settings.REDIS_URL, settings.REDIS_KEY_PREFIX
    command = [sys.executable, "-m", f"tests.concurrency.{module}", json.dumps(job)]
    processes = [
        subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for process in processes:
            assert heard_from(process) == "ready"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def start(processes):
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()


def kill(processes):
    """kill -9, and wait until PostgreSQL has noticed: it still ends what a dead client had begun."""
    for process in processes:
        process.kill()
        process.wait()
    wait_until(lambda: sessions_of_processes() == 0, else_say="PostgreSQL keeps the sessions of the dead")


def sessions_of_processes():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = %s",
            [APPLICATION],
        )
        return cursor.fetchone()[0]


def heard_from(process):
    return json.loads(process.stdout.readline())


def answers_of(module, **job):
    with workers(module, **job) as processes:
        start(processes)
        return [heard_from(process) for process in processes]
