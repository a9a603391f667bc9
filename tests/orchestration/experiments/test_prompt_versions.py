"""Which prompt a user gets."""

import pytest

from accounts.models import User
from orchestration.calls.question import begin
from orchestration.experiments.lifecycle import start
from orchestration.models import TaskPolicy
from orchestration.routing.snapshot import current_snapshot
from tests.orchestration.experiments.conftest import ACTOR, arms_of, make_experiment


def version_for(user, task="extraction"):
    return begin(user, task).prompt_version


@pytest.mark.django_db
def test_the_arm_decides_then_the_policy_then_the_first(user):
    assert version_for(user) == "standard"

    TaskPolicy.objects.create(task="extraction", prompt_version="brief")
    assert version_for(user) == "brief"

    experiment = make_experiment({"prompt_version": "standard"}, {"prompt_version": "standard"})
    start(actor=ACTOR, experiment_id=experiment.pk)
    assert version_for(user) == "standard"


@pytest.mark.django_db
def test_an_arm_without_a_prompt_keeps_the_one_in_force(user):
    TaskPolicy.objects.create(task="extraction", prompt_version="brief")
    start(actor=ACTOR, experiment_id=make_experiment({}, {}).pk)

    assert version_for(user) == "brief"


@pytest.mark.django_db
def test_users_get_the_prompt_of_their_own_arm():
    experiment = start(actor=ACTOR, experiment_id=make_experiment({}, {"prompt_version": "brief"}).pk)
    _, second = arms_of(experiment)

    people = User.objects.bulk_create(User(email=f"{number}@example.com") for number in range(60))

    begun = {person.pk: begin(person, "extraction") for person in people}

    got = {pk: each.prompt_version for pk, each in begun.items()}
    brief = {pk for pk, each in begun.items() if each.arm.id == second.pk}
    assert brief == {person for person, version in got.items() if version == "brief"}
    assert 0 < len(brief) < len(got)


@pytest.mark.django_db
def test_a_prompt_that_a_release_took_away_is_not_used(user):
    TaskPolicy.objects.create(task="extraction", prompt_version="of last year")
    experiment = make_experiment({"prompt_version": "of old"}, {"prompt_version": "of old"}, status="running")

    assert current_snapshot().experiments["extraction"].id == experiment.pk
    assert version_for(user) == "standard"
