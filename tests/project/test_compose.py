"""What compose.yml promises, as far as it can be tried without containers."""

import inspect
import re
import subprocess
from pathlib import Path

import psycopg
import pytest
import yaml
from django.conf import settings

from aditus import web as web_server
from aditus.lifespan import SETTLING_SECONDS
from tests.servers import own_postgres, postgres_programs

COMPOSE = yaml.safe_load(Path(settings.BASE_DIR, "compose.yml").read_text())
SERVICES = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_a_bound_on_memory_and_processes(name):
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert SERVICES[name]["pids_limit"] > 0


@pytest.mark.parametrize("name", ["web", "worker-interactive", "worker-batch", "worker-upkeep"])
def test_what_makes_calls_is_given_the_time_to_end_them(name):
    seconds = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))

    assert seconds > settings.SHUTDOWN_SECONDS + SETTLING_SECONDS


def test_every_image_that_is_not_ours_is_pinned_by_version_and_digest():
    named = [service["image"] for service in SERVICES.values() if not service["image"].startswith("aditus:")]
    named += re.findall(r"^FROM (\S+)", Path(settings.BASE_DIR, "Dockerfile").read_text(), re.MULTILINE)

    assert len(named) >= 7
    assert not [name for name in named if not re.fullmatch(r"[a-z/]+:v?\d+\.\S+@sha256:[0-9a-f]{64}", name)]


def test_nothing_is_asked_for_a_profile_that_nobody_asked_for():
    """Compose looks for every variable that must be set (`:?`) before it knows which services it starts."""
    asked = {name for name, service in SERVICES.items() if ":?" in yaml.safe_dump(service)}

    assert not {name for name in asked if SERVICES[name].get("profiles")}


def test_each_queue_has_a_worker():
    commands = [service.get("command", []) for service in SERVICES.values()]
    taken = [command[command.index("--queues") + 1] for command in commands if "--queues" in command]

    assert sorted(taken) == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)


@pytest.mark.parametrize("name", ["proxy", "web", "worker-batch", "beat", "migrate", "prometheus", "redis"])
def test_a_container_writes_nothing_but_its_volumes_and_has_no_rights_of_root(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_proxy_can_be_reached_from_outside():
    open_ports = {name: service["ports"] for name, service in SERVICES.items() if service.get("ports")}
    public = {
        name for name, ports in open_ports.items() if any(not p.startswith("127.0.0.1:") for p in ports)
    }

    assert public == {"proxy"}
    assert Path(settings.BASE_DIR, "deploy/Caddyfile").exists()


def test_what_is_mounted_from_here_is_here():
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    paths = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]

    assert paths
    assert [path for path in paths if not Path(settings.BASE_DIR, path).is_file()] == []


def test_forwarded_headers_are_not_believed_from_everybody():
    web = SERVICES["web"]

    assert web["environment"]["TRUSTED_PROXIES"] == "${TRUSTED_PROXIES:-1}"
    assert "FORWARDED_ALLOW_IPS" not in web["environment"]
    assert "ports" not in web
    assert '"aditus.web"' in Path(settings.BASE_DIR, "Dockerfile").read_text()
    assert '"proxy_headers": False' in inspect.getsource(web_server)


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
