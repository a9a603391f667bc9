"""How Django connects to each database and cache that Aditus runs on."""

from pathlib import Path
from typing import Any

import environ

# Seconds, and for the last milliseconds, after which a server that has vanished without a farewell is given
# up, whether something was sent to it or an answer is waited for. The kernel's own take hours.
_GIVEN_UP_AFTER = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
# Milliseconds. Figures are read in tenths of a second.
_LONGEST_QUESTION = 30_000


def sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # IMMEDIATE takes the write lock at BEGIN, so a reserve waits its turn instead of failing
            # with "database is locked" when it upgrades from a read lock.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # What is deleted is overwritten in the file, as some builds of SQLite do anyway.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
        },
    }


def server(url: str, *, pool_size: int, behind_pooler: bool = False) -> dict[str, Any]:
    """The database at `url`; one that is PostgreSQL gets up to `pool_size` connections per process.

    `behind_pooler`: a pooler such as PgBouncer gives a server connection for one transaction at a time, so no
    cursor may outlive one.
    """
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
        config["DISABLE_SERVER_SIDE_CURSORS"] = behind_pooler
        config["OPTIONS"] = _GIVEN_UP_AFTER | options
    return config


def standby(url: str, *, behind_pooler: bool = False) -> dict[str, Any]:
    """A streaming copy of the database. Not pooled: few ask, and one that is away is not to be waited for,
    nor one that takes longer over a question than the primary would be asked for; `behind_pooler` it takes no
    such parameter."""
    config: dict[str, Any] = environ.Env.db_url_config(url)
    patience = {} if behind_pooler else {"options": f"-c statement_timeout={_LONGEST_QUESTION}"}
    config["OPTIONS"] = _GIVEN_UP_AFTER | patience | config.get("OPTIONS", {}) | {"connect_timeout": 3}
    config["DISABLE_SERVER_SIDE_CURSORS"] = behind_pooler
    # In tests it is the primary by another name.
    config["TEST"] = {"MIRROR": "default"}
    return config


def redis_cache(url: str, *, prefix: str) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": prefix,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
