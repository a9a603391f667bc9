"""The phone in the tests, which shows the codes of the secret that a person was given, and the time on it."""

import time
from base64 import b32decode
from datetime import timedelta

import time_machine
from django.utils import timezone
from django_otp.oath import TOTP

from accounts import second_factor
from accounts.audit import Actor
from accounts.models import AuditEntry


class Phone:
    """Shows the code of now, and when that was used the one of the next half minute, which is taken too."""

    def __init__(self, secret):
        plain = secret.replace(" ", "")
        self._key = b32decode(plain + "=" * (-len(plain) % 8))
        self._last_step = -1

    def code(self):
        totp = TOTP(self._key, 30)
        now = int(time.time())
        totp.time = max(now, (self._last_step + 1) * 30)
        assert totp.time < now + 31, "three codes within half a minute: travel in time first"
        self._last_step = totp.t()
        return f"{totp.token():06d}"


def enrol(user):
    """Give `user` an authenticator that is in use since a minute; the phone that goes with it."""
    with time_machine.travel(timezone.now() - timedelta(minutes=1), tick=False):
        phone = Phone(second_factor.begin_enrolment(user=user).secret)
        second_factor.finish_enrolment(user=user, code=phone.code(), actor=Actor.of_command("test"))
    return phone


def refusals():
    """Who was refused what and why, as the audit trail tells it."""
    entries = AuditEntry.objects.filter(outcome="refused", action="access.refused").order_by("number")
    return [(entry.actor_email, entry.target_label, entry.changes["reason"][1]) for entry in entries]


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)
