"""What asking the vendors for free has shown, and who does the asking."""

from django.db import models

from providers.models import AIProviderConfig


class ProviderProbe(models.Model):
    """The latest probe of a config: its vendor's cheapest free call, made without a user."""

    config = models.OneToOneField(AIProviderConfig, on_delete=models.CASCADE, related_name="probe")
    is_up = models.BooleanField(null=True)
    error_kind = models.CharField(max_length=30, blank=True)
    latency_ms = models.PositiveIntegerField(null=True)
    checked_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True, help_text="When `is_up` last changed.")
    next_at = models.DateTimeField()

    class Meta:
        db_table = "provider_probes"

    def __str__(self) -> str:
        return f"{self.config_id}: {'up' if self.is_up else 'down'}"


class Lease(models.Model):
    """Names the one process that may do a job until `expires_at`; taken by a conditional update."""

    name = models.CharField(max_length=50, primary_key=True)
    holder = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "leases"

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"
