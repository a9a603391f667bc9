"""A typed key whose form is shown again for another reason: it comes back sealed, never as it was typed."""

from __future__ import annotations

import json

from cryptography.fernet import InvalidToken
from django.http import HttpRequest

from accounts.sealing import seal, unseal

FIELD = "held_key"
MAX_AGE_SECONDS = 1800


def hold(request: HttpRequest, api_key: str) -> str:
    """The key as a token that only the same person can send again."""
    return seal(json.dumps({"user": request.user.pk, "api_key": api_key}).encode())


def typed_or_held(request: HttpRequest) -> str:
    """The key that was typed, without blanks at its ends; else the one inside the token that was posted;
    empty where there is neither, or the token is another's or older than half an hour."""
    typed = request.POST.get("api_key", "").strip()
    token = request.POST.get(FIELD, "")
    if typed or not token:
        return typed
    try:
        held = json.loads(unseal(token, max_age=MAX_AGE_SECONDS))
    except InvalidToken:
        return ""
    return str(held["api_key"]) if held.get("user") == request.user.pk else ""
