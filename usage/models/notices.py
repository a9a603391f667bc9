"""Where alerts are sent, and what became of each sending."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import Q

from providers.encryption import SealedTextField
from usage.models.alerts import AlertEvent, Severity


def validate_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Enter a time zone, such as Europe/Berlin.", code="invalid")


class AlertChannel(models.Model):
    """A way to somebody: mailboxes, or a web address, which is sealed as it is a secret with most vendors."""

    class Form(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook (JSON)"
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"

    name = models.CharField(max_length=100, unique=True)
    form = models.CharField(max_length=8, choices=Form.choices)
    is_active = models.BooleanField("active", default=True)
    recipients = models.TextField(blank=True, help_text="Of an e-mail, one address a line.")
    url = SealedTextField(null=True, editable=False)
    url_hint = models.CharField(max_length=260, blank=True, editable=False)
    secret = SealedTextField(null=True, editable=False)
    minimum_severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.WARNING)
    kinds = models.JSONField(default=list, blank=True, help_text="None chosen: all.")
    sends_resolved = models.BooleanField(
        "tells what is resolved", default=True, help_text="Of what was told before."
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(
        null=True, blank=True, help_text="What comes meanwhile is sent then, as one digest."
    )
    time_zone = models.CharField(max_length=60, default="UTC", validators=[validate_zone])
    critical_in_quiet_hours = models.BooleanField(
        "critical goes through", default=True, help_text="Critical alerts are sent in quiet hours too."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "alert_channels"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def addresses(self) -> list[str]:
        return self.recipients.replace(",", " ").split()

    def clean(self) -> None:
        super().clean()
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValidationError({"quiet_until": "Give both ends of the quiet hours, or neither."})
        if self.form != self.Form.EMAIL:
            return
        if not self.addresses:
            raise ValidationError({"recipients": "Enter at least one e-mail address."})
        for address in self.addresses:
            try:
                validate_email(address)
            except ValidationError:
                raise ValidationError({"recipients": f"{address} is no e-mail address."}) from None

    def wants(self, *, kind: str, severity: str) -> bool:
        is_grave_enough = Severity(severity).rank <= Severity(self.minimum_severity).rank
        return is_grave_enough and (not self.kinds or kind in self.kinds)


class AlertDelivery(models.Model):
    """One event on its way to one channel; without an event, a test. Written with the event, claimed by who
    sends it: beat or workers that run twice find it taken."""

    class State(models.TextChoices):
        DUE = "due", "Due"
        SENT = "sent", "Sent"
        DEAD = "dead", "Given up"

    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(AlertEvent, on_delete=models.CASCADE, null=True, related_name="deliveries")
    state = models.CharField(max_length=4, choices=State.choices, default=State.DUE)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    was_held = models.BooleanField("held in quiet hours", default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim = models.CharField(max_length=32, blank=True)
    claimed_until = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "alert_deliveries"
        verbose_name_plural = "alert deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["channel", "event"], name="alert_deliveries_once_per_event")
        ]
        indexes = [models.Index(fields=["due_at"], name="alert_deliveries_due", condition=Q(state="due"))]

    def __str__(self) -> str:
        return f"{self.channel}: {self.event or 'test'}"
