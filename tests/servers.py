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


class OwnStandby(OwnPostgres):
    """A streaming standby, which answers questions and takes no writes."""

    def copy(self, primary):
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self._data, "postgres")
        # Streamed from then on by the same address (-R).
        self._run("pg_basebackup", "-d", primary.url, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def pause(self):
        """It goes on receiving, and shows nothing new."""
        self._tell("SELECT pg_wal_replay_pause()")

    def resume(self):
        self._tell("SELECT pg_wal_replay_resume()")

    def _tell(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def own_standby(primary):
    """A running standby of `primary`."""
    with TemporaryDirectory(prefix="aditus-tests-") as folder:
        Path(folder).chmod(0o755)
        server = OwnStandby(folder)
        server.copy(primary)
        server.start()
        try:
            yield server
        finally:
            if server.answers():
                server.stop()


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


PGBOUNCER = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = watcher
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 500
server_idle_timeout = 1
"""


class OwnPgBouncer:
    """PgBouncer in transaction mode, in front of the server that `found` (Django's settings) names."""

    def __init__(self, port, found, *, sessions):
        self.port = port
        self.url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        given = {"HOST": "127.0.0.1", "PORT": "5432", "USER": "postgres"}
        given |= {part: found[part] for part in (*given, "PASSWORD") if found[part]}
        server = " ".join(f"{part.lower()}={value}" for part, value in given.items())
        self.configuration = PGBOUNCER.format(server=server, port=port, sessions=sessions)

    def freeze(self):
        """It keeps its connections, takes new ones, and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def shows(self, what):
        """The rows of `SHOW …` on its console."""
        address = f"postgres://watcher@127.0.0.1:{self.port}/pgbouncer"
        with psycopg.connect(address, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute(f"SHOW {what}")
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def answers(self):
        try:
            return bool(self.shows("VERSION"))
        except psycopg.Error:
            return False


@contextmanager
def own_pgbouncer(found, *, sessions):
    """A running PgBouncer with at most so many sessions of the server."""
    bouncer = OwnPgBouncer(free_port(), found, sessions=sessions)
    with TemporaryDirectory(prefix="aditus-tests-") as folder:
        configuration = Path(folder) / "pgbouncer.ini"
        configuration.write_text(bouncer.configuration)
        # It refuses to run as root.
        identity = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        Path(folder).chmod(0o755)
        process = subprocess.Popen(["pgbouncer", "--quiet", str(configuration)], **identity)
        bouncer.process = process
        try:
            wait_until(lambda: bouncer.answers() or process.poll() is not None)
            yield bouncer
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)


def postgres_programs():
    """The folder of initdb, pg_ctl and pg_basebackup, or None. Debian keeps it off the path."""
    on_path = shutil.which("pg_basebackup")
    if on_path and (Path(on_path).parent / "initdb").exists():
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None
