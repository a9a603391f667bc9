"""Notices on their way: they arrive at real servers, once, also after the receiver was down."""

import hashlib
import hmac
import logging
from datetime import UTC, datetime, time, timedelta
from email import message_from_string, policy

import pytest
from django.utils import timezone

from accounts.audit import Actor
from accounts.models import AuditEntry
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.ports import free_port
from tests.usage.alerts.receivers import allow, mail_server, make_channel, use_mail_server, web_server
from usage.alerts import delivery, records
from usage.alerts.errors import ChannelNotFound, NotDelivered, ReceiverNotAllowed
from usage.alerts.judging import check
from usage.alerts.quiet_hours import quiet_until
from usage.models import Alert, AlertDelivery

pytestmark = pytest.mark.django_db

ACTOR = Actor(door="admin", email="root@example.com")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def hook(settings, port):
    allow(settings, port)
    with web_server(port) as hook:
        yield hook


def switch(*, on, now=None):
    """Turn the only provider on or off, which an alert tells of, and look."""
    if not AIProviderConfig.objects.exists():
        make_config()
    AIProviderConfig.objects.update(is_active=on)
    check(now=now or timezone.now())


def events_of(hook):
    return [(event["kind"], event["event"]) for _, _, body in hook.posts for event in body["events"]]


def test_a_webhook_arrives_once_signed_and_its_end_too(hook):
    make_channel(hook.url, secret="hush")
    switch(on=False)

    delivery.send_due(now=timezone.now())
    delivery.send_due(now=timezone.now())
    switch(on=True)
    delivery.send_due(now=timezone.now())

    assert events_of(hook) == [("no_usable_provider", "opened"), ("no_usable_provider", "resolved")]
    headers, raw, body = hook.posts[0]
    signed = f"{headers['X-Aditus-Timestamp']}.".encode() + raw
    assert headers["X-Aditus-Signature"] == f"v1={hmac.new(b'hush', signed, hashlib.sha256).hexdigest()}"
    assert abs(int(headers["X-Aditus-Timestamp"]) - timezone.now().timestamp()) < 3_600
    assert body["events"][0]["severity"] == "critical"
    assert set(AlertDelivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_mail_arrives_at_every_mailbox(settings, port):
    use_mail_server(settings, port)
    make_channel(recipients="ops@example.com\nada@example.com")
    switch(on=False)

    with mail_server(port) as box:
        sent = delivery.send_due(now=timezone.now())

    assert sent.sent == 1
    ((recipients, text),) = box.mails
    assert recipients == ["ops@example.com", "ada@example.com"]
    mail = message_from_string(text, policy=policy.default)
    assert mail["Subject"].strip().startswith("Aditus: CRITICAL · No provider can be used")
    assert "Switch one on" in mail.get_content()


def test_what_a_receiver_that_was_down_missed_is_sent_after_it_is_back(settings, port):
    allow(settings, port)
    mail_port = free_port()
    use_mail_server(settings, mail_port)
    make_channel(f"http://127.0.0.1:{port}/hook")
    make_channel()
    now = timezone.now()
    switch(on=False, now=now)
    assert delivery.send_due(now=now).failed == 2
    switch(on=True, now=now + MINUTE)
    assert delivery.send_due(now=now + MINUTE).failed == 4

    with web_server(port) as hook, mail_server(mail_port) as box:
        early = delivery.send_due(now=now + 1.5 * MINUTE)
        sent = delivery.send_due(now=now + 4 * MINUTE)

    assert (early.sent, sent.sent) == (0, 4)
    assert events_of(hook) == [("no_usable_provider", "opened"), ("no_usable_provider", "resolved")]
    assert len(box.mails) == 1


def test_pauses_double_up_to_an_hour_and_then_it_is_given_up(settings, port):
    allow(settings, port)
    channel = make_channel(f"http://127.0.0.1:{port}/hook")
    switch(on=False)
    AlertDelivery.objects.update(attempts=delivery.MOST_ATTEMPTS - 1)

    sent = delivery.send_due(now=timezone.now())

    assert [delivery.pause_after(n) / MINUTE for n in (1, 2, 3, 7, 50)] == [1, 2, 4, 60, 60]
    dead = AlertDelivery.objects.get(channel=channel)
    assert (sent.dead, dead.state, dead.attempts) == (1, "dead", delivery.MOST_ATTEMPTS)
    assert "could not be reached" in dead.problem


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500])
def test_any_answer_but_success_is_a_failure_and_no_redirect_is_followed(hook, status):
    hook.status, hook.location = status, "http://169.254.169.254/latest"
    make_channel(hook.url)
    switch(on=False)

    assert delivery.send_due(now=timezone.now()).failed == 1
    assert len(hook.posts) == 1
    assert AlertDelivery.objects.get().problem == f"The receiver answered {status}."


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://0x7f000001/",
        "https://user:password@example.com/",
        "ftp://example.com/",
        "https://example.com:22/",
        "",
    ],
)
def test_no_private_address_is_posted_to(url):
    channel = make_channel("https://example.com/")
    channel.url = SealedValue.seal(url)
    channel.save()

    with pytest.raises(ReceiverNotAllowed):
        delivery.send_test(actor=ACTOR, channel_id=channel.pk)


