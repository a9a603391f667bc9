"""Moving people, providers and usage in from the earlier system's database."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from threading import Event
from time import sleep
from types import SimpleNamespace

import bcrypt
import psycopg
import pytest
from argon2 import PasswordHasher
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Sum
from django.test import override_settings
from django.utils import timezone

from accounts.models import AuditEntry, Subscription, User
from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.locks import somebody_waits
from tests.usage.attempts import make_attempt
from tests.usage.ended import make_call
from usage.ledger.beginnings import used_before
from usage.ledger.limits import QuotaLimit
from usage.models import AIProviderUsageLog, MovedRecord
from usage.moving_in.move import Move
from usage.stats import Period, rollup, totals

pytestmark = pytest.mark.django_db

OLD_KEY = Fernet.generate_key()
API_KEY = "sk-old-0123456789abcdef"
TABLES = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(255), full_name VARCHAR(255),
    hashed_password VARCHAR(255), role VARCHAR(20), is_active BOOLEAN, created_at TIMESTAMP);
CREATE TABLE subscriptions (id INTEGER PRIMARY KEY, user_id INTEGER, plan VARCHAR(40), status VARCHAR(20),
    current_period_end TIMESTAMP);
CREATE TABLE ai_provider_configs (id INTEGER PRIMARY KEY, provider_type VARCHAR(40), api_key_encrypted TEXT,
    model_name VARCHAR(100), is_active BOOLEAN, is_default BOOLEAN, default_for_cv_draft BOOLEAN,
    max_tokens_per_day INTEGER, created_by_id INTEGER);
CREATE TABLE ai_provider_usage_logs (id INTEGER PRIMARY KEY, user_id INTEGER, provider_config_id INTEGER,
    task_type VARCHAR(40), input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER,
    estimated_cost_usd INTEGER, status VARCHAR(20), error_message TEXT, latency_ms INTEGER,
    created_at TIMESTAMP);
"""
MANY_ROWS = """
INSERT INTO users (id, email) SELECT n, 'p' || n || '@example.org' FROM generate_series(1, 100) n;
INSERT INTO ai_provider_usage_logs (id, user_id, task_type, input_tokens, output_tokens, total_tokens,
    estimated_cost_usd, status, created_at)
SELECT n, mod(n, 100) + 1, 'extraction', n, n * 2, n * 3, mod(n, 50), 'success',
    timestamp '2026-01-01' + n * interval '1 minute' FROM generate_series(1, 10000) n
"""


class Earlier:
    """A database of the earlier system, filled a row at a time."""

    def __init__(self, path):
        self.url = f"sqlite:///{path}"
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(TABLES)

    def add(self, table, **values):
        marks = ", ".join("?" for _ in values)
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"
        self.connection.execute(statement, [*values.values()])


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    monkeypatch.setenv("OLD_FERNET_KEYS", OLD_KEY.decode())
    database = Earlier(tmp_path / "earlier.sqlite3")
    yield database
    database.connection.close()


def add_person(earlier, **values):
    earlier.add("users", **{"id": 1, "email": "Ada@Example.org", "role": "USER", "is_active": True} | values)


def add_provider(earlier, **values):
    sealed = Fernet(OLD_KEY).encrypt(API_KEY.encode()).decode()
    usual = {"id": 7, "provider_type": "OPENAI", "api_key_encrypted": sealed, "model_name": "gpt-4o-mini"}
    earlier.add("ai_provider_configs", **usual | values)


def add_usage(earlier, **values):
    usual = {
        "id": 1, "user_id": 1, "provider_config_id": 7, "task_type": "cv_draft", "input_tokens": 100,
        "output_tokens": 50, "total_tokens": 150, "estimated_cost_usd": 685, "status": "success",
        "latency_ms": 1200, "created_at": "2026-03-01 12:00:00",
    }  # fmt: skip
    earlier.add("ai_provider_usage_logs", **usual | values)


def move(earlier, capsys, *options):
    """Run the command; what it printed, and its error if it ended with one."""
    try:
        call_command("migrate_from_fastapi", "--from-url", earlier.url, *options)
        error = ""
    except CommandError as ended:
        error = str(ended)
    return capsys.readouterr().out, error


