"""What the database keeps of logins: the family of an API login's tokens, and whose turn it is to guess."""

from __future__ import annotations

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone


class TokenFamily(models.Model):
    """One login at the API and every token that came of it. It has one refresh token that is good; the others
    are spent. `verified_at` is when the second factor was shown last (Unix seconds)."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    good_token = models.CharField(max_length=64)
    verified_at = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(default=timezone.now, db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "token_families"
        default_permissions = ()

    def __str__(self) -> str:
        return f"Tokens of user {self.user_id}"


class LoginTurn(models.Model):
    """An attempt to log in that is being looked at. `pair` digests email and address; another attempt of the
    same pair waits until this row is gone, or its time is up because its process died."""

    pair = models.CharField(primary_key=True, max_length=64)
    token = models.CharField(max_length=32)
    held_until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "login_turns"
        default_permissions = ()

    def __str__(self) -> str:
        return self.pair
