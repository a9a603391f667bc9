"""Clients of many machines: each request on a connection of its own, as behind a proxy that balances."""

import asyncio
import json
import urllib.request
from urllib.error import HTTPError

import aiohttp

from tests.waiting import PATIENCE_SECONDS


def post(root, path, body, token, **headers):
    """(status, headers, body as JSON)."""
    data = None if body is None else json.dumps(body).encode()
    named = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"{root}{path}", data, named)
    try:
        reply = urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)
    except HTTPError as refusal:
        reply = refusal
    with reply:
        return reply.status, reply.headers, json.load(reply)


def chat(root, token, said, **headers):
    """One call through the door."""
    body = {"model": "aditus/chat", "messages": [{"role": "user", "content": said}], "max_tokens": 50}
    return post(root, "/v1/chat/completions", body, token, **headers)


def chats(roots, token, said):
    """The statuses of many at once, each to the next of the roots."""

    async def one(session, number, text):
        body = {"model": "aditus/chat", "messages": [{"role": "user", "content": text}], "max_tokens": 50}
        url = f"{roots[number % len(roots)]}/v1/chat/completions"
        async with session.post(url, json=body) as reply:
            await reply.read()
            return reply.status

    async def all_of_them():
        async with session_of(token) as session:
            return await asyncio.gather(*(one(session, number, text) for number, text in enumerate(said)))

    return asyncio.run(all_of_them())


class Load:
    """So many lanes that call through `root`, one after the other, until `stop`. `answers` are statuses; -1
    is a connection that broke."""

    def __init__(self, root, token, *, lanes=6):
        self._url, self._token, self._lanes = f"{root}/v1/chat/completions", token, lanes
        self.answers, self._stopped = [], False

    async def run(self):
        async with session_of(self._token) as session:
            await asyncio.gather(*(self._lane(session, lane) for lane in range(self._lanes)))

    def stop(self):
        self._stopped = True

    async def _lane(self, session, lane):
        number = 0
        while not self._stopped:
            number += 1
            said = f"Say {number} in lane {lane}."
            body = {"model": "aditus/chat", "messages": [{"role": "user", "content": said}]}
            try:
                async with session.post(self._url, json=body | {"max_tokens": 50}) as reply:
                    await reply.read()
                    self.answers.append(reply.status)
            except aiohttp.ClientError:
                self.answers.append(-1)


def session_of(token):
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        headers={"Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
    )