def test_neither_address_nor_secret_is_in_log_problem_or_audit_trail(settings, port, caplog):
    allow(settings, port)
    channel = make_channel(f"http://127.0.0.1:{port}/s3cret-path", secret="hush-hush")
    switch(on=False)

    with caplog.at_level(logging.DEBUG):
        delivery.send_due(now=timezone.now())
        with pytest.raises(NotDelivered):
            delivery.send_test(actor=ACTOR, channel_id=channel.pk)

    told = caplog.text + " ".join(
        [*AlertDelivery.objects.values_list("problem", flat=True), str(list(AuditEntry.objects.values()))]
    )
    assert "s3cret-path" not in told
    assert "hush-hush" not in told


def test_a_test_is_sent_at_once_logged_and_audited(hook):
    channel = make_channel(hook.url, is_active=False, quiet_from=time(0), quiet_until=time(0))

    delivery.send_test(actor=ACTOR, channel_id=channel.pk)

    assert hook.posts[0][2]["is_test"] is True
    assert AlertDelivery.objects.get().state == "sent"
    assert AuditEntry.objects.get(action="alertchannel.tested").outcome == "done"


def test_a_test_without_mail_set_up_or_without_a_channel_says_so():
    channel = make_channel()

    with pytest.raises(NotDelivered, match="EMAIL_URL"):
        delivery.send_test(actor=ACTOR, channel_id=channel.pk)
    with pytest.raises(ChannelNotFound):
        delivery.send_test(actor=ACTOR, channel_id=channel.pk + 1)


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({}, True),
        ({"is_active": False}, False),
        ({"kinds": ["latency"]}, False),
        ({"kinds": ["no_usable_provider"]}, True),
        ({"minimum_severity": "critical"}, True),
    ],
)
def test_a_channel_is_told_what_it_wants(hook, fields, is_told):
    make_channel(hook.url, **fields)
    switch(on=False)

    delivery.send_due(now=timezone.now())

    assert bool(hook.posts) is is_told


def test_a_channel_for_what_is_critical_is_not_told_of_warnings(hook):
    make_channel(hook.url, minimum_severity="critical")
    make_config()
    make_config(is_default=True, is_active=False)
    check(now=timezone.now())

    assert not AlertDelivery.objects.exists()


def test_who_was_not_told_of_the_trouble_is_not_told_of_its_end(hook):
    switch(on=False)
    make_channel(hook.url)
    make_channel(hook.url, sends_resolved=False)
    switch(on=True)

    assert not AlertDelivery.objects.exists()


def test_the_end_of_what_stood_for_half_a_year_is_told(hook):
    channel = make_channel(hook.url)
    now = timezone.now()
    start, half = now - timedelta(days=180), timedelta(days=90)
    for on, at in ((False, start - MINUTE), (True, start), (False, start + MINUTE)):
        switch(on=on, now=at)
        delivery.send_due(now=at)
        AlertDelivery.objects.filter(ended_at__gt=at).update(ended_at=at)
    later = {"created_at": start, "due_at": start, "ended_at": start + 2 * MINUTE, "state": "sent"}
    AlertDelivery.objects.create(channel=channel, **later)
    delivery.forget_old(now=start + half + timedelta(days=1))
    kept = AlertDelivery.objects.count()

    switch(on=True, now=now)
    delivery.send_due(now=now)

    assert kept == 2, "of the first time nothing is kept"
    assert [what for _, what in events_of(hook)] == ["opened", "resolved", "opened", "resolved"]


def test_of_a_muted_alert_nobody_is_told_until_it_is_heard_again(hook):
    switch(on=False)
    make_channel(hook.url)
    alert = Alert.objects.get()
    records.mute(actor=ACTOR, alert_id=alert.pk, until=timezone.now() + timedelta(hours=1))
    switch(on=True)
    switch(on=False)
    assert not AlertDelivery.objects.exists()

    records.unmute(actor=ACTOR, alert_id=alert.pk)
    delivery.send_due(now=timezone.now())

    assert events_of(hook) == [("no_usable_provider", "unmuted")]


NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize("goes_through", [True, False])
def test_in_quiet_hours_all_but_the_critical_waits_for_one_digest(hook, goes_through):
    make_channel(
        hook.url, quiet_from=time(22), quiet_until=time(7), time_zone="Africa/Nairobi",
        critical_in_quiet_hours=goes_through,
    )  # fmt: skip
    config = make_config(key_expires_at=NIGHT + timedelta(days=3))
    check(now=NIGHT)
    AIProviderConfig.objects.filter(pk=config.pk).update(key_expires_at=NIGHT - timedelta(days=1))
    check(now=NIGHT + MINUTE)

    delivery.send_due(now=NIGHT + 2 * MINUTE)
    at_night = {kind for kind, what in events_of(hook)}
    morning = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
    delivery.send_due(now=morning - MINUTE)
    by_night = len(hook.posts)
    delivery.send_due(now=morning)

    assert at_night == ({"key_expired", "no_usable_provider"} if goes_through else set())
    assert by_night == (1 if goes_through else 0)
    digest = hook.posts[-1][2]
    assert (len(hook.posts), digest["is_digest"]) == (by_night + 1, True)
    assert ("key_expires_soon", "opened") in [(one["kind"], one["event"]) for one in digest["events"]]


@pytest.mark.parametrize(
    ("now", "start", "end", "zone", "until"),
    [
        ("2026-11-21T23:30", "22:00", "07:00", "UTC", "2026-11-22T07:00"),
        ("2026-11-21T06:59", "22:00", "07:00", "UTC", "2026-11-21T07:00"),
        ("2026-11-21T07:00", "22:00", "07:00", "UTC", None),
        ("2026-11-21T21:59", "22:00", "07:00", "UTC", None),
        ("2026-11-21T12:30", "12:00", "13:00", "UTC", "2026-11-21T13:00"),
        ("2026-11-21T13:00", "12:00", "13:00", "UTC", None),
        ("2026-11-21T20:00", "22:00", "07:00", "Africa/Nairobi", "2026-11-22T04:00"),
        ("2026-11-21T12:00", "08:00", "08:00", "UTC", "2026-11-22T08:00"),
        # The night of the change to summer time is an hour shorter, that of the change back an hour longer.
        ("2026-03-28T22:00", "22:00", "07:00", "Europe/Berlin", "2026-03-29T05:00"),
        ("2026-10-24T21:00", "22:00", "07:00", "Europe/Berlin", "2026-10-25T06:00"),
        # 02:30 does not exist, or exists twice.
        ("2026-03-28T23:00", "22:00", "02:30", "Europe/Berlin", "2026-03-29T01:30"),
        ("2026-10-25T00:15", "22:00", "02:30", "Europe/Berlin", "2026-10-25T00:30"),
        ("2026-10-25T01:15", "22:00", "02:30", "Europe/Berlin", None),
    ],
)
def test_quiet_hours_end_at_the_local_hour(now, start, end, zone, until):
    found = quiet_until(
        datetime.fromisoformat(now).replace(tzinfo=UTC),
        start=time.fromisoformat(start),
        end=time.fromisoformat(end),
        zone=zone,
    )

    assert found == (until and datetime.fromisoformat(until).replace(tzinfo=UTC))


def test_without_quiet_hours_nothing_waits():
    assert quiet_until(NIGHT, start=None, end=None, zone="UTC") is None


def test_slack_and_teams_get_their_own_forms(hook):
    make_channel(hook.url, form="slack")
    make_channel(hook.url, form="teams")
    make_config(display_name="<!channel> & [x](y)", is_default=True, is_active=False)
    make_config()
    check(now=timezone.now())

    delivery.send_due(now=timezone.now())

    slack, teams = sorted((body for _, _, body in hook.posts), key=lambda body: "attachments" in body)
    assert "&lt;!channel&gt; &amp; " in slack["text"]
    card = teams["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert "\\[x\\](y)" in card["body"][0]["text"]


def test_a_sender_that_died_leaves_its_claim_to_the_next(hook):
    make_channel(hook.url)
    switch(on=False)
    now = timezone.now()
    AlertDelivery.objects.update(claim="a dead one's", claimed_until=now + MINUTE)

    early, late = delivery.send_due(now=now), delivery.send_due(now=now + MINUTE)

    assert (early.sent, late.sent) == (0, 1)


def test_ended_deliveries_are_forgotten_in_time():
    channel = make_channel()
    now = timezone.now()
    for days in (89, 91):
        moment = now - timedelta(days=days)
        AlertDelivery.objects.create(
            channel=channel, created_at=moment, due_at=moment, ended_at=moment, state="sent"
        )

    assert delivery.forget_old(now=now) == 1
