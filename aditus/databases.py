"""How Django connects to each database and cache that Aditus runs on."""

from pathlib import Path
from typing import Any

import environ


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # IMMEDIATE takes the write lock at BEGIN, so a reserve waits its turn instead of failing
            # with "database is locked" when it upgrades from a read lock.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def server(url: str, *, pool_size: int) -> dict[str, Any]:
    """The database at `url`; one that is PostgreSQL gets up to `pool_size` connections per process."""
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if config["ENGINE"] == "django.db.backends.postgresql":
        config["ENGINE"] = "aditus.postgresql"
        options = config.setdefault("OPTIONS", {})
        options["pool"] = {
            "min_size": 0,
            "max_size": pool_size,
            "timeout": 10,
            # Seconds until an attempt to connect is given up and the next call makes a new one. An attempt
            # waits twice as long after each failure, so the end of an outage would be noticed very late.
            "reconnect_timeout": 3,
        }
        options.setdefault("connect_timeout", 5)
    return config


def redis_cache(url: str, *, prefix: str) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": prefix,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