def test_a_usage_row_keeps_its_numbers_its_time_and_its_old_id(earlier, capsys):
    add_person(earlier)
    add_provider(earlier)
    add_usage(earlier, id=4711)

    move(earlier, capsys)

    row = AIProviderUsageLog.objects.get()
    assert (row.request_id, row.user.email) == ("fastapi-4711", "ada@example.org")
    assert (row.provider_type, row.model_name, row.task_type) == ("openai", "gpt-4o-mini", "cv_draft")
    assert (row.input_tokens, row.output_tokens, row.total_tokens, row.latency_ms) == (100, 50, 150, 1200)
    assert row.estimated_cost_usd == Decimal("6.85")
    assert row.created_at.isoformat() == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize("limited", ["user", "task", "provider"])
def test_what_was_used_there_counts_against_no_cap_here(earlier, capsys, limited):
    add_person(earlier)
    add_provider(earlier)
    now = timezone.now()
    add_usage(earlier, created_at=f"{now:%Y-%m-%d %H:%M:%S}")
    move(earlier, capsys)
    user, config = User.objects.get(), AIProviderConfig.objects.get()
    make_call(now, user=user, provider_config=config, task_type="cv_draft", estimated_cost_usd=Decimal(2))
    scope = {"user": "user-usd:1", "task": "task-usd:1:cv_draft", "provider": "provider-usd:1"}[limited]
    start = now - timedelta(days=1)
    limit = QuotaLimit(scope, "month:now", 10**15, now + timedelta(days=1), starts_at=start)
    attempt = make_attempt(user=user, config=config, started_at=now)

    assert used_before(limit, attempt) == 2 * 10**12


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_held", [True, False], ids=["held", "not held"])
def test_rows_that_are_moved_in_while_rollups_are_made_are_in_the_figures(
    earlier, capsys, monkeypatch, is_held
):
    """A call is made while a chunk is written and not yet committed: it has the higher id, and is seen first.
    Without the lock the chunk is never found, which shows that this test can fail."""
    add_usage(earlier, id=1)
    written, go_on = Event(), Event()
    take_usage = Move._take_usage

    def takes_long(self, *told):
        take_usage(self, *told)
        written.set()
        assert go_on.wait(60)

    def in_thread(work):
        try:
            work()
        finally:
            connection.close()

    monkeypatch.setattr(Move, "_take_usage", takes_long)
    if not is_held:
        monkeypatch.setattr("usage.moving_in.move.rollup", SimpleNamespace(hold=lambda: None))
    rollup.refresh(now=timezone.now())
    with ThreadPoolExecutor(2) as pool:
        moving = pool.submit(in_thread, lambda: move(earlier, capsys))
        assert written.wait(60)
        make_call(timezone.now())
        monkeypatch.undo()
        rolling = pool.submit(in_thread, lambda: rollup.refresh(now=timezone.now()))
        while not rolling.done() and not somebody_waits():
            sleep(0.01)
        go_on.set()
        moving.result(), rolling.result()
    rollup.refresh(now=timezone.now() + 2 * rollup.COMMIT_LAG)

    period = Period.of_dates(first=date(2026, 3, 1), last=date(2026, 3, 1))
    assert totals(period=period).calls == (1 if is_held else 0)


def test_a_cost_that_whole_cents_had_lost_is_unknown_and_not_free(earlier, capsys):
    add_person(earlier)
    add_usage(earlier, estimated_cost_usd=0)

    printed, _ = move(earlier, capsys)

    assert AIProviderUsageLog.objects.get().estimated_cost_usd is None
    assert "1 have no known cost" in printed


def test_tokens_that_only_the_total_has_are_not_lost(earlier, capsys):
    add_usage(earlier, input_tokens=0, output_tokens=0, total_tokens=640)

    move(earlier, capsys)

    row = AIProviderUsageLog.objects.get()
    assert (row.output_tokens, row.total_tokens, row.usage_source) == (640, 640, "estimated")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"input_tokens": -5}, "a count that cannot be true"),
        ({"created_at": None}, "no time"),
        ({"created_at": "yesterday"}, "no time"),
        ({"estimated_cost_usd": "much"}, "a cost that is no number"),
        ({"estimated_cost_usd": -1}, "a cost that cannot be true"),
        ({"output_tokens": "many"}, "a count that is no number"),
    ],
)
def test_what_cannot_be_taken_is_counted_with_its_reason_and_the_rest_is_moved(
    earlier, capsys, values, reason
):
    add_usage(earlier, id=1)
    add_usage(earlier, id=2, **values)

    printed, error = move(earlier, capsys)

    assert AIProviderUsageLog.objects.count() == 1
    assert f"1 not taken: {reason}" in printed
    assert error == "Some rows were not taken; see above."


