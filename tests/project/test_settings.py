"""What the environment decides, and the secrets a new installation is given."""

import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import psycopg
import pytest
import yaml
from cryptography.fernet import Fernet
from django.conf import settings

from aditus.databases import server, sqlite, standby
from aditus.dotenv import write_dotenv
from aditus.environment_keys import provider_environment

pytestmark = pytest.mark.processes

SECRETS = {"SECRET_KEY": "x" * 50, "FERNET_KEYS": "cJ0mMXTxKuwXYuWJZ9KZVzIYIGyUbHkGTNd3IFm4H5c="}


def evaluate(tmp_path, *expressions, **environment):
    """Their values over the real settings, in a process of its own; its stderr when they refuse to load."""
    code = f"import json; from aditus.settings import *; print(json.dumps([{', '.join(expressions)}]))"
    base = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        env=base | environment,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def test_without_urls_everything_is_embedded(tmp_path):
    engine, broker, cache, secure = evaluate(
        tmp_path,
        "DATABASES['default']['ENGINE']",
        "CELERY_BROKER_TRANSPORT",
        "CACHES['default']['BACKEND']",
        "[SECURE_SSL_REDIRECT, SESSION_COOKIE_SECURE, SECURE_HSTS_SECONDS]",
        **SECRETS,
    )

    assert engine == "django.db.backends.sqlite3"
    assert broker == "aditus.broker.FileTransport"
    assert cache == "django.core.cache.backends.locmem.LocMemCache"
    assert secure == [False, False, 0]


def test_what_is_deleted_is_overwritten_in_the_embedded_file(tmp_path):
    """Whatever this build of SQLite does unasked."""
    path, secret = tmp_path / "a.sqlite3", "of Zawadi " * 500
    database = sqlite3.connect(path)
    database.execute("PRAGMA secure_delete=OFF")
    database.executescript(sqlite(path)["OPTIONS"]["init_command"])
    database.execute("CREATE TABLE told (text)")
    database.execute("INSERT INTO told VALUES (?)", [secret])
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = b"Zawadi" in path.read_bytes()

    database.execute("DELETE FROM told")
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    assert held
    assert b"Zawadi" not in path.read_bytes()
    database.close()


def test_two_urls_make_it_the_production_shape(tmp_path):
    database, broker, cache, secure = evaluate(
        tmp_path,
        "DATABASES['default']",
        "CELERY_BROKER_URL",
        "CACHES['default']['BACKEND']",
        "[SECURE_SSL_REDIRECT, SESSION_COOKIE_SECURE, SECURE_HSTS_SECONDS]",
        DATABASE_URL="postgres://aditus:pw@db:5432/aditus",
        REDIS_URL="redis://cache:6379/0",
        **SECRETS,
    )

    assert database["ENGINE"] == "aditus.postgresql"
    pool = {"min_size": 0, "max_size": 16, "timeout": 10, "reconnect_timeout": 3}
    assert database["OPTIONS"]["pool"] == pool
    assert broker == "redis://cache:6379/0"
    assert cache == "django.core.cache.backends.redis.RedisCache"
    assert secure == [True, True, 31_536_000]


@pytest.mark.parametrize("missing", ["SECRET_KEY", "FERNET_KEYS"])
def test_a_missing_secret_stops_the_start_and_is_named(tmp_path, missing):
    rest = {name: value for name, value in SECRETS.items() if name != missing}

    message = evaluate(tmp_path, **rest)

    assert "ImproperlyConfigured" in message
    assert missing in message


def test_empty_fernet_keys_say_how_to_get_some(tmp_path):
    message = evaluate(tmp_path, SECRET_KEY="x" * 50, FERNET_KEYS="")

    assert "python -m aditus.dotenv" in message


def test_the_data_directory_is_its_owners_alone(tmp_path):
    data = tmp_path / "data"

    evaluate(data, **SECRETS)

    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_a_new_dotenv_has_working_secrets_for_its_owner_only(tmp_path):
    path = tmp_path / ".env"

    created = write_dotenv(path)

    assert created is True
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in path.read_text().splitlines())
    assert len(values["SECRET_KEY"]) >= 50
    assert Fernet(values["FERNET_KEYS"]).decrypt(Fernet(values["FERNET_KEYS"]).encrypt(b"key")) == b"key"


def test_two_installations_never_share_secrets(tmp_path):
    write_dotenv(tmp_path / "one")
    write_dotenv(tmp_path / "two")

    assert (tmp_path / "one").read_text() != (tmp_path / "two").read_text()


def test_an_existing_dotenv_is_kept(tmp_path):
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=mine\n")

    created = write_dotenv(path)

    assert created is False
    assert path.read_text() == "SECRET_KEY=mine\n"


