"""What a person proves themselves with beside the password."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django_otp.models import Device, ThrottlingMixin

from accounts.models.sealed import SealedField

# Wrong codes double the wait from one second on; this many make about an hour, and it stays there, so that
# somebody who knows the password cannot keep the owner out for good.
MOST_FAILURES_COUNTED = 13


class Authenticator(ThrottlingMixin, Device):
    """An authenticator app (TOTP: SHA-1, 6 digits, 30 seconds). A person has at most one that is confirmed,
    and one that is being set up; `user`, `confirmed` and the throttle come from django-otp."""

    sealed_secret = SealedField(editable=False)
    # Of the last code that was taken; a code is good once.
    last_step = models.BigIntegerField(default=-1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "authenticators"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "confirmed"], name="authenticators_one_of_each_state")
        ]

    def get_throttle_factor(self) -> int:
        return 1

    def throttle_increment(self, commit: bool = True) -> None:  # noqa: FBT001 - django-otp's signature
        super().throttle_increment(commit=False)  # type: ignore[no-untyped-call]
        self.throttling_failure_count = min(self.throttling_failure_count, MOST_FAILURES_COUNTED)
        if commit:
            self.save()


class BackupCode(models.Model):
    """A code for the day the phone is lost. It has 80 random bits, so a plain hash cannot be searched."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="backup_codes")
    code_hash = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "backup_codes"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "code_hash"], name="backup_codes_one_per_code")
        ]

    def __str__(self) -> str:
        return f"Backup code of user {self.user_id}"
