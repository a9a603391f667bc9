"""Where the values come from, and what decides the shape of an installation."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()
environ.Env.read_env(env.str("ENV_FILE", default=str(BASE_DIR / ".env")))

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var")))
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
# Installations that share a Redis need a prefix each.
REDIS_KEY_PREFIX = env.str("REDIS_KEY_PREFIX", default="aditus")
# Embedded: one machine, no servers to run; HTTPS and secure cookies are a reverse proxy's job there.
EMBEDDED = not DATABASE_URL
