"""Views that stay on the event loop: without one thread, and otherwise as all others."""

import asyncio
import json

import pytest
from asgiref.sync import SyncToAsync
from django.test import override_settings
from django.urls import reverse

from accounts.tokens import issue_pair
from aditus.loop_views import LoopHandler

pytestmark = pytest.mark.django_db(transaction=True)

LOOP_VIEWS = "aditus.loop_views.loop_views_middleware"


@pytest.fixture
def token(user):
    return issue_pair(user=user, verified_at=None)["access"]


@pytest.fixture
def hops(monkeypatch):
    """The functions that were taken into a thread."""
    taken, original = [], SyncToAsync.__call__

    async def noted(self, *args, **kwargs):
        taken.append(self.func)
        return await original(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)
    return taken


def ask(path, *, method="POST", body=b"{}", headers=None, until=None, serve=None):
    """Status, headers and body of what the ASGI application answers. The client leaves as soon as the list
    `until` has something in it; then None. `serve` awaits the application as a server does."""
    sent = []
    incoming = [{"type": "http.request", "body": body}]

    async def receive():
        while not incoming and not until:
            await asyncio.sleep(0.01)
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    all_headers = {"host": "testserver", "content-type": "application/json", "content-length": str(len(body))}
    all_headers |= headers or {}
    raw = [(name.encode(), value.encode()) for name, value in all_headers.items()]
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"",
        "headers": raw, "client": ("127.0.0.1", 5000), "server": ("testserver", 80), "scheme": "http",
    }  # fmt: skip
    answering = LoopHandler()(scope, receive, send)
    asyncio.run(serve(answering) if serve else answering)
    if not sent:
        return None
    start, *parts = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    found.pop("X-Request-ID", None)
    return start["status"], found, b"".join(part["body"] for part in parts)


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_it_takes_nothing_into_a_thread(token, hops):
    assert ask(reverse("healthz"), method="GET")[0] == 200
    assert ask(reverse("v1:job-extract"), method="OPTIONS", headers=bearer(token))[0] == 200

    assert hops == []


def test_another_view_is_taken_into_one(hops):
    """The control: so these are counted."""
    assert ask(reverse("readyz"), method="GET")[0] == 200

    assert len(hops) > 5


@pytest.mark.parametrize(
    ("method", "body", "headers", "status"),
    [
        ("POST", b'{"text": ""}', {}, 400),
        ("POST", b"{", {}, 400),
        ("POST", b"{}", {"authorization": "Bearer wrong"}, 401),
        ("DELETE", b"", {}, 405),
        ("OPTIONS", b"", {"origin": "https://elsewhere.example"}, 200),
        ("POST", b"{}", {"host": "elsewhere.example"}, 400),
        ("POST", b"{}", {"accept": "text/csv"}, 406),
        ("POST", b"{}", {"content-type": "text/csv"}, 415),
    ],
)
def test_it_says_what_it_says_behind_all_middlewares(settings, token, method, body, headers, status):
    settings.ALLOWED_HOSTS = ["testserver"]
    question = {"method": method, "body": body, "headers": bearer(token) | headers}

    on_the_loop = ask(reverse("v1:job-extract"), **question)
    others = [name for name in settings.MIDDLEWARE if name != LOOP_VIEWS]
    with override_settings(MIDDLEWARE=others):
        behind = ask(reverse("v1:job-extract"), **question)

    assert on_the_loop[0] == status
    assert on_the_loop == behind


def test_it_is_served_over_https_only_where_the_others_are(settings, token):
    settings.SECURE_SSL_REDIRECT = True

    status, headers, _ = ask(reverse("v1:job-extract"), headers=bearer(token))

    assert (status, headers["Location"][:8]) == (301, "https://")


def test_a_client_that_leaves_ends_the_work_for_it_without_a_thread(token, monkeypatch, hops):
    begun, ended = [], []

    async def waiting(self, request):
        begun.append(True)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    monkeypatch.setattr("extraction.api.views.ExtractView.post", waiting)

    assert ask(reverse("v1:job-extract"), headers=bearer(token), until=begun) is None
    assert (ended, hops) == (["cancelled"], [])


def test_a_server_that_breaks_a_request_off_ends_the_work_for_it_before_it_ends(token, monkeypatch):
    begun, ended, seen = [], [], []

    async def waiting(self, request):
        begun.append(True)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("settled")

    async def end_meanwhile(answering):
        request = asyncio.ensure_future(answering)
        while not begun:
            await asyncio.sleep(0.01)
        request.cancel()
        await asyncio.wait([request])
        seen.extend(ended)

    monkeypatch.setattr("extraction.api.views.ExtractView.post", waiting)

    assert ask(reverse("v1:job-extract"), headers=bearer(token), serve=end_meanwhile, until=[]) is None
    assert seen == ["settled"]


def test_probes_and_prometheus_are_answered_by_whatever_name_they_call(settings, token):
    settings.ALLOWED_HOSTS = ["testserver"]
    by_address = {"host": "10.1.2.3:8000"}

    assert ask("/healthz", method="GET", headers=by_address)[0] == 200
    # Off in this suite; what it is not is refused for its name.
    assert ask("/metrics", method="GET", headers=by_address)[0] == 404
    assert ask(reverse("v1:job-extract"), headers=bearer(token) | by_address)[0] == 400


def test_a_bug_is_answered_by_the_envelope(token, monkeypatch):
    async def broken(self, request):
        raise KeyError("sk-canary")

    monkeypatch.setattr("extraction.api.views.ExtractView.post", broken)

    status, _, body = ask(reverse("v1:job-extract"), headers=bearer(token))

    assert (status, json.loads(body)["error"]["code"]) == (500, "error")
    assert b"canary" not in body
