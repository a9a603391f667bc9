"""Beat started twice, and several workers at once: each event is written once and each notice sent once."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from django.db import Error, connection, models
from django.utils import timezone

from providers.models import AIProviderConfig
from tests.factories import make_config
from tests.ports import free_port
from tests.usage.alerts.receivers import allow, make_channel, web_server
from usage.alerts import delivery, judging
from usage.alerts.rounds import make_round
from usage.models import AlertDelivery, AlertEvent, AlertRun

THREADS, TURNS = 6, 8
# Seconds until a test whose threads do not meet is given up.
PATIENCE = 600

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def hook(settings):
    port = free_port()
    allow(settings, port)
    with web_server(port) as hook:
        yield hook


def rounds_at_once(now=None):
    """How many of THREADS rounds that start together failed."""
    barrier = Barrier(THREADS, timeout=PATIENCE)

    def work(_):
        try:
            barrier.wait()
            make_round(now=now or timezone.now())
        except Error:
            return 1
        finally:
            connection.close()
        return 0

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS)))


def toggled(hook, *, at_one_moment=False):
    """The only provider goes off and on, and everybody looks each time; (failed, events, posts of each)."""
    make_config()
    make_channel(hook.url)
    failed = 0
    for turn in range(TURNS):
        AIProviderConfig.objects.update(is_active=bool(turn % 2))
        failed += rounds_at_once(timezone.now() if at_one_moment else None)
    events = Counter((event.episode, event.what) for event in AlertEvent.objects.all())
    posts = Counter((one["episode"], one["event"]) for _, _, body in hook.posts for one in body["events"])
    return failed, events, posts


ONCE_EACH = Counter(
    (episode, what) for episode in range(1, TURNS // 2 + 1) for what in ("opened", "resolved")
)


def test_each_transition_is_written_and_sent_once(hook):
    failed, events, posts = toggled(hook)

    assert failed == 0
    assert events == ONCE_EACH
    assert posts == ONCE_EACH
    assert set(AlertDelivery.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_without_the_lock_transitions_are_written_twice(hook, monkeypatch):
    """Shows that the test above can fail: the row that everybody locks puts the looks in a row. Without it
    all of them read before any of them writes."""
    AlertRun.objects.create(id=1)
    barrier, of_interest = Barrier(THREADS, timeout=PATIENCE), judging._of_interest

    def read_together(*asked):
        rows = of_interest(*asked)
        barrier.wait()
        return rows

    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda self, **_: self.all())
    monkeypatch.setattr(AlertRun, "save", lambda *_, **__: None)
    monkeypatch.setattr(judging, "_of_interest", read_together)

    failed, events, _ = toggled(hook)

    assert failed > 0, "the constraint refused a second row of the first alert"
    assert max(events.values()) > 1


def test_without_the_claim_notices_are_sent_twice(hook, monkeypatch):
    """Shows it of the claim: whoever looks first and takes afterwards is not alone. Nobody sends before
    another has looked too."""
    looks, seen_twice = Counter(), defaultdict(Event)

    def unguarded(channel, claim, now):
        rows = AlertDelivery.objects.filter(channel=channel, state="due").select_related("event__alert")
        found = list(rows.order_by("pk"))
        key = tuple(one.pk for one in found)
        looks[key] += 1
        if looks[key] > 1:
            seen_twice[key].set()
        assert seen_twice[key].wait(PATIENCE)
        return found

    monkeypatch.setattr(delivery, "_claimed", unguarded)

    # To a round that began before the one that wrote the notice it is not yet due.
    _, events, posts = toggled(hook, at_one_moment=True)

    assert events == ONCE_EACH
    assert max(posts.values()) > 1