def test_a_key_is_sealed_anew_and_opened_only_by_the_old_one(earlier, capsys):
    add_person(earlier)
    add_provider(
        earlier, id=7, is_default=True, default_for_cv_draft=True, max_tokens_per_day=0, created_by_id=1
    )
    add_provider(earlier, id=8, api_key_encrypted=Fernet(Fernet.generate_key()).encrypt(b"sk-other").decode())

    printed, _ = move(earlier, capsys)

    config = AIProviderConfig.objects.get()
    assert config.api_key_encrypted.reveal() == API_KEY
    assert (config.is_default, config.default_tasks(), config.daily_token_limit) == (True, {"cv_draft"}, None)
    assert config.created_by.email == "ada@example.org"
    assert "1 not taken: a key that OLD_FERNET_KEYS do not open" in printed
    assert API_KEY not in printed


def test_a_default_that_is_here_stays_the_default(earlier, capsys):
    ours = make_config(is_default=True)
    add_provider(earlier, is_default=True)

    move(earlier, capsys)

    assert AIProviderConfig.objects.get(is_default=True) == ours


@override_settings(
    PASSWORD_HASHERS=[
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "django.contrib.auth.hashers.BCryptPasswordHasher",
        "django.contrib.auth.hashers.Argon2PasswordHasher",
    ]
)
@pytest.mark.parametrize(
    "hashed",
    [
        lambda password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode(),
        lambda password: PasswordHasher(time_cost=1, memory_cost=32).hash(password),
    ],
    ids=["bcrypt", "argon2"],
)
def test_people_log_in_with_the_password_they_had(earlier, capsys, hashed):
    add_person(earlier, hashed_password=hashed("correct horse"))

    move(earlier, capsys)

    person = User.objects.get()
    assert person.check_password("correct horse")
    assert not User.objects.get().check_password("wrong horse")


def test_a_hash_of_a_kind_unknown_here_opens_nothing(earlier, capsys):
    add_person(earlier, hashed_password="plain text")

    printed, _ = move(earlier, capsys)

    assert not User.objects.get().has_usable_password()
    assert "1 need a new password" in printed


def test_an_account_that_is_here_stays_as_it_is_and_gets_its_rows(earlier, capsys):
    ours = User.objects.create_user("ada@example.org", "correct horse")
    add_person(earlier, role="SUPER_ADMIN", hashed_password="other")
    add_usage(earlier)

    move(earlier, capsys)

    ours.refresh_from_db()
    assert (ours.role, ours.check_password("correct horse")) == ("USER", True)
    assert AIProviderUsageLog.objects.get().user == ours


def test_of_two_active_subscriptions_one_is_active(earlier, capsys):
    add_person(earlier)
    earlier.add("subscriptions", id=1, user_id=1, plan="PlanType.PRO_MONTHLY", status="ACTIVE")
    earlier.add("subscriptions", id=2, user_id=1, plan="FREEMIUM", status="active")
    earlier.add("subscriptions", id=3, user_id=1, plan="platinum", status="active")
    earlier.add("subscriptions", id=4, user_id=99, plan="FREEMIUM", status="active")

    printed, _ = move(earlier, capsys)

    stored = Subscription.objects.order_by("id").values_list("plan_id", "status")
    assert list(stored) == [("pro_monthly", "active"), ("freemium", "cancelled")]
    assert "1 not taken: a plan that is not here" in printed
    assert "1 not taken: a person who was not taken" in printed


def test_a_second_run_changes_nothing_and_takes_what_came_since(earlier, capsys):
    add_person(earlier)
    add_provider(earlier)
    earlier.add("subscriptions", id=1, user_id=1, plan="FREEMIUM", status="active")
    for number in range(1, 4):
        add_usage(earlier, id=number)
    move(earlier, capsys)
    before = [
        list(model.objects.order_by("pk").values())
        for model in (User, Subscription, AIProviderConfig, AIProviderUsageLog, MovedRecord)
    ]

    again, _ = move(earlier, capsys)
    after = [
        list(model.objects.order_by("pk").values())
        for model in (User, Subscription, AIProviderConfig, AIProviderUsageLog, MovedRecord)
    ]
    add_usage(earlier, id=4)
    move(earlier, capsys)

    assert after == before
    assert "ai_provider_usage_logs: 3 read, 0 moved, 3 known already, 0 not taken" in again
    assert "450 tokens and 20.550000000000 USD are here" in again
    assert AIProviderUsageLog.objects.count() == 4