def test_the_example_names_every_variable_that_settings_read():
    source = "".join(part.read_text() for part in Path(settings.BASE_DIR, "aditus/settings").glob("*.py"))
    read = set(re.findall(r"""env\.\w+\(\s*"([A-Z_]+)\"""", source))
    provider_environment(lambda name, default: read.add(name) or default)
    example = Path(settings.BASE_DIR, ".env.example").read_text()

    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    of_compose = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD", "SITE_ADDRESS", "WEB_REPLICAS"}

    assert named - of_compose == read - {"ENV_FILE"}


def test_the_readme_or_install_explains_every_variable_of_the_example():
    example, *pages = (
        Path(settings.BASE_DIR, name).read_text()
        for name in (".env.example", "README.md", "docs/operations/install.md")
    )
    explained = {name for page in pages for name in re.findall(r"`([A-Z_]+)[`=]", page)}

    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) - explained == set()


def test_the_containers_take_every_secret_from_the_environment():
    services = yaml.safe_load(Path(settings.BASE_DIR, "compose.yml").read_text())["services"]

    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable or variable in {"DATABASE_URL", "REDIS_URL", "REDISCLI_AUTH"}:
                if service.get("profiles"):
                    # Compose would ask for it of those who never start this, so the container asks itself.
                    asked = f'test -n "$${variable}" ||' in service["entrypoint"][-1]
                else:
                    asked = ":?set it in .env}" in value
                assert asked, f"{name} {variable}"


def test_one_clock_and_one_migration_run_beside_the_web_processes():
    services = yaml.safe_load(Path(settings.BASE_DIR, "compose.yml").read_text())["services"]

    ours = {"migrate", "web", "worker-interactive", "worker-batch", "worker-upkeep", "beat"}
    assert set(services) == ours | {"proxy", "postgres", "redis", "prometheus", "grafana"}
    assert [name for name, service in services.items() if "beat" in service.get("command", [])] == ["beat"]
    for name in ours - {"migrate"}:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


GIVEN_UP = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


@pytest.mark.parametrize("database", [standby, partial(server, pool_size=2)], ids=["standby", "primary"])
def test_a_database_that_vanishes_is_given_up_and_the_address_may_say_when(database):
    usual = database("postgres://someone@db.example.org/aditus")["OPTIONS"]
    said = database("postgres://someone@db.example.org/aditus?keepalives_idle=60")["OPTIONS"]

    assert GIVEN_UP.items() <= usual.items()
    assert str(said["keepalives_idle"]) == "60"


@pytest.mark.postgres
@pytest.mark.parametrize("behind_pooler", [False, True])
def test_a_question_to_a_standby_ends_unless_a_pooler_is_between(behind_pooler):
    config = standby(os.environ["DATABASE_URL"], behind_pooler=behind_pooler)
    address = {"host": config["HOST"], "port": config["PORT"], "dbname": "postgres", "user": config["USER"]}

    with psycopg.connect(**address, password=config["PASSWORD"], **config["OPTIONS"]) as connection:
        longest = connection.execute("SHOW statement_timeout").fetchone()

    assert longest == ("0" if behind_pooler else "30s",)


def test_what_is_invisible_around_a_key_or_model_of_the_environment_is_taken_off(tmp_path):
    key, model = evaluate(
        tmp_path,
        "PROVIDER_ENVIRONMENT['openai']['api_key']",
        "PROVIDER_ENVIRONMENT['openai']['model_fast']",
        OPENAI_API_KEY=" sk-0123456789\r\n",
        OPENAI_MODEL_FAST="gpt-5-mini\r",
        **SECRETS,
    )

    assert (key, model) == ("sk-0123456789", "gpt-5-mini")


@pytest.mark.parametrize(
    ("name", "key", "flaw"),
    [
        ("GEMINI_API_KEY", "sk-canary 0123", "a space"),
        ("OPENAI_API_KEY", "sk-canary\n0123", "a line break"),
        ("ANTHROPIC_API_KEY", "sk-canary\x07", "a letter that no key has"),
        ("GEMINI_API_KEY", "sk-canary\udce4", "a letter that no key has"),
        ("OPENAI_API_KEY", '"sk-canary"', "in quotes"),
    ],
)
def test_a_key_of_the_environment_that_cannot_be_one_stops_the_start_in_words(tmp_path, name, key, flaw):
    message = evaluate(tmp_path, **SECRETS, **{name: key})

    assert f"{name} in the environment or .env cannot be an API key." in message
    assert flaw in message
    assert "canary" not in message
