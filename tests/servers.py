"""Servers of a test's own, to be stopped, frozen and started again on the same port."""

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import redis

from tests.ports import free_port
from tests.waiting import PATIENCE_SECONDS, wait_until


class OwnRedis:
    def __init__(self, folder):
        self.port, self._folder, self._process = free_port(), folder, None
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        wait_until(self.answers)

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def freeze(self):
        """It keeps its connections and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def answers(self):
        try:
            return redis.Redis.from_url(self.url).ping()
        except redis.RedisError:
            return False


@contextmanager
def own_redis(folder):
    """A running redis-server, whose files are in `folder`."""
    server = OwnRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class OwnPostgres:
    """Runs as the user postgres where we are root, which PostgreSQL refuses to run as."""

    def __init__(self, folder):
        self.port, self._data = free_port(), Path(folder) / "postgres"
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def initialise(self):
        self._data.mkdir()
        if os.geteuid() == 0:
            self._data.parent.chmod(0o755)
            shutil.chown(self._data, "postgres")
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")

    def start(self):
        options = f"-p {self.port} -k '' -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self._data / "server.log"), "-o", options, "start")
        wait_until(self.answers)

    def stop(self):
        """At once, cutting every connection."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def _run(self, program, *arguments):
        command = [str(postgres_programs() / program), "-D", str(self._data), *arguments]
        identity = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **identity)

    def answers(self):
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def own_postgres():
    """A running PostgreSQL with an empty database."""
    # Not in tmp_path, whose parents are closed to everybody but us.
    with TemporaryDirectory(prefix="aditus-tests-") as folder:
        server = OwnPostgres(folder)
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            if server.answers():
                server.stop()


def postgres_programs():
    """The folder of initdb and pg_ctl, or None. Debian keeps it off the path."""
    on_path = shutil.which("pg_ctl")
    if on_path and shutil.which("initdb"):
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None
