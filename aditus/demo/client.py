"""What a client app does with the API, as the demo does it."""

from __future__ import annotations

from typing import Any

import aiohttp


class ApiRefusal(Exception):
    """The API answered with an error envelope."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{status} {error['code']}: {error['message']}")
        self.status = status
        self.code: str = error["code"]
        self.message: str = error["message"]


class ApiClient:
    """Signed in by email and password. Use as an async context manager."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._headers: dict[str, str] = {}

    async def __aenter__(self) -> ApiClient:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def sign_in(self, email: str, password: str) -> None:
        tokens = await self.post("auth/token", {"email": email, "password": password})
        self._headers = {"Authorization": f"Bearer {tokens['access']}"}

    async def get(self, path: str) -> Any:
        async with self._session.get(f"{self._root}/api/v1/{path}", headers=self._headers) as response:
            return await _data(response)

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        url = f"{self._root}/api/v1/{path}"
        async with self._session.post(url, json=body, headers=self._headers) as response:
            return await _data(response)

    async def upload(self, path: str, field: str, content: bytes, filename: str) -> Any:
        form = aiohttp.FormData()
        form.add_field(field, content, filename=filename)
        url = f"{self._root}/api/v1/{path}"
        async with self._session.post(url, data=form, headers=self._headers) as response:
            return await _data(response)

    async def download(self, path: str) -> bytes:
        async with self._session.get(f"{self._root}/api/v1/{path}", headers=self._headers) as response:
            if response.status != 200:
                await _data(response)
            return await response.read()


async def _data(response: aiohttp.ClientResponse) -> Any:
    body = await response.json()
    if not body["success"]:
        raise ApiRefusal(response.status, body["error"])
    return body["data"]
