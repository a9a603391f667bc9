"""A web site on loopback whose pages behave as a test wants them to, and which counts what it was asked and
what it managed to send."""

import asyncio
import gzip
import json
import threading
import zlib
from contextlib import contextmanager
from pathlib import Path

import brotli
from aiohttp import web
from backports import zstd

from tests.waiting import PATIENCE_SECONDS

POSTINGS = Path(__file__).parent.parent / "fixtures" / "postings"
CHUNK = b"<p>" + b"x" * 65_529 + b"</p>"


class Site:
    def __init__(self):
        self.requests = []
        self.sent_bytes = 0
        self.host = ""
        self.html = b""
        self.inner = b""
        self.pdf = b"%PDF-1.7"

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

    async def page_answer(self, request):
        """The status and a Location as the address says, and what the test put into `html`, as `type`."""
        headers = {"Content-Type": request.query.get("type", "text/html"), "Location": request.query["to"]}
        return web.Response(status=int(request.query["code"]), body=self.html, headers=headers)

    async def page_status(self, request):
        return web.Response(status=int(request.query["code"]), text="<p>no</p>", content_type="text/html")

    async def page_pdf(self, request):
        return web.Response(body=self.pdf, content_type="application/pdf")

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
            body=b"this is no brotli at all", headers={"Content-Type": "text/html", "Content-Encoding": "br"}
        )

    async def page_packed(self, request):
        body = b"<h1>Cook</h1>" + b"<p>You cook.</p>" * 50
        return packed(body, request.query["with"])

    async def page_packed_bomb(self, request):
        return packed(b"\0" * (50 * 1024 * 1024), request.query["with"])

    async def page_refresh(self, request):
        target = request.query["to"]
        page = f"<head><meta http-equiv='refresh' content='0; url={target}'></head><p>Moved</p>"
        return web.Response(text=page, content_type="text/html")

    async def page_octet_pdf(self, request):
        return web.Response(body=b"%PDF-1.7", content_type="application/octet-stream")

    async def page_false_pdf(self, request):
        return web.Response(body=b"<p>no pdf</p>", content_type="application/pdf")

    async def page_picture(self, request):
        return web.Response(body=b"\x89PNG", content_type="image/png")

    async def page_binary(self, request):
        return untyped(request, b"\x7fELF\0\0\0\1")

    async def page_plain_html(self, request):
        return web.Response(text="<!doctype html><h1>Cook</h1>", content_type="text/plain")

    async def page_plain(self, request):
        return web.Response(text="Cook\nYou use a < b and <br> tags.", content_type="text/plain")

    async def page_untyped_html(self, request):
        return untyped(request, b"<!doctype html><h1>Cook</h1>")

    async def page_untyped_json(self, request):
        return untyped(request, b'{"@type": "JobPosting"}')

    async def page_untyped_text(self, request):
        return untyped(request, b"Cook wanted")

    async def page_json_ld(self, request):
        return web.Response(text='{"@type": "JobPosting"}', content_type="application/ld+json")

    async def page_html(self, request):
        """Whatever the test put into `html`, as bytes."""
        return web.Response(body=self.html, headers={"Content-Type": "text/html"})

    async def page_inner(self, request):
        return web.Response(body=self.inner, headers={"Content-Type": "text/html"})

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


def quick_brotli(body):
    return brotli.compress(body, quality=1)


def packed(body, packing):
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": quick_brotli, "zstd": zstd.compress}
    return web.Response(
        body=pack[packing](body), headers={"Content-Type": "text/html", "Content-Encoding": packing}
    )


def untyped(request, body):
    """A reply without a Content-Type, which the server would add by itself."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    request.transport.write(head.encode() + body)
    request.transport.close()
    return web.Response()


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

    thread = threading.Thread(target=loop.run_forever, name="site", daemon=True)
    thread.start()
    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(timeout=PATIENCE_SECONDS)
    try:
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=PATIENCE_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=PATIENCE_SECONDS)
        loop.close()
