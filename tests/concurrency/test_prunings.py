"""Two machines prune the usage log at once, each into a directory of its own."""

from datetime import timedelta

import pytest

from tests.concurrency.forked import forked
from tests.concurrency.prune_process import work
from tests.usage.ended import make_many
from tests.usage.test_pruning import HORIZON, NOW, OLD, archived
from usage.models import AIProviderUsageLog, RollupState

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROWS = 300


@pytest.fixture
def old():
    """The ids of the rows that are to go."""
    make_many(ROWS, start=OLD, end=OLD + timedelta(days=3), users=[None], configs=[None])
    AIProviderUsageLog.objects.filter(status="started").update(status="aborted", settled_at=OLD)
    return set(AIProviderUsageLog.objects.filter(created_at__lt=HORIZON).values_list("pk", flat=True))


@pytest.fixture
def directories(tmp_path):
    return [tmp_path / "one", tmp_path / "two"]


@pytest.fixture
def machines():
    with forked(work, count=2, now=NOW, rows_a_file=40) as processes:
        yield processes


def ids_in(directory):
    return [int(line["id"]) for line in archived(directory)]


def begun_by(process, directory):
    """A run that stands still after its first day."""
    process.tell("prune", directory=str(directory), stops=True)
    assert process.hears() == "stops"


def test_one_prunes_and_the_other_is_refused(old, machines, directories):
    first, second = machines
    begun_by(first, directories[0])
    second.tell("prune", directory=str(directories[1]), stops=False)
    said = [second.hears()]
    first.tell("go on")
    said.append(first.hears())

    assert said == ["refused", len(old)]
    assert sorted(ids_in(directories[0])) == sorted(old)
    assert not directories[1].exists()
    assert not AIProviderUsageLog.objects.filter(pk__in=old).exists()
    assert RollupState.objects.get().pruner_until is None


def test_what_one_that_was_killed_has_left_another_takes_when_its_time_is_up(old, machines, directories):
    first, second = machines
    begun_by(first, directories[0])
    first.kill()
    second.tell("prune", directory=str(directories[1]), stops=False)
    at_once = second.hears()
    RollupState.objects.update(pruner_until=OLD)
    second.tell("prune", directory=str(directories[1]), stops=False)
    done = second.hears()

    assert at_once == "refused"
    assert 0 < done < len(old)
    assert sorted(ids_in(directories[0]) + ids_in(directories[1])) == sorted(old)


def test_one_whose_lease_is_over_deletes_nothing_more(old, machines, directories):
    begun_by(machines[0], directories[0])
    # As another run does that takes it for dead.
    RollupState.objects.update(pruner="another")
    machines[0].tell("go on")

    assert machines[0].hears() == "refused"
    left = set(AIProviderUsageLog.objects.filter(pk__in=old).values_list("pk", flat=True))
    assert left
    assert sorted([*left, *ids_in(directories[0])]) == sorted(old)


def test_without_the_lease_both_prune(old, directories):
    """The negative control."""
    with forked(work, count=2, now=NOW, rows_a_file=40, is_careless=True) as (first, second):
        begun_by(first, directories[0])
        second.tell("prune", directory=str(directories[1]), stops=False)

        assert second.hears() > 0
