"""Many machines on one: web processes, workers and beats, with production's settings, on a Redis and a
PostgreSQL of their own, which has a standby and PgBouncer before it where that is installed. The
tests' own process has the same database, through the ORM and past PgBouncer."""

import os
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection, connections

from accounts.concurrency import run
from tests.cluster.proxy import proxy
from tests.ports import free_port
from tests.servers import own_pgbouncer, own_postgres, own_redis, own_standby
from tests.services import has_pgbouncer
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.ledger.connections import close_pool

# Seconds by which the standby may lag for each web process: the last one is never told to wait for it.
LAGS = (3600, 3600, 0)
# Of PostgreSQL, for three web processes of ten connections each, and for the workers and beats.
SESSIONS = 12
CELERY = [sys.executable, "-m", "celery", "-A", "aditus"]


class Process:
    """One that can be killed, told to end, and started again."""

    def __init__(self, command, environment, folder):
        self._command, self._environment = command, environment
        self._log = Path(folder) / "log"
        self.start()

    def start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stderr=log, stdout=log)

    def kill(self):
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def terminate(self):
        """SIGTERM, and wait until it has gone by itself."""
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)

    def said(self):
        return self._log.read_text(errors="replace")

    @property
    def runs(self):
        return self._process.poll() is None


class Web(Process):
    def __init__(self, environment, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "uvicorn", "aditus.asgi:application", "--port", str(self.port)]
        super().__init__(command, environment, folder)

    def wait_until_ready(self):
        wait_until(lambda: not self.runs or self._is_ready())
        assert self.runs, self.said()

    def _is_ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=PATIENCE_SECONDS) as reply:
                return reply.status == 200
        except OSError:
            return False


class Machines:
    def __init__(self, *, database, pooler, standby, redis, folder):
        self.database, self.pooler, self.standby = database, pooler, standby
        self._folder, self._stack, self._count = folder, ExitStack(), 0
        self._environment = os.environ | {
            "DATABASE_URL": (pooler or database).url,
            "DATABASE_POOLER": str(pooler is not None),
            "REPLICA_DATABASE_URL": standby.url,
            "REDIS_URL": redis.url,
            "DATABASE_POOL_SIZE": "6",
            "DJANGO_SETTINGS_MODULE": "aditus.settings",
            "MFA_REQUIRED": "false",
            "LOG_LEVEL": "WARNING",
        }

    def web(self, **environment):
        return self._started(Web, **environment)

    def worker(self, **environment):
        name = f"worker{self._count}@here"
        command = [*CELERY, "worker", "--pool", "threads", "--concurrency", "4", "-n", name]
        return self._started(Process, command, **environment)

    def beat(self):
        return self._started(Process, [*CELERY, "beat"])

    def _started(self, kind, *arguments, **environment):
        folder = self._folder / str(self._count)
        folder.mkdir()
        self._count += 1
        own = self._environment | {"DATA_DIR": str(folder)} | environment
        process = kind(*arguments, own, folder)
        self._stack.callback(process.kill)
        return process

    def close(self):
        self._stack.close()


def pooler_of(database):
    """PgBouncer in front of it, of which the ledger and the ORM of all processes share the sessions; else
    None."""
    if not has_pgbouncer():
        return nullcontext()
    found = {"HOST": "127.0.0.1", "PORT": database.port, "USER": "postgres", "PASSWORD": ""}
    return own_pgbouncer(found, sessions=SESSIONS)


@contextmanager
def machines(folder):
    """Servers, and no process yet; the ORM of this process is on their database, which is furnished."""
    with (
        own_postgres() as database,
        pooler_of(database) as pooler,
        own_standby(database) as standby,
        own_redis(folder) as redis,
        orm_on(database.url),
    ):
        call_command("migrate", verbosity=0)
        found = Machines(database=database, pooler=pooler, standby=standby, redis=redis, folder=folder)
        try:
            yield found
        finally:
            found.close()


@contextmanager
def three_webs(found):
    """The web processes, all ready, and the proxy before them."""
    webs = [found.web(REPLICA_MAX_LAG_SECONDS=str(lag)) for lag in LAGS]
    for web in webs:
        web.wait_until_ready()
    with proxy(*(web.port for web in webs)) as before:
        yield webs, before


@contextmanager
def orm_on(url):
    """The ORM and the ledger of this process, on another database for a while."""
    parts, settings = urlsplit(url), connections.settings["default"]
    there = {"HOST": parts.hostname, "PORT": parts.port, "NAME": parts.path[1:], "USER": parts.username}
    here = {name: settings[name] for name in there}
    _leave_the_database()
    settings.update(there)
    try:
        yield
    finally:
        _leave_the_database()
        settings.update(here)


def _leave_the_database():
    run(close_pool())
    connection.close()
    connection.close_pool()
