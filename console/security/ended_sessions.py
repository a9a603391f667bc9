"""A form that was sent after its session had ended: what was typed waits, sealed, for the same person in the
same browser, and is back in the form once they have logged in. Keys and passwords are not kept.

Who somebody was is known by a cookie of its own, because the session that knew is gone. Without it nothing is
held, so that nobody from outside can fill the session table.
"""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.sealing import seal, unseal
from console.security import held_forms

COOKIE = "console_person"
MAX_AGE_SECONDS = 1800
MOST_LETTERS = 200_000
_KNOWN_FOR_SECONDS = 30 * 24 * 3600
_IN_SESSION = "held_form"
_SECRET_NAMES = frozenset({"api_key", "new_url", held_forms.CODE_FIELD, "held_key", held_forms.FIELD})
_SECRET_PARTS = ("password", "secret")
# What buttons and pages send along; a form of nothing else has nothing in it that somebody typed.
_SENT_ALONG = frozenset(
    {"csrfmiddlewaretoken", "next", "sure", "_save", "_continue", "_addanother", "_popup", "_to_field"}
)
TOLD = "Your session had ended. What you typed is in the form again; nothing of it was stored yet."
WITHOUT_KEYS = "Keys and passwords are not kept: enter them again."


def is_secret(name: str) -> bool:
    """Whether a field of this name may hold a key or a password."""
    return name in _SECRET_NAMES or any(part in name for part in _SECRET_PARTS)


def remember_person(request: HttpRequest, response: HttpResponse) -> None:
    """Let this browser say who was here, for when the session no longer can."""
    if _person_of(request) == request.user.pk:
        return
    response.set_cookie(
        COOKIE,
        seal(str(request.user.pk).encode()),
        max_age=_KNOWN_FOR_SECONDS,
        path=reverse("admin:index"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def hold(request: HttpRequest) -> str:
    """Keep the posted form for whoever was here, if that is known; the address of the page it was on, or of
    the front page."""
    page = _page_of(request)
    person = request.user.pk or _person_of(request)
    is_without_keys = any(is_secret(name) and request.POST[name] for name in request.POST)
    typed = {
        name: values
        for name, values in request.POST.lists()
        if name not in _SENT_ALONG and not is_secret(name)
    }
    content = {
        "user": person,
        "page": page,
        "action": request.get_full_path(),
        "typed": typed,
        "is_without_keys": is_without_keys,
    }
    text = json.dumps(content)
    if person and typed and held_forms.can_hold(request) and len(text) <= MOST_LETTERS:
        request.session[_IN_SESSION] = seal(text.encode())
    return page


def give_back(request: HttpRequest) -> dict[str, Any] | None:
    """What `request`, which opens the page of a held form, is to fill in: `action` and `typed`, the values by
    the name of the field. With one page only, and the person is told; None when nothing of theirs is held for
    this page."""
    if hasattr(request, "given_back"):
        return cast("dict[str, Any] | None", request.given_back)
    request.given_back = None  # type: ignore[attr-defined]
    token = request.session.get(_IN_SESSION) if request.method == "GET" else None
    if token is None:
        return None
    held = _opened(token)
    if held is not None and held["user"] == request.user.pk and held["page"] != request.get_full_path():
        return None
    del request.session[_IN_SESSION]
    if held is None or held["user"] != request.user.pk:
        return None
    messages.warning(request, f"{TOLD} {WITHOUT_KEYS}" if held["is_without_keys"] else TOLD)
    given_back = {"action": held["action"], "typed": held["typed"]}
    request.given_back = given_back  # type: ignore[attr-defined]
    return given_back


def _opened(token: str) -> dict[str, Any] | None:
    try:
        held: dict[str, Any] = json.loads(unseal(token, max_age=MAX_AGE_SECONDS))
    except InvalidToken:
        return None
    return held


def _person_of(request: HttpRequest) -> int | None:
    try:
        return int(unseal(request.COOKIES.get(COOKIE, ""), max_age=_KNOWN_FOR_SECONDS))
    except (InvalidToken, ValueError):
        return None


def _page_of(request: HttpRequest) -> str:
    """The page of the console that the form was sent from, by the browser's word."""
    sent_from = urlsplit(request.headers.get("Referer", ""))
    home: str = reverse("admin:index")
    if sent_from.netloc != request.get_host() or not sent_from.path.startswith(home):
        return home
    return f"{sent_from.path}?{sent_from.query}" if sent_from.query else sent_from.path
