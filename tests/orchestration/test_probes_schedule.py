"""When a provider is probed next: pure rules over what is known of it."""

from datetime import timedelta

import pytest

from orchestration.models import ProviderProbe
from orchestration.probes.schedule import JITTER, Traffic, is_due, next_probe_at, recent_traffic
from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.usage.calls import make_calls
from tests.usage.ended import utc

NOW = utc(2026, 11, 21, 12, 0)


def ago(**time):
    return NOW - timedelta(**time)


def a_config(**facts):
    return AIProviderConfig(**({"updated_at": ago(days=1)} | facts))


def a_probe(**facts):
    return ProviderProbe(**({"checked_at": ago(minutes=3), "next_at": NOW + timedelta(minutes=5)} | facts))


@pytest.mark.parametrize(
    ("config", "probe", "traffic", "due"),
    [
        ({}, None, Traffic(), True),
        ({}, a_probe(), Traffic(), False),
        ({}, a_probe(next_at=NOW), Traffic(), True),
        ({}, a_probe(checked_at=None), Traffic(), True),
        ({"flagged_at": ago(minutes=1)}, a_probe(), Traffic(), True),
        ({"flagged_at": ago(minutes=4)}, a_probe(), Traffic(), False),
        ({"updated_at": ago(seconds=5)}, a_probe(), Traffic(), True),
        ({"last_tested_at": ago(seconds=5)}, a_probe(), Traffic(), True),
        ({}, a_probe(), Traffic(failed_at=ago(minutes=1)), True),
        ({}, a_probe(), Traffic(answered_at=ago(minutes=1)), False),
        ({"flagged_at": ago(seconds=10)}, a_probe(checked_at=ago(seconds=20)), Traffic(), False),
    ],
    ids=[
        "never probed",
        "not yet",
        "its time has come",
        "announced, never made",
        "flagged since",
        "flagged before",
        "changed since",
        "tested since",
        "a call failed since",
        "a call succeeded since",
        "not twice within a minute",
    ],
)
def test_it_is_due(config, probe, traffic, due):
    assert is_due(a_config(**config), probe, traffic, now=NOW) is due


@pytest.mark.parametrize(
    ("facts", "is_up", "since", "traffic", "minutes"),
    [
        ({}, True, ago(days=1), Traffic(answered_at=ago(minutes=2)), 15),
        ({}, True, ago(days=1), Traffic(), 5),
        ({}, None, ago(days=1), Traffic(), 5),
        ({}, False, NOW, Traffic(), 1),
        ({}, False, ago(minutes=4), Traffic(), 4),
        ({}, False, ago(hours=5), Traffic(), 10),
        ({"flagged_at": ago(minutes=3)}, True, ago(days=1), Traffic(), 3),
        ({"flagged_at": ago(days=3)}, True, ago(days=5), Traffic(answered_at=ago(minutes=2)), 10),
        ({}, True, ago(days=1), Traffic(answered_at=ago(minutes=6), failed_at=ago(minutes=2)), 2),
        ({}, True, ago(days=1), Traffic(answered_at=ago(minutes=2), failed_at=ago(minutes=6)), 15),
        ({"flagged_at": ago(hours=5)}, False, ago(minutes=2), Traffic(), 2),
    ],
    ids=[
        "calls succeed",
        "nobody calls",
        "cannot tell",
        "down just now",
        "down for four minutes",
        "down for hours",
        "flagged for three minutes",
        "flagged for days",
        "calls fail",
        "calls have recovered",
        "the newest trouble counts",
    ],
)
def test_the_pause_until_the_next(facts, is_up, since, traffic, minutes):
    pauses = [
        next_probe_at(a_config(**facts), is_up=is_up, since=since, traffic=traffic, now=NOW) - NOW
        for _ in range(200)
    ]

    least, most = (timedelta(minutes=minutes) * share for share in JITTER)
    assert least <= min(pauses) < max(pauses) <= most


@pytest.mark.django_db
def test_recent_calls_tell_how_a_provider_fares():
    serving, failing, busy, quiet = (make_config(display_name=name) for name in "ABCD")
    make_calls(2, serving, at=ago(minutes=5))
    make_calls(1, serving, at=ago(minutes=9), status="error", error_kind="server")
    make_calls(1, failing, at=ago(minutes=9))
    make_calls(1, failing, at=ago(minutes=5), status="timeout", error_kind="timeout")
    make_calls(1, busy, at=ago(minutes=5), status="error", error_kind="rate_limited")
    make_calls(1, busy, at=ago(minutes=5), status="error", error_kind="bad_request")
    make_calls(3, quiet, at=ago(minutes=16))
    make_calls(3, quiet, at=ago(minutes=2), cached=True)
    make_calls(3, None, at=ago(minutes=2))

    traffic = recent_traffic(now=NOW)

    fares = {pk: (one.is_serving, one.is_failing) for pk, one in traffic.items()}
    assert fares == {serving.pk: (True, False), failing.pk: (False, True), busy.pk: (False, False)}
