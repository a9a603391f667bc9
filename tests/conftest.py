"""What every test stands on: the default plans, a small cast of people, and the API client."""

import gc
import time
from itertools import count
from uuid import uuid4

import pytest
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from rest_framework.test import APIClient

from accounts.concurrency import run
from accounts.tokens import issue_pair
from orchestration.routing.snapshot import forget_snapshot
from tests import failures, services
from tests.clean_slate import CleanSlate
from tests.factories import make_user
from tests.ports import free_port
from tests.sandbox import running_sandbox
from tests.selection import is_quick, needs_another_database, takes_long
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.ledger.connections import close_pool

DAY_SECONDS = 24 * 60 * 60
LONGER_THAN_A_TEST_SECONDS = 60
# Each test's connections to Redis belong to its event loop, in circles that only the collector breaks.
COLLECT_EVERY_TESTS = 20
finished_tests = count(1)

# How long an example takes says something about the machine only.
hypothesis_settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("timeless")


@pytest.fixture(autouse=True)
def one_day():
    """No midnight passes during a test: quotas, figures and rollups are kept by the day, in UTC."""
    left = DAY_SECONDS - time.time() % DAY_SECONDS
    if left < LONGER_THAN_A_TEST_SECONDS:
        time.sleep(left + 0.1)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """After a transactional test the rows of the migrations are there, and no others."""
    with django_db_blocker.unblock():
        slate = CleanSlate()
    # Outside: a test without the mark is to be refused the database whatever ran before it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: slate.restore())
        yield
    # A database that somebody is connected to cannot be dropped, and one event loop lives to the end.
    run(close_pool())


@pytest.fixture(autouse=True)
def no_old_snapshot(request):
    """The revision starts over with its row, so a snapshot of an earlier test would look current."""
    if request.node.get_closest_marker("django_db"):
        forget_snapshot()


@pytest.fixture(autouse=True)
def own_cache(request):
    """What one test left in the cache or with the guards, such as a circuit that is open, is not there for
    the next."""
    if request.node.get_closest_marker("django_db"):
        settings = request.getfixturevalue("settings")
        settings.REDIS_KEY_PREFIX = f"test-{uuid4().hex}"
        default = settings.CACHES["default"] | {"KEY_PREFIX": settings.REDIS_KEY_PREFIX}
        settings.CACHES = settings.CACHES | {"default": default}


@pytest.fixture(autouse=True)
def patient_guards(monkeypatch):
    """A machine that is busy with something else may keep Redis from answering for longer than a call would
    wait. Tests of what happens then set their own."""
    monkeypatch.setattr("orchestration.guards.redis.PATIENCE", PATIENCE_SECONDS)


@pytest.fixture
def unused_tcp_port():
    """Instead of pytest-asyncio's, which the server of another test may be given."""
    return free_port()


@pytest.fixture(scope="session")
def sandbox_server():
    with running_sandbox() as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server):
    """The three vendors on loopback, with no faults asked for and no hits counted yet."""
    # A call that an earlier test broke off is counted once more when the sandbox notices.
    wait_until(lambda: sandbox_server.hits()["in_flight"] == 0)
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture
def user():
    """Alice, on the default plan."""
    return make_user("alice@example.com")


@pytest.fixture
def outsider():
    """Charlie, who must never see Alice's rows."""
    return make_user("charlie@example.com")


@pytest.fixture
def super_admin():
    return make_user("root@example.com", role="SUPER_ADMIN")


@pytest.fixture
def api(user):
    """The API as Alice sees it."""
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def admin_api(super_admin):
    """The API as a super-admin sees it who has just shown a second factor."""
    token = issue_pair(user=super_admin, verified_at=int(time.time()))["access"]
    return APIClient(headers={"Authorization": f"Bearer {token}"})


# Marker -> whether this machine has what the test needs, and why it is skipped otherwise.
NEEDS = {
    "postgres": (lambda: connection.vendor == "postgresql", "needs PostgreSQL: set DATABASE_URL"),
    "redis": (services.has_redis, "needs Redis: set TEST_REDIS_URL"),
    "browser": (lambda: services.chromium() is not None, "needs chromium"),
    "prometheus": (services.has_prometheus, "needs prometheus and promtool"),
    "pgbouncer": (services.has_pgbouncer, "needs pgbouncer"),
    "local_model": (services.has_local_model, "needs the local model: make local-model"),
}


def pytest_addoption(parser):
    parser.addoption(
        "--only-database",
        action="store_true",
        help="leave out tests to which another database makes no difference: another run has made them",
    )
    parser.addoption(
        "--quick",
        action="store_true",
        help="leave out tests that commit, take seconds, start processes or need something beside Python",
    )


def pytest_configure(config):
    failures.register(config)


def pytest_collection_finish():
    """What was imported by now stays to the end: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    """Not when a test is reported, which the process that runs none hears of too: it has everybody's reports
    in memory and would look through them all again and again."""
    answer = yield
    if next(finished_tests) % COLLECT_EVERY_TESTS == 0:
        gc.collect()
        gc.freeze()
    return answer


def keep_only(wanted, *, config, items):
    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = filter(wanted, items)


def pytest_collection_modifyitems(config, items):
    if config.getoption("--only-database"):
        keep_only(needs_another_database, config=config, items=items)
    if config.getoption("--quick"):
        keep_only(is_quick, config=config, items=items)
    items.sort(key=takes_long, reverse=True)
    for name, (is_there, reason) in NEEDS.items():
        marked = [item for item in items if item.get_closest_marker(name)]
        if marked and not is_there():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))
