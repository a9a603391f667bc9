"""Personal access tokens: what a program shows to call models in a person's name."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from accounts.models.limits import cost_limit

STATES = tuple((state, state) for state in ("active", "expired", "revoked"))


class PersonalToken(models.Model):
    """A token of which only the hash is kept; `hint` is its beginning, by which its owner knows it again.

    Empty `tasks` and `model_names` allow all of them. The limits are the token's own, within those of its
    owner; token limits in tokens, cost limits in USD, null means no limit. `stamp` names all of it that calls
    go by, in one that was found by its secret on PostgreSQL; empty otherwise.
    """

    stamp = ""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="personal_tokens"
    )
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    tasks = models.JSONField(default=list, blank=True)
    model_names = models.JSONField(default=list, blank=True)
    daily_token_limit = models.PositiveBigIntegerField(null=True, blank=True)
    monthly_token_limit = models.PositiveBigIntegerField(null=True, blank=True)
    daily_cost_limit_usd = cost_limit("daily cost limit (USD)")
    monthly_cost_limit_usd = cost_limit("monthly cost limit (USD)")
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    max_concurrent_calls = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "personal_tokens"
        verbose_name = "personal access token"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def state_at(self, now: datetime) -> str:
        """One of STATES."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"
