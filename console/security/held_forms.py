"""A form that was sent without a fresh second factor is held while the person confirms, and then goes on.

The held form travels through the browser, encrypted, because it may carry an API key or a password and these
belong neither into a page nor into the session table.
"""

from __future__ import annotations

import json

from cryptography.fernet import InvalidToken
from django.http import HttpRequest, QueryDict

from accounts.sealing import seal, unseal

FIELD = "held_form"
CODE_FIELD = "otp"
MAX_AGE_SECONDS = 600


def can_hold(request: HttpRequest) -> bool:
    """Whether nothing would be lost: files are not held."""
    return request.method == "POST" and not request.FILES


def hold(request: HttpRequest) -> str:
    """The posted form as a token that only the same person can send again, to the same address."""
    content = {"user": request.user.pk, "path": request.get_full_path(), "form": request.POST.urlencode()}
    return seal(json.dumps(content).encode())


def released(request: HttpRequest) -> QueryDict | None:
    """The form inside the held one that `request` posted; None when it is not theirs, not for this address,
    or older than ten minutes."""
    try:
        content = json.loads(unseal(request.POST.get(FIELD, ""), max_age=MAX_AGE_SECONDS))
    except InvalidToken:
        return None
    if (content["user"], content["path"]) != (request.user.pk, request.get_full_path()):
        return None
    return QueryDict(content["form"])
