"""What each list of the console begins with, or why its rows stay in their order."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib import admin
from django.utils import timezone

from accounts.models import Plan, User
from console.people.trouble import people_in_trouble
from console.worst_first import TOO_LONG
from orchestration.models import Batch, Experiment, ItemState
from providers.models import AIProviderConfig, ModelCapability
from tests.console.test_lists import LISTS, address_of
from tests.factories import make_config, make_user
from usage.models import Alert, AlertChannel, AlertDelivery, ModelPrice, QuotaCounter, QuotaRule

pytestmark = pytest.mark.django_db

NOW = timezone.now()
DAY = timedelta(days=1)


def providers():
    well = make_config(last_tested_at=NOW, last_test_success=True, display_name="well")
    refused = make_config(display_name="refused")
    AIProviderConfig.flag(refused.pk, "auth")
    return [refused, well, make_config(display_name="inactive", is_active=False)]


def deliveries():
    channel = AlertChannel.objects.create(name="c", form="email", recipients="a@example.com")
    return [
        AlertDelivery.objects.create(channel=channel, state=state, created_at=NOW, due_at=NOW)
        for state in ("dead", "due", "sent")
    ]


def channels():
    rows = {}
    for name, states, is_active in (
        ("a inactive", ["dead"], False),
        ("b back", ["dead", "sent"], True),
        ("c lost", ["sent", "dead"], True),
    ):  # fmt: skip
        rows[name[0]] = channel = AlertChannel.objects.create(name=name, form="email", is_active=is_active)
        for hours, state in enumerate(states):
            at = NOW + timedelta(hours=hours)
            AlertDelivery.objects.create(channel=channel, state=state, created_at=at, due_at=at, ended_at=at)
    return [rows["c"], rows["b"], rows["a"]]


def alerts():
    """By what somebody does about them, then by how severe they are."""
    facts = [
        ("open", "critical", None), ("open", "warning", None), ("open", "critical", NOW + DAY),
        ("acknowledged", "critical", None),
    ]  # fmt: skip
    return [
        Alert.objects.create(
            kind="made_up", subject=str(place), episode=1, since=NOW, seen_at=NOW, opened_at=NOW,
            state=state, severity=severity, muted_until=muted_until,
        )
        for place, (state, severity, muted_until) in enumerate(facts)
    ]  # fmt: skip


def prices():
    common = {"provider_type": "openai", "input_mtok": 1, "output_mtok": 1}
    over = ModelPrice.objects.create(model_name="a", valid_until=NOW - DAY, **common)
    to_come = ModelPrice.objects.create(model_name="b", valid_from=NOW + DAY, **common)
    return [ModelPrice.objects.create(model_name="c", **common), to_come, over]


def batches():
    person = make_user("b@example.com")
    rows = {}
    for name, state, days in (
        ("stuck", "waiting", 3), ("failed", "failed", 2), ("open", "running", 1),
        ("failed long ago", "failed", 30), ("done", "done", 31),
    ):  # fmt: skip
        rows[name] = batch = Batch.objects.create(user=person, kind="extraction")
        Batch.objects.filter(pk=batch.pk).update(created_at=NOW - days * DAY)
        ended = None if state in ("waiting", "running") else NOW - days * DAY
        batch.items.create(number=1, given={}, state=ItemState(state), ended_at=ended)
    return list(rows.values())


def tokens():
    owner = make_user("t@example.com")
    facts = [(DAY, None), (None, None), (-DAY, None), (DAY, NOW)]
    return [
        owner.personal_tokens.create(
            name=str(place), hint="adt", digest=str(place), created_at=NOW + place * DAY,
            expires_at=None if expires is None else NOW + expires, revoked_at=revoked_at,
        )
        for place, (expires, revoked_at) in enumerate(facts)
    ]  # fmt: skip


def experiments():
    return [
        Experiment.objects.create(name=status, task="cover_letter", status=status)
        for status in ("running", "draft", "ended")
    ]


def capabilities():
    make_config(model_name="gpt-5-mini", quality_model_name="gpt-x")
    ModelCapability.objects.all().delete()
    return [
        ModelCapability.objects.create(
            provider_type="openai", model_name=name, seen_at=NOW, retired_at=retired_at
        )
        for name, retired_at in (("gpt-x", NOW), ("gpt-5-mini", None), ("a-gone", NOW), ("b-unused", None))
    ]


def taken(owner, share, *, of="user", window=None, limit=10_000):
    return QuotaCounter.objects.create(
        scope=f"{of}:{owner.pk}", window=window or f"day:{timezone.now():%Y-%m-%d}", used=int(share * limit)
    )


def counters():
    """By the share of the limit, whatever it is, and not by what was taken."""
    Plan.objects.filter(is_default=True).update(daily_token_limit=10_000)
    rich, poor, free = (make_user(f"{name}@example.com") for name in ("rich", "poor", "free"))
    for person, limit in ((rich, 1_000_000), (free, None)):
        QuotaRule.objects.create(user=person, unit="tokens", period="day", limit=limit)
    config = make_config(daily_token_limit=500)
    return [
        taken(poor, 0.95),
        taken(config, 0.9, of="provider", limit=500),
        taken(rich, 0.5, limit=1_000_000),
        taken(free, 900),
        taken(poor, 1.0, window="day:2026-01-01"),
    ]


def people():
    Plan.objects.filter(is_default=True).update(daily_token_limit=10_000)
    locked, full, near, well = (make_user(f"{name}@example.com") for name in ("z", "y", "x", "b"))
    AccessAttempt.objects.create(
        username=locked.email, failures_since_start=5, attempt_time=NOW, ip_address="10.0.0.1"
    )
    taken(full, 1)
    taken(near, 0.8)
    taken(well, 0.79)
    return [locked, full, near, well, User.objects.get(role="SUPER_ADMIN")]


WORST_FIRST = {
    "accounts.personaltoken": tokens,
    "accounts.user": people,
    "orchestration.batch": batches,
    "orchestration.experiment": experiments,
    "providers.aiproviderconfig": providers,
    "providers.modelcapability": capabilities,
    "usage.alert": alerts,
    "usage.alertchannel": channels,
    "usage.alertdelivery": deliveries,
    "usage.modelprice": prices,
    "usage.quotacounter": counters,
}


@pytest.mark.parametrize("label", LISTS)
def test_a_list_says_what_comes_first_or_why_its_rows_keep_their_order(console, label):
    own = admin.site._registry[apps.get_model(label)]
    first, keeps = getattr(own, "comes_first", ""), getattr(own, "keeps_order", "")

    page = console.get(address_of(label)).content.decode()

    assert bool(first) != bool(keeps)
    assert bool(first) == (label in WORST_FIRST)
    assert (f"First: {first}." in page) == bool(first)


@pytest.mark.parametrize("label", WORST_FIRST)
def test_the_worst_comes_first_until_somebody_sorts_otherwise(console, label):
    expected = [row.pk for row in WORST_FIRST[label]()]

    shown = console.get(address_of(label)).context["cl"]
    turned = console.get(address_of(label), {"o": "1"})

    made = [row.pk for row in shown.result_list if row.pk in expected]
    assert made == expected
    assert "First: " not in turned.content.decode()


def test_a_person_says_what_trouble_there_is_and_a_counter_its_share(console):
    people()

    listed = console.get(address_of("accounts.user")).content.decode()
    counted = console.get(address_of("usage.quotacounter")).content.decode()

    assert [word in listed for word in ("locked out", "quota used up", "quota nearly used up")] == [True] * 3
    assert [f"{share}\N{NO-BREAK SPACE}%" in counted for share in (100, 80, 79)] == [True] * 3


def test_more_rows_than_can_be_ranked_keep_their_order_and_say_so_until_a_filter_leaves_fewer(
    console, monkeypatch
):
    monkeypatch.setattr("console.worst_first.MOST_RANKED_ROWS", 2)
    rows = deliveries()
    address = address_of("usage.alertdelivery")

    listed = console.get(address)
    filtered = console.get(address, {"state__exact": "due"})

    assert [row.pk for row in listed.context["cl"].result_list] == sorted(
        (row.pk for row in rows), reverse=True
    )
    assert TOO_LONG in listed.content.decode()
    assert "First: what was given up" in filtered.content.decode()


@pytest.mark.parametrize("label", ["accounts.user", "usage.quotacounter"])
def test_where_the_worst_are_known_they_come_first_of_any_number_page_by_page(console, monkeypatch, label):
    monkeypatch.setattr("console.worst_first.MOST_RANKED_ROWS", 2)
    monkeypatch.setattr("console.page_size.SIZES", (2,))
    expected = [row.pk for row in WORST_FIRST[label]()]
    address = address_of(label)

    pages = [console.get(address, {"rows": "2", "p": str(page)}).context["cl"] for page in (1, 2, 3)]

    shown = [row.pk for page in pages for row in page.result_list]
    assert [pk for pk in shown if pk in expected] == expected
    assert len(shown) == len(set(shown)) == pages[0].result_count


def test_the_people_in_trouble_are_looked_for_once_a_page(console, monkeypatch):
    looks = []
    # Counted where the page asks; what it is told is found by the real rule.
    monkeypatch.setattr(
        "console.people.users.people_in_trouble", lambda now: looks.append(now) or people_in_trouble(now=now)
    )

    console.get(address_of("accounts.user"))

    assert len(looks) == 1
