"""The second factor: an authenticator app and backup codes. Changing functions write to the audit trail."""

from __future__ import annotations

import math
import secrets
import time
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn
from urllib.parse import quote, urlencode

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from accounts.audit import Actor, record
from accounts.errors import DomainError
from accounts.logins import end_logins
from accounts.models import Authenticator, BackupCode, User
from accounts.sealing import seal, unseal

ISSUER = "Aditus"
BACKUP_CODES = 10
_STEP_SECONDS = 30
_TOLERANCE = 1  # steps: a clock may be half a minute off


class WrongCode(DomainError):
    code = "otp_invalid"
    status = 401
    message = "This code is not right, or it was used already. Wait for the next one and try again."


class TooManyCodes(DomainError):
    code = "otp_throttled"
    status = 429
    message = "Too many wrong codes. Wait a little before the next one."


class NotEnrolled(DomainError):
    code = "mfa_not_enrolled"
    status = 409
    message = "No authenticator app is set up for this account. Set one up in the console first."


class UnreadableSecret(DomainError):
    code = "mfa_unreadable"
    status = 503
    message = (
        "The stored authenticator cannot be decrypted with the present FERNET_KEYS. An operator restores the "
        "key or runs `manage.py reset_mfa`."
    )


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an authenticator app needs: `uri` for the QR code, `secret` (base32) to type by hand."""

    uri: str
    secret: str


def begin_enrolment(*, user: User) -> Enrolment:
    """Prepare an authenticator for `user`; the same one until `finish_enrolment` has seen a code of it.
    One that is in use stays in use until then."""
    fields = {"name": "Authenticator app", "sealed_secret": seal(secrets.token_bytes(20))}
    device, _ = Authenticator.objects.get_or_create(user=user, confirmed=False, defaults=fields)
    try:
        key = _key_of(device)
    except UnreadableSecret:
        device.delete()
        return begin_enrolment(user=user)
    secret = b32encode(key).decode().rstrip("=")
    label = quote(f"{ISSUER}:{user.email}")
    query = urlencode({"secret": secret, "issuer": ISSUER})
    return Enrolment(uri=f"otpauth://totp/{label}?{query}", secret=secret)


def finish_enrolment(*, user: User, code: str, actor: Actor) -> list[str]:
    """Take the prepared authenticator into use and return new backup codes, to be shown once.

    Ends every other session and token of the user. Raises WrongCode, TooManyCodes, or NotEnrolled when
    nothing was prepared.
    """
    with transaction.atomic():
        device = Authenticator.objects.select_for_update().filter(user=user, confirmed=False).first()
        if device is None:
            raise NotEnrolled
        _refuse_while_throttled(device)
        if taken := _takes(device, code):
            Authenticator.objects.filter(user=user, confirmed=True).delete()
            device.confirmed, device.confirmed_at = True, timezone.now()
            device.throttle_reset()
            codes = _new_backup_codes(user)
            end_logins(user=user)
            record(action="mfa.enrolled", actor=actor, target=user)
        else:
            device.throttle_increment()
    if not taken:
        raise WrongCode
    _forget_cached(user)
    return codes


def verify(*, user: User, code: str, actor: Actor) -> None:
    """Accept a code of the authenticator app or a backup code; each is good once.

    Raises WrongCode, TooManyCodes (`retry_after` in seconds), NotEnrolled or UnreadableSecret.
    """
    with transaction.atomic():
        # The lock makes guesses of one account wait for each other, so none slips past the throttle.
        device = Authenticator.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            raise NotEnrolled
        _refuse_while_throttled(device)
        by_backup_code = _takes_backup_code(user, code)
        taken = by_backup_code or _takes(device, code)
        if taken:
            device.throttle_reset()
            if by_backup_code:
                record(action="mfa.backup_code_used", actor=actor, target=user)
        else:
            device.throttle_increment()
            record(action="mfa.verify", actor=actor, target=user, outcome="refused")
    if not taken:
        raise WrongCode


def renew_backup_codes(*, user: User, actor: Actor) -> list[str]:
    """New backup codes, to be shown once; the old ones stop working. Raises NotEnrolled."""
    with transaction.atomic():
        if not is_enrolled(user=user):
            raise NotEnrolled
        codes = _new_backup_codes(user)
        record(action="mfa.backup_codes_renewed", actor=actor, target=user)
    return codes


def backup_codes_left(*, user: User) -> int:
    return BackupCode.objects.filter(user=user, used_at=None).count()


def is_enrolled(*, user: User) -> bool:
    return Authenticator.objects.filter(user=user, confirmed=True).exists()


def remove(*, user: User, actor: Actor) -> None:
    """Forget the authenticator and the backup codes, and end every session and token of the user."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        BackupCode.objects.filter(user=user).delete()
        end_logins(user=user)
        record(action="mfa.removed", actor=actor, target=user)
    _forget_cached(user)


def _takes(device: Authenticator, code: str) -> bool:
    text = code.replace(" ", "")
    if not (text.isascii() and text.isdigit() and len(text) == 6):
        return False
    totp = TOTP(_key_of(device), _STEP_SECONDS)
    totp.time = time.time()
    if not totp.verify(int(text), _TOLERANCE, device.last_step + 1):
        return False
    device.last_step = totp.t()
    return True


def _takes_backup_code(user: User, code: str) -> bool:
    fresh = BackupCode.objects.filter(user=user, code_hash=_hash_of(code), used_at=None)
    return fresh.update(used_at=timezone.now()) == 1


def _new_backup_codes(user: User) -> list[str]:
    raw = [b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(BACKUP_CODES)]
    BackupCode.objects.filter(user=user).delete()
    BackupCode.objects.bulk_create([BackupCode(user=user, code_hash=_hash_of(code)) for code in raw])
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in raw]


def _hash_of(code: str) -> str:
    plain = code.lower().replace("-", "").replace(" ", "")
    return sha256(plain.encode("utf-8", "replace")).hexdigest()


def _refuse_while_throttled(device: Authenticator) -> None:
    allowed, info = device.verify_is_allowed()  # type: ignore[no-untyped-call]
    if not allowed:
        _wait(math.ceil((info["locked_until"] - timezone.now()).total_seconds()))


def _wait(seconds: int) -> NoReturn:
    raise TooManyCodes(
        f"Too many wrong codes. Wait {seconds} second{'' if seconds == 1 else 's'} before the next one.",
        retry_after=max(1, seconds),
    )


def _key_of(device: Authenticator) -> bytes:
    try:
        return unseal(device.sealed_secret)
    except InvalidToken:
        raise UnreadableSecret from None


def _forget_cached(user: User) -> None:
    user.__dict__.pop("has_second_factor", None)
