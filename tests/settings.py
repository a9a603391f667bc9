"""Settings of the test suite: the real ones, with fixed secrets and a database per suite.

DATABASE_URL decides the backend as in production, so the same suite runs on SQLite and on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile

# Neither a developer's .env nor real keys in the environment may change what is tested.
os.environ["ENV_FILE"] = os.devnull
os.environ.setdefault("SECRET_KEY", "test-only-secret-key-0123456789-0123456789-0123456789")
os.environ.setdefault("FERNET_KEYS", "cJ0mMXTxKuwXYuWJZ9KZVzIYIGyUbHkGTNd3IFm4H5c=")
if "DATA_DIR" not in os.environ:
    # Parallel workers and child processes inherit it; the process that made it takes it away again.
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="aditus-tests-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
os.environ["SECURE_SSL_REDIRECT"] = "false"

from providers.registry import key_variables

os.environ.update(dict.fromkeys(key_variables(), ""))

from aditus.settings import *  # noqa: F403
from aditus.settings import CACHES, DATA_DIR, DATABASES, EMBEDDED

# The tests of the second factor turn it on.
MFA_REQUIRED = False
# Tests of alerts about workers turn it on.
WORKERS_EXPECTED = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Production gives up soon on a server that is slow. Here a busy machine would fail tests that way.
_PATIENT_SECONDS = 60
_options = DATABASES["default"].setdefault("OPTIONS", {})
if EMBEDDED:
    # A file, not :memory:, because the ledger writes from threads of its own, as in production.
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
    _options["timeout"] = _PATIENT_SECONDS
elif "pool" in _options:
    _options |= {
        "connect_timeout": _PATIENT_SECONDS,
        "pool": _options["pool"] | {"timeout": _PATIENT_SECONDS},
    }
# Parallel workers share one Redis.
CACHES["default"]["KEY_PREFIX"] = f"test-{os.getpid()}"
if "OPTIONS" in CACHES["default"]:
    CACHES["default"]["OPTIONS"] |= {
        "socket_timeout": _PATIENT_SECONDS,
        "socket_connect_timeout": _PATIENT_SECONDS,
    }
