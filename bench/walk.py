"""How much of the house one call walks through: `python -m bench.walk`.

Counts, over a warm second call in this process, the project's files that an extraction from a text and a
CV draft enter, and how often they go from one file to another: a table of each, by file with its calls and
its lines, then the figures as JSON on the last line. The sandbox answers in a process of its own and is left
out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from django.conf import settings
from django.test import AsyncClient
from django.test.utils import (
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

from accounts.tokens import issue_pair
from aditus.demo.seeds import PROFILE_PATH
from bench import stage
from drafting.models import MasterProfile
from providers.models import AIProviderConfig
from providers.pool import close_connections

POSTING = (
    "Backend Engineer\nCompany: Jua Logistics\nLocation: Nairobi, Kenya\n"
    "You write Python and Django services for our freight platform and look after PostgreSQL.\n"
    "You have worked with REST APIs and know how to test what you write."
)


class Walk:
    """Calls into each file of the project while `is_on`, in whatever thread, and moves between files."""

    def __init__(self) -> None:
        self._root = f"{settings.BASE_DIR}{os.sep}"
        self.is_on = False
        self.restart()

    def restart(self) -> None:
        self.calls: Counter[str] = Counter()
        self.moves = 0
        self._last = ""

    def step(self, frame: FrameType, event: str, argument: object) -> None:
        name = frame.f_code.co_filename
        if not self.is_on or event != "call" or not name.startswith(self._root):
            return
        place = name.removeprefix(self._root)
        if place.startswith((".venv", "bench", "tests")):
            return
        self.calls[place] += 1
        self.moves += place != self._last
        self._last = place

    def print_table(self, name: str) -> None:
        print(f"{name}: {len(self.calls)} files, {self.moves} moves between them")
        print("  calls  lines  file")
        for place, calls in sorted(self.calls.items()):
            lines = Path(self._root, place).read_text().count("\n")
            print(f"  {calls:5}  {lines:5}  {place}")


def main() -> None:
    walk = Walk()
    # Before any thread is there: a profile function reaches only the threads that start after it.
    threading.setprofile(walk.step)
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        with stage.sandbox() as root:
            [user] = stage.seed(root)
            AIProviderConfig.objects.exclude(provider_type="openai").delete()
            stage.turn_to_sandbox(root)
            profile = MasterProfile.objects.create(
                user=user, name="Walk", resume=json.loads(Path(PROFILE_PATH).read_text())
            )
            access = issue_pair(user=user, verified_at=None)["access"]
            counted = asyncio.run(walked(walk, access, profile.pk))
    finally:
        teardown_databases(databases, verbosity=0)
        teardown_test_environment()
    print(json.dumps(counted))


async def walked(walk: Walk, access: str, profile_id: int) -> dict[str, int]:
    """The figures of the last line: files and moves of each of the two calls."""
    client, counted = AsyncClient(), {}

    async def post(path: str, body: dict[str, Any]) -> Any:
        response = await client.post(
            f"/api/v1/{path}",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {access}"},
        )
        if response.status_code not in {200, 201}:
            raise RuntimeError(f"{path} answered {response.status_code}: {response.content[:500]!r}")
        return response.json()["data"]

    job = await post("job-extractor/extract", {"text": POSTING})
    draft = {"job_id": job["job_id"], "profile_id": profile_id}
    calls = {
        "extraction": ("job-extractor/extract", {"text": f"{POSTING}\nStart: soon."}),
        "draft": ("cv-drafter/draft", draft),
    }
    await post(*calls["draft"])
    for name, (path, body) in calls.items():
        walk.restart()
        walk.is_on = True
        sys.setprofile(walk.step)
        await post(path, body)
        sys.setprofile(None)
        walk.is_on = False
        counted |= {f"{name}_files": len(walk.calls), f"{name}_moves": walk.moves}
        walk.print_table(name)
    await close_connections()
    return counted


if __name__ == "__main__":
    main()
