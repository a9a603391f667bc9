"""One leader among four real processes, and one probe where four would have asked."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from orchestration.models import Lease, ProviderProbe
from tests.concurrency.processes import PROCESSES, answers_of, heard_from, start, workers
from tests.contract.vendors import KEYS
from tests.factories import make_config

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

WORKER = "leader_worker"
NEW = [f"new-{number}" for number in range(100)]
LAPSED = [f"lapsed-{number}" for number in range(100)]


def leaders_of_leases(**job):
    """How many processes took each lease: of jobs nobody ever did, and of jobs whose leader died."""
    past = timezone.now() - timedelta(days=1)
    Lease.objects.bulk_create(Lease(name=name, holder="dead", expires_at=past) for name in LAPSED)
    return Counter(
        name for taken in answers_of(WORKER, mode="race", names=NEW + LAPSED, **job) for name in taken
    )


def test_exactly_one_process_gets_each_lease():
    assert leaders_of_leases() == Counter(NEW + LAPSED)


def test_the_race_is_real_when_the_guard_is_off():
    """The negative control: the same run through look-then-take has several leaders of one job."""
    leaders = leaders_of_leases(unguarded=True)

    assert max(leaders.values()) > 1


def test_a_leader_that_was_killed_is_replaced():
    with workers(WORKER, mode="lead", name="job", seconds=15.0) as (first, second, *_):
        start([first])
        assert heard_from(first) == "leading"
        start([second])
        assert heard_from(second) == "refused"

        first.kill()

        assert heard_from(second) == "leading"
        assert f":{second.pid}:" in Lease.objects.get(name="job").holder


@pytest.fixture
def vendors(sandbox):
    """Five providers whose vendors take their time over a list."""
    for _ in range(5):
        make_config(model_name="sandbox-mini", base_url=sandbox.openai, api_key=KEYS["openai"])
    sandbox.fault("slow=4", times=1_000, on="models")
    return sandbox


def test_four_processes_together_probe_each_provider_once(vendors):
    answers = answers_of(WORKER, mode="probe")

    assert vendors.hits()["model_lists"] == {"openai": 5}
    assert sum(answer or 0 for answer in answers) == 5
    assert ProviderProbe.objects.filter(is_up=True).count() == 5
    assert not Lease.objects.exists()


def test_without_a_leader_they_probe_them_again_and_again(vendors):
    """The negative control."""
    answers = answers_of(WORKER, mode="probe", unguarded=True)

    assert sum(answers) > 5
    assert vendors.hits()["model_lists"]["openai"] == sum(answers)
    assert len(answers) == PROCESSES
