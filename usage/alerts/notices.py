"""What a channel is told: one message of one event or several, in the form that its receiver takes. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from usage.alerts.conditions import GROUPS, kind_of
from usage.models import AlertChannel, AlertEvent, Severity

Form = AlertChannel.Form
VERSION = 1
# Receivers cut or refuse messages that are longer; an e-mail has all of them.
_MOST_IN_A_CHAT = 20
_MOST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it is told. `delivery` names the sending: the same again means the same event again."""

    delivery: int
    alert: int
    what: str
    kind: str
    group: str
    severity: str
    message: str
    at: datetime
    note: str = ""
    episode: int = 0
    provider_config_id: int | None = None
    model_name: str = ""
    figures: dict[str, Any] | None = None

    @classmethod
    def of(cls, delivery: int, event: AlertEvent) -> Line:
        alert = event.alert
        return cls(
            delivery=delivery,
            alert=alert.pk,
            what=event.what,
            kind=alert.kind,
            group=alert.group,
            severity=event.severity,
            message=event.message,
            at=event.at,
            note=event.note,
            episode=event.episode,
            provider_config_id=alert.provider_config_id,
            model_name=alert.model_name,
            figures=alert.figures,
        )

    @property
    def sentence(self) -> str:
        head = "RESOLVED" if self.what == AlertEvent.What.RESOLVED else self.severity.upper()
        kind = kind_of(self.kind)
        return f"{head} · {kind.title if kind else self.kind} · {self.message}"


@dataclass(frozen=True, slots=True)
class Notice:
    """`is_digest`: it was held in quiet hours. Without lines it is a test. `console` is where the alerts can
    be seen, empty when the installation does not know its address."""

    lines: tuple[Line, ...]
    sent_at: datetime
    is_digest: bool = False
    console: str = ""

    @property
    def subject(self) -> str:
        if not self.lines:
            return "Aditus: a test of this channel"
        if len(self.lines) == 1:
            return " ".join(f"Aditus: {self.lines[0].sentence}".split())[:180]
        open_ones = [line for line in self.lines if line.what != AlertEvent.What.RESOLVED]
        critical = sum(line.severity == Severity.CRITICAL for line in open_ones)
        what = "digest of quiet hours, " if self.is_digest else ""
        worst = f", {critical} critical" if critical else ""
        resolved = len(self.lines) - len(open_ones)
        return f"Aditus: {what}{number_of(len(open_ones), 'alert')}{worst}, {resolved} resolved"

    @property
    def text(self) -> str:
        if not self.lines:
            parts = ["This is a test: alerts sent to this channel arrive."]
        else:
            parts = []
            for group, title in GROUPS.items():
                lines = [line for line in self.lines if line.group == group]
                if lines:
                    parts.append("\n".join([title, *(_in_text(line) for line in lines)]))
        if self.console:
            parts.append(self.console)
        return "\n\n".join(parts) + "\n"


def number_of(number: int, noun: str) -> str:
    """ "1 call", "2 calls", for nouns that form their plural so."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def payload(notice: Notice, form: str) -> dict[str, Any]:
    """The JSON that a receiver of the form takes. Raises ValueError for a form that is no web address."""
    if form == Form.WEBHOOK:
        return _plain(notice)
    if form == Form.SLACK:
        return _slack(notice)
    if form == Form.TEAMS:
        return _teams(notice)
    raise ValueError(f"{form} takes no JSON.")


def encoded(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def signature(body: bytes, *, secret: str, timestamp: int) -> str:
    """What proves that a body comes from here: HMAC-SHA256 over the timestamp (seconds since the epoch), a
    dot and the body, as `v1=` and hexadecimal digits."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"v1={digest}"


def _plain(notice: Notice) -> dict[str, Any]:
    return {
        "version": VERSION,
        "sent_at": notice.sent_at.isoformat(),
        "is_test": not notice.lines,
        "is_digest": notice.is_digest,
        "subject": notice.subject,
        "console": notice.console,
        "events": [
            {
                "delivery": line.delivery,
                "alert": line.alert,
                "episode": line.episode,
                "event": line.what,
                "kind": line.kind,
                "group": line.group,
                "severity": line.severity,
                "message": line.message,
                "note": line.note,
                "at": line.at.isoformat(),
                "provider_config_id": line.provider_config_id,
                "model_name": line.model_name,
                "figures": line.figures or {},
            }
            for line in notice.lines
        ],
    }


def _slack(notice: Notice) -> dict[str, Any]:
    """Slack's incoming webhook: `text` in its mrkdwn, where three characters have to be escaped."""
    lines = [f"*{_slack_text(notice.subject)}*", *(_slack_text(line) for line in _in_chat(notice))]
    return {"text": "\n".join(lines), "unfurl_links": False}


def _slack_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(notice: Notice) -> dict[str, Any]:
    """A Teams workflow's "when a webhook request is received": an Adaptive Card."""
    texts = [notice.subject, *_in_chat(notice)]
    blocks = [{"type": "TextBlock", "text": _teams_text(text), "wrap": True} for text in texts]
    blocks[0]["weight"] = "Bolder"
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return {"type": "message", "attachments": [attachment]}


def _teams_text(text: str) -> str:
    """Without the characters that would make it a link or formatting."""
    return "".join(f"\\{sign}" if sign in "\\[]*_`" else sign for sign in text)


def _in_chat(notice: Notice) -> list[str]:
    if not notice.lines:
        return [line for line in notice.text.split("\n") if line]
    told = [line.sentence[:_MOST_CHARACTERS] for line in notice.lines[:_MOST_IN_A_CHAT]]
    if more := len(notice.lines) - len(told):
        told.append(f"And {more} more.")
    return [*told, notice.console] if notice.console else told


def _in_text(line: Line) -> str:
    return f"- {line.at:%Y-%m-%d %H:%M} UTC · {line.sentence}"
