"""Receivers of notices on loopback: a mail server and a web server that keep what they are given."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller

from providers.encryption import SealedValue
from tests.ports import free_port
from usage.models import AlertChannel


class Mailbox:
    """What a mail server was handed, as (recipients, text)."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append((envelope.rcpt_tos, envelope.content.decode()))
        return "250 taken"


@contextmanager
def mail_server(port):
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


class Hook:
    """What a web server was posted, as (headers, raw body, JSON); `status` is what it answers with."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/hook/s3cret-path"
        self.posts = []
        self.status = 204
        self.location = ""


@contextmanager
def web_server(port):
    hook = Hook(port)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts.append((dict(self.headers), body, json.loads(body)))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.end_headers()

        def do_GET(self):
            hook.posts.append((dict(self.headers), b"", None))
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def allow(settings, port):
    settings.ALERT_PRIVATE_HOSTS = [f"127.0.0.1:{port}"]


def use_mail_server(settings, port):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_IS_SET_UP = True


def make_channel(url="", *, secret="", **fields):
    """A webhook to `url`; mailboxes without one."""
    form = "webhook" if url else "email"
    fields = {"name": f"channel {free_port()}", "form": form, "minimum_severity": "info"} | fields
    if not url:
        fields.setdefault("recipients", "ops@example.com")
    return AlertChannel.objects.create(
        url=SealedValue.seal(url) if url else None,
        secret=SealedValue.seal(secret) if secret else None,
        **fields,
    )
