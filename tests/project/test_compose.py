"""What compose.yml promises, as far as it can be tried without containers."""

import re
import subprocess
from pathlib import Path

import psycopg
import pytest
import yaml
from django.conf import settings

from tests.servers import own_postgres, postgres_programs

COMPOSE = yaml.safe_load(Path(settings.BASE_DIR, "compose.yml").read_text())
SERVICES = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_a_bound_on_memory_and_processes(name):
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert SERVICES[name]["pids_limit"] > 0


@pytest.mark.parametrize("name", ["web", "worker"])
def test_what_makes_calls_is_given_longer_than_one_takes(name):
    seconds = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))

    assert seconds > settings.CALL_DEADLINE_SECONDS


def test_forwarded_headers_are_not_believed_from_everybody():
    web = SERVICES["web"]

    assert web["environment"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"
    assert "FORWARDED_ALLOW_IPS" not in web["environment"]
    assert all(port.startswith("127.0.0.1:") for port in web["ports"])
    assert "--no-proxy-headers" in Path(settings.BASE_DIR, "Dockerfile").read_text()


@pytest.mark.postgres
@pytest.mark.skipif(postgres_programs() is None, reason="needs initdb")
def test_the_role_of_the_database_is_no_superuser_and_can_all_that_aditus_does():
    script = COMPOSE["configs"]["database_role"]["content"].replace("$$", "$")
    with own_postgres() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE aditus")
        environment = {
            "PATH": f"{postgres_programs()}:/usr/bin:/bin",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "POSTGRES_PASSWORD": "it's; a 'secret'",
        }
        subprocess.run(["sh", "-c", script], env=environment, check=True, stdout=subprocess.DEVNULL)

        with psycopg.connect(
            server.url.replace("postgres@", "aditus@").replace("/postgres", "/aditus")
        ) as own:
            role = own.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            own.execute("CREATE TABLE mine (id int)")
            own.execute("DROP TABLE mine")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                own.execute("COPY (SELECT 1) TO PROGRAM 'true'")
        with psycopg.connect(server.url) as connection:
            passwords = dict(
                connection.execute("SELECT rolname, rolpassword IS NULL FROM pg_authid").fetchall()
            )

    assert role == (False, False, False)
    assert (passwords["postgres"], passwords["aditus"]) == (True, False)
