"""A web site on loopback whose pages behave as a test wants them to, and which counts what it was asked and
what it managed to send."""

import asyncio
import gzip
import json
import threading
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from tests.waiting import PATIENCE_SECONDS

POSTINGS = Path(__file__).parent.parent / "fixtures" / "postings"
CHUNK = b"<p>" + b"x" * 65_529 + b"</p>"


class Site:
    def __init__(self):
        self.requests = []
        self.sent_bytes = 0
        self.host = ""

    @property
    def root(self):
        return f"http://{self.host}"

    async def answer(self, request):
        self.requests.append(request)
        path = request.path
        if path.startswith("/postings/"):
            body = (POSTINGS / path.removeprefix("/postings/")).read_bytes()
            kind = "text/html" if path.endswith(".html") else "text/plain"
            return web.Response(body=body, content_type=kind, charset="utf-8")
        return await getattr(self, "page_" + path.strip("/").replace("-", "_"))(request)

    async def page_huge(self, request):
        """200 MB, sent as fast as the reader takes it; without a Content-Length."""
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        for _ in range(200 * 16):
            await response.write(CHUNK)
            self.sent_bytes += len(CHUNK)
        return response

    async def page_announced(self, request):
        return web.Response(body=b"x" * (6 * 1024 * 1024), content_type="text/html")

    async def page_bomb(self, request):
        """Half a megabyte that unpacks to half a gigabyte."""
        packed = gzip.compress(b"\0" * (8 * 1024 * 1024)) * 64
        return web.Response(body=packed, headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})

    async def page_slow(self, request):
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        while True:
            await response.write(b"<p>still")
            await asyncio.sleep(0.05)

    async def page_redirect(self, request):
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def page_loop(self, request):
        return web.Response(status=302, headers={"Location": "/loop"})

    async def page_status(self, request):
        return web.Response(status=int(request.query["code"]), text="<p>no</p>", content_type="text/html")

    async def page_pdf(self, request):
        return web.Response(body=b"%PDF-1.7", content_type="application/pdf")

    async def page_octets(self, request):
        return web.Response(body=b"<p>what am I</p>", content_type="application/octet-stream")

    async def page_latin(self, request):
        body = (
            "<html><head><meta charset='iso-8859-1'></head><body><h1>Küchenchef für Köln</h1></body></html>"
        )
        return web.Response(body=body.encode("latin-1"), headers={"Content-Type": "text/html"})

    async def page_cut(self, request):
        response = web.StreamResponse(headers={"Content-Type": "text/html", "Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"<p>only this")
        request.transport.close()
        return response

    async def page_brotli(self, request):
        return web.Response(
            body=b"\x0b\x02\x80x\x03", headers={"Content-Type": "text/html", "Content-Encoding": "br"}
        )

    async def page_cookies(self, request):
        return web.Response(
            status=302, headers={"Location": "/postings/prose.html", "Set-Cookie": "tracker=1; Path=/"}
        )

    async def page_several(self, request):
        listing = "".join(
            f'<script type="application/ld+json">{json.dumps({"@type": "JobPosting"} | posting)}</script>'
            for posting in (
                {"title": "Cook", "description": "Cooks."},
                {"title": "Waiter", "description": "Waits.", "industry": "Hotels"},
            )
        )
        return web.Response(text=f"<html><body>{listing}</body></html>", content_type="text/html")


@contextmanager
def running_site():
    site = Site()
    loop = asyncio.new_event_loop()

    async def start():
        application = web.Application()
        application.router.add_get("/{path:.*}", site.answer)
        runner = web.AppRunner(application)
        await runner.setup()
        server = web.TCPSite(runner, "127.0.0.1", 0)
        await server.start()
        site.host = f"127.0.0.1:{runner.addresses[0][1]}"
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, name="site", daemon=True)
    thread.start()
    try:
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=PATIENCE_SECONDS)
        loop.close()
