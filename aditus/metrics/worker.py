"""`/metrics` of a worker, which has no web server to ask."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from celery.signals import worker_ready
from django.conf import settings

from accounts import concurrency
from aditus.metrics import counting
from aditus.metrics.exposition import may_read, page
from aditus.metrics.state import shared_state
from usage.metrics.prometheus import PrometheusObserver

logger = logging.getLogger(__name__)

# Seconds for a client to send its request line and headers.
PATIENCE = 5


@worker_ready.connect
def answer_prometheus(**_: object) -> None:
    """Answer at METRICS_WORKER_ADDRESS from now on. A worker that cannot works on without."""
    observer, address = counting(), settings.METRICS_WORKER_ADDRESS
    if observer is None or not address:
        return
    host, _, port = address.rpartition(":")
    try:
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), _handler(observer))
    except (OSError, ValueError) as error:
        logger.error("The worker cannot answer Prometheus at %s: %s", address, error)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def _handler(observer: PrometheusObserver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE

        def do_GET(self) -> None:
            headers, address = self.headers, str(self.client_address[0])
            if self.path.partition("?")[0] != "/metrics":
                self._answer(404, b"", "text/plain")
            elif not may_read(authorization=headers.get("Authorization", ""), address=address):
                self._answer(401, b"", "text/plain")
            else:
                observer.instruments  # noqa: B018 - makes the folder where nothing was counted yet
                state = concurrency.run(shared_state())
                self._answer(200, *page(observer.folder, state, accept=headers.get("Accept", "")))

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """A scrape every few seconds is no news."""

    return Handler
