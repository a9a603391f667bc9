"""What the vendor suite is run over, and a server that remembers what it was sent."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from providers.registry import ProviderFactory
from tests.waiting import PATIENCE_SECONDS

# One key an adapter, in the shape of the first vendor over it in the registry, which stands for the others.
# An adapter without one here is an adapter without a contract.
KEYS = {
    "gemini": "AIzaSyCanary0123456789abcdefghijklmnop",
    "openai": "sk-canary0123456789abcdefghijklmnop",
    "claude": "sk-ant-canary0123456789abcdefghijkl",
    "local": "canary0123456789",
}


def make_adapter(provider_type, base_url, *, model_name="sandbox-mini", timeout=300.0, api_key=None):
    return ProviderFactory.create_provider(
        provider_type,
        api_key=KEYS[provider_type] if api_key is None else api_key,
        model_name=model_name,
        base_url=base_url,
        timeout=timeout,
    )


def key_in(headers):
    """The key of a request, in whichever header its vendor's SDK puts it; by lower-case names."""
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    return headers.get("x-api-key") or headers.get("x-goog-api-key") or bearer


class Recorder:
    """Answers every request with one status, headers and body, and keeps the requests. `reply_after` is an
    event that it waits for before it answers. `respond` decides otherwise: from method, path and key to
    status and body."""

    def __init__(self, *, status=500, headers=None, body=b"{}", reply_after=None, respond=None):
        self.requests = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                received = {name.lower(): value for name, value in self.headers.items()}
                recorder.requests.append((self.path, received, content))
                if reply_after:
                    reply_after.wait(PATIENCE_SECONDS)
                answer_status, answer_body = status, body
                if respond:
                    answer_status, answer_body = respond(self.command, self.path, key_in(received))
                self.send_response(answer_status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer_body)))
                self.end_headers()
                self.wfile.write(answer_body)

            do_GET = do_POST  # noqa: N815 - http.server's name

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exc):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=PATIENCE_SECONDS)