def test_a_dry_run_says_the_same_and_writes_nothing(earlier, capsys):
    add_person(earlier)
    add_provider(earlier, created_by_id=1)
    earlier.add("subscriptions", id=1, user_id=1, plan="FREEMIUM", status="active")
    add_usage(earlier)

    dry, _ = move(earlier, capsys, "--dry-run")
    written = [User.objects.count(), AIProviderConfig.objects.count(), MovedRecord.objects.count()]
    real, _ = move(earlier, capsys)

    assert written == [0, 0, 0]
    assert dry.replace("would be moved", "moved") == real


def test_a_key_in_an_error_message_is_not_stored(earlier, capsys):
    add_usage(earlier, status="error", error_message="Incorrect API key provided: sk-proj-0123456789abcdef")

    move(earlier, capsys)

    assert AIProviderUsageLog.objects.get().error_message == "Incorrect API key provided: [redacted]"


def test_costs_that_may_be_cents_or_dollars_are_asked_about_before_anything_is_written(
    tmp_path, earlier, capsys
):
    earlier.connection.execute("DROP TABLE ai_provider_usage_logs")
    earlier.connection.execute(
        "CREATE TABLE ai_provider_usage_logs (id INTEGER PRIMARY KEY, total_tokens INTEGER,"
        " estimated_cost_usd FLOAT, status TEXT, created_at TIMESTAMP)"
    )
    earlier.add(
        "ai_provider_usage_logs", id=1, total_tokens=10, estimated_cost_usd=0.0125, status="success",
        created_at="2026-03-01",
    )  # fmt: skip
    add_person(earlier)

    _, error = move(earlier, capsys)
    people = User.objects.count()
    move(earlier, capsys, "--cost-unit", "usd")

    assert "--cost-unit" in error
    assert people == 0
    assert AIProviderUsageLog.objects.get().estimated_cost_usd == Decimal("0.0125")


@pytest.mark.parametrize(
    "url", ["", "mysql://x", "sqlite:////nowhere/at/all.sqlite3", "postgres://127.0.0.1:1/x"]
)
def test_an_address_that_leads_nowhere_is_told_in_a_sentence(url, monkeypatch):
    monkeypatch.setenv("OLD_FERNET_KEYS", OLD_KEY.decode())

    with pytest.raises(CommandError) as ended:
        call_command("migrate_from_fastapi", "--from-url", url)

    assert str(ended.value).endswith(".")


def test_what_was_moved_is_in_the_audit_trail(earlier, capsys):
    add_person(earlier)

    move(earlier, capsys)

    entry = AuditEntry.objects.get(action="system.moved_in")
    assert entry.changes == {"users": [0, 1]}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_ten_thousand_rows_come_from_postgresql_with_equal_sums_though_the_run_was_cut(capsys, monkeypatch):
    monkeypatch.setenv("OLD_FERNET_KEYS", OLD_KEY.decode())
    monkeypatch.setattr("usage.moving_in.old_database.CHUNK", 3_000)
    parameters = connection.get_connection_params()
    address = f"{parameters['host']}:{parameters['port']}/{parameters['dbname']}"
    url = f"postgres://{parameters['user']}@{address}?options=-csearch_path%3Dearlier"
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA earlier; SET search_path = earlier")
        cursor.execute(TABLES)
        cursor.execute(MANY_ROWS)
        cursor.execute("RESET search_path")
    bulk_create = AIProviderUsageLog.objects.bulk_create
    calls = []

    def dies_at_the_third_chunk(rows):
        calls.append(len(rows))
        if len(calls) == 3:
            raise psycopg.OperationalError("the connection was lost")
        return bulk_create(rows)

    monkeypatch.setattr(AIProviderUsageLog.objects, "bulk_create", dies_at_the_third_chunk)
    with pytest.raises(psycopg.OperationalError):
        call_command("migrate_from_fastapi", "--from-url", url)
    monkeypatch.setattr(AIProviderUsageLog.objects, "bulk_create", bulk_create)
    cut = AIProviderUsageLog.objects.count()
    call_command("migrate_from_fastapi", "--from-url", url)

    sums = AIProviderUsageLog.objects.aggregate(Sum("total_tokens"), Sum("estimated_cost_usd"))
    assert cut == 6_000
    assert AIProviderUsageLog.objects.count() == 10_000
    assert sums["total_tokens__sum"] == 3 * 10_000 * 10_001 // 2
    assert sums["estimated_cost_usd__sum"] == Decimal(sum(n % 50 for n in range(1, 10_001))) / 100
    assert AIProviderUsageLog.objects.values("user").distinct().count() == 100
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA earlier CASCADE")
