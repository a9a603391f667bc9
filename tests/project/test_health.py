"""Alive and ready."""

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from aditus import liveness
from usage.heartbeats import beat
from usage.models import Heartbeat


def test_a_process_is_alive_without_a_database(django_db_blocker):
    response = Client().get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_it_is_ready_when_the_database_answers():
    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"]["database"] == "ok"


@pytest.mark.django_db
def test_it_is_not_ready_when_the_database_is_away():
    def away(execute, sql, params, many, context):
        raise OperationalError("could not connect to 10.0.0.7")

    with connection.execute_wrapper(away):
        response = Client().get("/readyz")

    assert response.status_code == 503
    told = response.json()
    assert (told["status"], told["checks"].pop("database")) == ("unavailable", "unavailable")
    assert told["checks"].keys() <= {"cache"}
    assert b"10.0.0.7" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("has_redis", [True, False])
def test_it_names_what_it_has_asked(settings, has_redis):
    settings.REDIS_URL = "redis://127.0.0.1:1/0" if has_redis else ""

    response = Client().get("/readyz")

    checks = {"database": "ok", "migrations": "ok"} | ({"cache": "ok"} if has_redis else {})
    assert response.json() == {"status": "ok", "checks": checks}


@pytest.mark.django_db
def test_it_stays_ready_while_redis_is_away(settings, monkeypatch):
    # The cache's own client is the outermost seam: no Redis has to be stopped for this.
    def away(*args, **kwargs):
        raise ConnectionError("redis is away")

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(type(cache._connections["default"]), "get", away)

    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"] == {"database": "ok", "migrations": "ok", "cache": "unavailable"}


@pytest.mark.django_db
def test_it_is_not_ready_before_its_migrations_are_applied():
    liveness.schema.get().is_complete = False
    MigrationRecorder.Migration.objects.filter(app="usage").order_by("-id").first().delete()

    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] == "unapplied"


@pytest.mark.django_db
def test_it_says_whether_worker_and_beat_live_and_is_ready_without_them(settings):
    settings.WORKERS_EXPECTED = True
    beat(role=Heartbeat.Role.BEAT)

    response = Client().get("/readyz")

    assert response.status_code == 200
    assert response.json()["checks"] | {"worker": "late", "beat": "ok"} == response.json()["checks"]


def test_probes_are_not_redirected_to_https(settings):
    settings.SECURE_SSL_REDIRECT = True

    response = Client().get("/healthz")

    assert response.status_code == 200
