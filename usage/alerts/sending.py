"""Handing one notice to one channel's receiver: by SMTP, or by a POST that goes nowhere but where it was
checked to go."""

from __future__ import annotations

import asyncio
import smtplib
import time

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, InvalidURL, TCPConnector
from django.conf import settings
from django.core.mail import EmailMessage
from yarl import URL

from accounts.concurrency import run
from providers.errors import UndecryptableKey
from providers.public_addresses import PublicAddressGuard, UncheckedAddress
from usage.alerts.errors import NotDelivered, ReceiverNotAllowed
from usage.alerts.notices import Form, Notice, encoded, payload, signature
from usage.models import AlertChannel

SECONDS = 10.0


class ReceiverGuard(PublicAddressGuard):
    """Guards the connections of one sending."""

    refusal = ReceiverNotAllowed


def send(channel: AlertChannel, notice: Notice, *, delivery: str) -> None:
    """Give `notice` to the channel's receiver; `delivery` names the sending, the same for each try of it.
    Synchronous; holds no transaction. Raises NotDelivered or ReceiverNotAllowed."""
    if channel.form == Form.EMAIL:
        _mail(channel, notice, delivery)
        return
    try:
        url = channel.url.reveal() if channel.url else ""
        secret = channel.secret.reveal() if channel.secret else ""
    except UndecryptableKey:
        raise NotDelivered("The channel's address cannot be decrypted. Enter it anew.") from None
    run(_post(url, encoded(payload(notice, channel.form)), secret=secret, delivery=delivery))


def checked_url(url: str) -> str:
    """The address of a receiver as it is called. Raises ReceiverNotAllowed for one that is malformed, or is
    plainly private; names are looked up when they are called."""
    return str(_target(ReceiverGuard(settings.ALERT_PRIVATE_HOSTS), url))


def _target(guard: ReceiverGuard, url: str) -> URL:
    try:
        return guard.check_url(URL(url.strip()))
    except ValueError as error:
        raise ReceiverNotAllowed from error


def _mail(channel: AlertChannel, notice: Notice, delivery: str) -> None:
    if not settings.EMAIL_IS_SET_UP:
        raise NotDelivered("E-mail is not set up. Give EMAIL_URL in the environment.")
    message = EmailMessage(
        subject=notice.subject,
        body=notice.text,
        to=channel.addresses,
        headers={"Auto-Submitted": "auto-generated", "X-Aditus-Delivery": delivery},
    )
    try:
        message.send()
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"The mail server refused with {error.smtp_code}.") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise NotDelivered("The mail server refused every recipient.") from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotDelivered(f"The mail could not be handed over ({type(error).__name__}).") from error


async def _post(url: str, body: bytes, *, secret: str, delivery: str) -> None:
    guard = ReceiverGuard(settings.ALERT_PRIVATE_HOSTS)
    target = _target(guard, url)
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Aditus/0.1 (alerts)",
        "X-Aditus-Delivery": delivery,
        "X-Aditus-Timestamp": str(timestamp),
    }
    if secret:
        headers["X-Aditus-Signature"] = signature(body, secret=secret, timestamp=timestamp)
    connector = TCPConnector(
        resolver=guard, socket_factory=guard.open_socket, use_dns_cache=False, force_close=True
    )
    try:
        async with (
            asyncio.timeout(SECONDS),
            ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                trust_env=False,
                timeout=ClientTimeout(total=None),
            ) as session,
            session.post(target, data=body, headers=headers, allow_redirects=False) as response,
        ):
            status = response.status
    except TimeoutError as error:
        raise NotDelivered(f"The receiver did not answer within {SECONDS:.0f} s.") from error
    except InvalidURL as error:
        raise ReceiverNotAllowed from error
    except (ClientError, OSError, UnicodeError) as error:
        if isinstance(error, UncheckedAddress) or isinstance(
            getattr(error, "os_error", None), UncheckedAddress
        ):
            raise ReceiverNotAllowed from error
        raise NotDelivered(f"The receiver could not be reached ({type(error).__name__}).") from error
    if not 200 <= status < 300:
        raise NotDelivered(f"The receiver answered {status}.")
