"""`python -m bench.upgrade REVISION`: from an older version of this repository to the files that are here, by
the steps of docs/operations/upgrade.md, under load.

Two web processes, a worker and a beat of the old version with a database it has filled; then the migrations
of this one beside them, then process by process this one in their place, and the web processes back again.
Wanted: every request answered with 200, a batch done that was begun before, and books that balance. Brings
its own PostgreSQL and Redis. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

# The secrets of all processes too.
django.setup()

import psycopg

from tests.cluster.clients import Load, post
from tests.cluster.machines import Process
from tests.cluster.proxy import proxy
from tests.ports import free_port
from tests.sandbox import RunningSandbox, running_sandbox
from tests.servers import own_postgres, own_redis
from tests.waiting import PATIENCE_SECONDS, until, wait_until

HERE = Path(__file__).resolve().parent.parent
# Run by the old version, which may know less than this one.
FURNISH = """
import django, sys
django.setup()
from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import Plan
from accounts.tokens import issue_pair
from tests.factories import make_config, make_user
Plan.objects.update(daily_token_limit=None, monthly_token_limit=None)
make_config(model_name="sandbox-mini@slow=0.2", base_url=sys.argv[1], is_default=True)
user = make_user("alice@example.com")
print(personal_tokens.create(user=user, name="CI", actor=Actor.system())[1])
print(issue_pair(user=user, verified_at=None)["access"])
"""
POSTING = (
    "Keeper {} wanted for the lighthouse on Fair Isle. Full time, from May. Apply by letter to the harbour."
)
BOOKS = {
    "requests": "SELECT count(*) FROM ai_provider_usage_logs WHERE attempt > 0",
    "open": "SELECT count(*) FROM ai_provider_usage_logs WHERE status = 'started'",
    "reserved": "SELECT coalesce(sum(reserved), 0)::int FROM quota_counters",
    "used": "SELECT sum(used)::int FROM quota_counters WHERE scope LIKE 'user:%' AND \"window\" LIKE 'day:%'",
    "tokens": "SELECT sum(total_tokens)::int FROM ai_provider_usage_logs",
}


class Site:
    """What both versions run on."""

    def __init__(self, trees: dict[str, Path], url: str, redis: str, folder: Path) -> None:
        self.trees, self.url, self._folder, self._stack = trees, url, folder, ExitStack()
        self.environment = os.environ | {
            "DATABASE_URL": url,
            "REDIS_URL": redis,
            "DJANGO_SETTINGS_MODULE": "aditus.settings",
            "MFA_REQUIRED": "false",
            "LOG_LEVEL": "WARNING",
            "DATA_DIR": str(folder),
        }

    def run(self, version: str, *command: str) -> str:
        """What a command of a version prints; RuntimeError with what it complained of where it failed."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.trees[version],
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout

    def web(self, version: str, port: int) -> Process:
        return self._start(version, "uvicorn", "aditus.asgi:application", "--port", str(port))

    def worker(self, version: str) -> Process:
        name = f"{version}@here"
        return self._start(version, "celery", "-A", "aditus", "worker", "--concurrency", "2", "-n", name)

    def beat(self, version: str) -> Process:
        return self._start(
            version, "celery", "-A", "aditus", "beat", "--schedule", f"{self._folder}/schedule"
        )

    def _start(self, version: str, *module: str) -> Process:
        command = ["env", "-C", str(self.trees[version]), sys.executable, "-m", *module]
        process = Process(command, self.environment, self._folder)
        self._stack.callback(process.kill)
        return process

    def books(self) -> dict[str, int]:
        with psycopg.connect(self.url) as connection:
            return {name: connection.execute(asked).fetchone()[0] for name, asked in BOOKS.items()}  # type: ignore[index,arg-type]

    def done(self) -> int:
        with psycopg.connect(self.url) as connection:
            asked = "SELECT count(*) FROM batch_items WHERE state = 'done'"
            return int(connection.execute(asked).fetchone()[0])  # type: ignore[index]

    def close(self) -> None:
        self._stack.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upgrade", description=__doc__.partition("\n")[0])
    parser.add_argument("revision")
    parser.add_argument("--calls", type=int, default=100, help="answered between two steps")
    parser.add_argument("--items", type=int, default=60, help="of the batch")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="aditus-upgrade-") as scratch, ExitStack() as stack:
        old = stack.enter_context(checked_out(given.revision, Path(scratch) / "old"))
        database, vendor = stack.enter_context(own_postgres()), stack.enter_context(running_sandbox())
        redis = stack.enter_context(own_redis(Path(scratch)))
        site = Site({"old": old, "new": HERE}, database.url, redis.url, Path(scratch))
        stack.callback(site.close)
        told = upgrade(site, vendor, given.calls, given.items)
    print(json.dumps(told))


