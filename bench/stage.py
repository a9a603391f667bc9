"""What the benchmarks run on: a scratch database with people and providers, a vendor, and web processes."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO
from urllib.parse import urlsplit

from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import Plan, Subscription, User
from accounts.personal_tokens import create
from accounts.tokens import issue_pair
from providers.models import AIProviderConfig
from tests.ports import free_port

KEY = "sk-bench-0123456789abcdefghijklmnop"
APPLICATION = "aditus-bench"
WORKERS = 2
PATIENCE_SECONDS = 300.0
# Of what a server printed that did not start.
LAST_BYTES = 2_000
# By task which vendor is asked, where its wire begins at the upstream, and with which model.
VENDORS = {
    "openai": ("extraction", "/v1", "gpt-4o-mini"),
    "claude": ("cv_draft", "", "claude-3-5-haiku-20241022"),
    "gemini": ("cover_letter", "", "gemini-2.0-flash"),
}
_DOOR_NAMES = ("chat-completions", "v1:chat-completions", "chat_completions", "v1:chat_completions")
_DOOR_PATHS = ("/v1/chat/completions", "/api/v1/chat/completions", "/openai/v1/chat/completions")


class NotStarted(RuntimeError):
    """A server that ended, or took too long."""


@contextmanager
def scratch_database(*, keep: bool = False) -> Iterator[None]:
    """A test database on DATABASE_URL, gone afterwards; with `keep` it stays, and the next one
    begins with it, brought up to the migrations of today."""
    databases = setup_databases(verbosity=0, interactive=False, keepdb=keep, serialized_aliases=())
    try:
        yield
    finally:
        connection.close()
        teardown_databases(databases, verbosity=0, keepdb=keep)


def seed(upstream: str, *, people: int = 1) -> list[User]:
    """People on a plan whose quotas are counted and never reached, and a config of each vendor."""
    plan = Plan.objects.create(
        slug="bench", name="Bench", daily_token_limit=10**15, monthly_token_limit=10**16
    )
    users = [User.objects.create_user(f"bench-{number}@example.com") for number in range(people)]
    Subscription.objects.bulk_create(
        Subscription(user=user, plan=plan, started_at=timezone.now()) for user in users
    )
    for vendor, (task, begins, model) in VENDORS.items():
        config = AIProviderConfig(
            provider_type=vendor,
            model_name=model,
            base_url=upstream + begins,
            is_default=vendor == "openai",
            **{f"default_for_{task}": True},
        )
        config.set_api_key(KEY)
        config.save()
    return users


def turn_to(root: str) -> None:
    """Let every config ask the upstream at this root."""
    for config in AIProviderConfig.objects.all():
        config.base_url = root + VENDORS[config.provider_type][1]
        config.save()


def turn_to_sandbox(root: str) -> None:
    """Let OpenAI's config ask the sandbox, for tasks whose answers have a form."""
    config = AIProviderConfig.objects.get(provider_type="openai")
    config.base_url, config.model_name = f"{root}/openai/v1", "sandbox-mini"
    config.save()


def tokens(users: Sequence[User]) -> list[str]:
    """A login's token of each, for the API."""
    return [issue_pair(user=user, verified_at=None)["access"] for user in users]


def door_tokens(users: Sequence[User]) -> list[str]:
    """A personal access token of each, for the door."""
    return [create(user=user, name="bench", actor=Actor.system())[1] for user in users]


def door_path() -> str | None:
    """Where chat completions are taken; None while nothing takes them."""
    for name in _DOOR_NAMES:
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    for path in _DOOR_PATHS:
        try:
            resolve(path)
        except Resolver404:
            continue
        return path
    return None


@contextmanager
def process(
    command: Sequence[str], port: int, *, without: Sequence[str] = (), **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process of its own, from the moment on at which it takes connections; `without` are
    variables of ours that it must not see. Raises NotStarted, with the last that the server printed."""
    ours = {name: value for name, value in os.environ.items() if name not in without}
    with tempfile.TemporaryFile() as printed:
        told = None if os.environ.get("BENCH_VERBOSE") else printed
        server = subprocess.Popen(command, env=ours | environment, stdout=told, stderr=told)
        try:
            if not _listens(server, port):
                raise NotStarted(f"{shlex.join(command)} {_end_of(server)} {_last_of(printed)}".strip())
            yield server
        finally:
            server.terminate()
            try:
                server.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


@contextmanager
def upstream(*, seconds: float = 0.0) -> Iterator[str]:
    """The root of `bench.upstream`, which answers after so many seconds."""
    port = free_port()
    with process([sys.executable, "-m", "bench.upstream", str(port), str(seconds)], port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def sandbox(*, seconds: float = 0.0) -> Iterator[str]:
    """The root of the sandbox, whose answers have the form that was asked for."""
    port = free_port()
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--latency", str(seconds)]
    with process(command, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def web(*, workers: int = WORKERS) -> Iterator[str]:
    """The root of the web processes, on the scratch database, by the settings of production."""
    port = free_port()
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "aditus.web", "--port", str(port)]
    with process(
        command,
        port,
        DATABASE_URL=database.geturl(),
        DJANGO_SETTINGS_MODULE="aditus.settings",
        PGAPPNAME=APPLICATION,
        ALLOWED_HOSTS="127.0.0.1,localhost",
        LOG_LEVEL="ERROR",
        WEB_CONCURRENCY=str(workers),
    ):
        yield f"http://127.0.0.1:{port}"


def database_connections() -> int:
    """Those that the web processes have open now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [APPLICATION])
        return int(cursor.fetchone()[0])


def _listens(server: subprocess.Popen[bytes], port: int) -> bool:
    """Once it takes connections, or else has ended or taken too long."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def _end_of(server: subprocess.Popen[bytes]) -> str:
    if server.poll() is None:
        return f"took no connection within {PATIENCE_SECONDS:.0f} s."
    return f"ended with {server.returncode}."


def _last_of(printed: IO[bytes]) -> str:
    printed.seek(0, os.SEEK_END)
    printed.seek(max(0, printed.tell() - LAST_BYTES))
    return printed.read().decode(errors="replace").strip()
