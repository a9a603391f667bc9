"""What the processes of `forked` do here: be clients of the API, through the real ASGI handler."""

import asyncio
import json
import os

if __name__ != "__mp_main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test import AsyncClient  # noqa: E402

import aditus.urls  # noqa: E402, F401 - slow to import, so once for all
from accounts import concurrency  # noqa: E402
from providers.adapters import claude, gemini, openai  # noqa: E402, F401 - slow to import, so once for all


def work(pipe, *, token):
    """Obey until the pipe breaks."""
    settings.ALLOWED_HOSTS.append("testserver")
    pipe.send("ready")
    while True:
        try:
            what, details = pipe.recv()
        except EOFError:
            return
        pipe.send(globals()[what](token, **details))


def post(token, *, path, body, keys):
    """(status, whether it was answered again, body) of a request with each of these keys: all are sent at
    once, and each again for as long as the first is worked on."""

    async def one(key):
        headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
        while True:
            response = await AsyncClient().post(
                path, json.dumps(body), content_type="application/json", headers=headers
            )
            if response.status_code != 409:
                again = response.headers.get("Idempotent-Replayed") == "true"
                return response.status_code, again, response.content
            await asyncio.sleep(0.05)

    async def all_of_them():
        return await asyncio.gather(*map(one, keys))

    return concurrency.run(all_of_them())