@contextmanager
def checked_out(revision: str, folder: Path) -> Iterator[Path]:
    git = ["git", "-C", str(HERE), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def upgrade(site: Site, vendor: RunningSandbox, calls: int, items: int) -> dict[str, Any]:
    site.run("old", "manage.py", "migrate", "--no-input", "-v0")
    token, access = site.run("old", "-c", FURNISH, vendor.openai).split()[-2:]
    ports = [free_port(), free_port()]
    webs = {port: site.web("old", port) for port in ports}
    wait_until(lambda: all(ready(port) == 200 for port in ports))
    with proxy(*ports) as before:
        given = {"items": [{"text": POSTING.format(number)} for number in range(items)]}
        post(before.url, "/api/v1/job-extractor/batches", given, access)
        steps = Steps(site, webs, before, Load(before.url, token, lanes=4), calls)
        asyncio.run(steps.go())
        wait_until(lambda: site.done() == items, else_say="the batch is stuck")
        wait_until(lambda: not vendor.hits()["in_flight"])
    books = site.books()
    site.run("new", "manage.py", "verify_audit")
    return {
        "answers": dict(Counter(map(str, steps.load.answers))),
        "old_ready_after_migrating": steps.old_ready,
        "new_ready_before_migrating": steps.new_ready,
        "batch_done": site.done(),
        "hits": vendor.hits()["total"],
        **books,
        "holds": set(steps.load.answers) == {200}
        and (books["open"], books["reserved"]) == (0, 0)
        and (books["requests"], books["used"]) == (vendor.hits()["total"], books["tokens"]),
    }


class Steps:
    """Those of the page, with so many answered `calls` in between."""

    def __init__(self, site: Site, webs: dict[int, Process], before: Any, load: Load, calls: int) -> None:
        self.site, self.webs, self.before, self.load, self._calls = site, webs, before, load, calls
        self.old_ready: list[int] = []
        self.new_ready = 0

    async def go(self) -> None:
        calling = asyncio.create_task(self.load.run())
        try:
            staff = [await asyncio.to_thread(kind, "old") for kind in (self.site.worker, self.site.beat)]
            await self.some_calls("old code, old tables")
            self.new_ready = await asyncio.to_thread(self.too_early)
            await asyncio.to_thread(self.site.run, "new", "manage.py", "migrate", "--no-input", "-v0")
            self.old_ready = [ready(port) for port in self.webs]
            await self.some_calls("old code, new tables")
            for port in self.webs:
                await asyncio.to_thread(self.replace, port, "new")
                await self.some_calls("one more web process is new")
            for one, kind in zip(staff, (self.site.worker, self.site.beat), strict=True):
                await asyncio.to_thread(one.terminate)
                await asyncio.to_thread(kind, "new")
            await self.some_calls("all is new")
            for port in self.webs:
                await asyncio.to_thread(self.replace, port, "old")
            await self.some_calls("back to the old code")
        finally:
            self.load.stop()
            await calling

    def too_early(self) -> int:
        """What /readyz of a new web process says before the migrations."""
        port = free_port()
        process = self.site.web("new", port)
        try:
            wait_until(lambda: ready(port) != 0)
            return ready(port)
        finally:
            process.terminate()

    def replace(self, port: int, version: str) -> None:
        self.before.rest(port)
        self.webs[port].terminate()
        self.webs[port] = self.site.web(version, port)
        wait_until(lambda: ready(port) == 200)
        self.before.send_to(port)

    async def some_calls(self, when: str) -> None:
        enough = len(self.load.answers) + self._calls
        await until(lambda: len(self.load.answers) >= enough)
        print(f"{when}: {dict(Counter(self.load.answers))}", flush=True)


def ready(port: int) -> int:
    """The status of /readyz; 0 where nobody answers yet."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE_SECONDS) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except OSError:
        return 0


if __name__ == "__main__":
    main()
