"""What alerts keep of a person who leaves."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from accounts.audit import Actor, record
from accounts.mentions import without
from accounts.models import User
from usage.models import AlertChannel, AlertDelivery, AlertEvent


def forget(user: User) -> None:
    """Take the person's e-mail address out of who acted on alerts and of their notes, of what a mail server
    said of a delivery, and of the mailboxes of channels. A channel with no other is switched off. To be
    called in the transaction in which the account is deleted."""
    AlertEvent.objects.filter(by__iexact=user.email).update(by="")
    for event in AlertEvent.objects.filter(note__icontains=user.email):
        AlertEvent.objects.filter(pk=event.pk).update(note=without(user.email, event.note))
    for delivery in AlertDelivery.objects.filter(problem__icontains=user.email):
        AlertDelivery.objects.filter(pk=delivery.pk).update(problem=without(user.email, delivery.problem))
    channels = AlertChannel.objects.select_for_update().order_by("pk")
    for channel in channels.filter(Q(recipients__icontains=user.email) | Q(name__icontains=user.email)):
        _take_from(channel, user)


def _take_from(channel: AlertChannel, user: User) -> None:
    before, was_active = channel.addresses, channel.is_active
    left = [address for address in before if address.lower() != user.email.lower()]
    channel.recipients = "\n".join(left)
    channel.name = without(user.email, channel.name)
    channel.is_active = was_active and (bool(left) or not before)
    channel.save(update_fields=["recipients", "name", "is_active", "updated_at"])
    changes: dict[str, list[Any]] = {
        "recipients": [len(before), len(left)],
        "is_active": [was_active, channel.is_active],
    }
    record(action="alertchannel.changed", actor=Actor.system(), target=channel, changes=changes)
