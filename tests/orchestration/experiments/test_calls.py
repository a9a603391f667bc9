"""An experiment from a user's request to its figures, through the API, the SDKs and the sandbox."""

import pytest
from rest_framework.test import APIClient

from orchestration.calls.orchestrator import AIOrchestrator
from orchestration.experiments import assigned_arm
from orchestration.experiments.lifecycle import start, stop
from orchestration.experiments.promotion import promote
from orchestration.experiments.results import results_of
from orchestration.routing.snapshot import current_snapshot
from providers.tasks import prompt_of
from tests.factories import make_config, make_user
from tests.orchestration.experiments.conftest import ACTOR, arms_of, make_experiment
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

POSTING = "Backend Engineer\nCompany: Jua Logistics\nLocation: Nairobi\nYou write Python and Django."


@pytest.fixture
def providers(sandbox):
    """The first choice, and another with the same vendor."""
    return [
        make_config(model_name="sandbox-mini", base_url=sandbox.openai, display_name=name, priority=priority)
        for name, priority in (("First", 2), ("Second", 1))
    ]


def client_of(person):
    client = APIClient()
    client.force_authenticate(person)
    return client


def extract(person):
    body = client_of(person).post("/api/v1/job-extractor/extract", {"text": POSTING}, format="json")
    assert body.status_code == 201
    return body.json()["data"]


def person_in(arm):
    """Somebody whom the running experiment puts into this arm."""
    running = current_snapshot().experiments[arm.experiment.task]
    for number in range(100):
        person = make_user(f"in-{arm.name}-{number}@example.com")
        if assigned_arm(running, person.pk).id == arm.pk:
            return person
    raise AssertionError(f"nobody is in {arm}")


def rows():
    return AIProviderUsageLog.objects.order_by("id")


def test_each_user_is_answered_as_their_arm_says_and_counted_there(providers, monkeypatch):
    first, second = providers
    experiment = make_experiment(
        {}, {"provider_config": second, "model_name": "sandbox-large", "prompt_version": "brief"}
    )
    start(actor=ACTOR, experiment_id=experiment.pk)
    control, other = arms_of(experiment)
    asked = []
    # The sandbox keeps no prompts, so the words are seen on their way out of the app.
    generate = AIOrchestrator.generate

    async def seen(self, **arguments):
        asked.append((arguments["system_prompt"], arguments["begun"].prompt_version))
        return await generate(self, **arguments)

    monkeypatch.setattr(AIOrchestrator, "generate", seen)

    extract(person_in(control))
    posting = extract(person_in(other))

    words = [(prompt_of("extraction", name).text("text"), name) for name in ("standard", "brief")]
    assert asked == words
    assert [(row.provider_config, row.model_name, row.experiment_arm) for row in rows()] == [
        (first, "sandbox-mini", control.pk),
        (second, "sandbox-large", other.pk),
    ]
    rater = client_of(rows().last().user)
    rated = rater.post(f"/api/v1/jobs/{posting['job_id']}/feedback", {"rating": 4}, format="json")
    assert rated.status_code == 201
    results = results_of(experiment).arms
    assert [result.counts.calls for result in results] == [1, 1]
    assert [result.feedback for result in results] == [None, 4]


def test_after_promotion_everybody_is_answered_as_the_winner(providers):
    _, second = providers
    experiment = make_experiment({}, {"provider_config": second, "prompt_version": "brief"})
    start(actor=ACTOR, experiment_id=experiment.pk)
    control, winner = arms_of(experiment)
    person = person_in(control)
    extract(person)

    promote(actor=ACTOR, experiment_id=experiment.pk, arm_id=winner.pk)
    extract(make_user("somebody@example.com"))

    before, after = rows()
    assert (before.provider_config.display_name, before.experiment_arm) == ("First", control.pk)
    assert (after.provider_config, after.experiment_arm) == (second, None)


def test_a_stopped_experiment_counts_no_more(providers):
    experiment = make_experiment({}, {"prompt_version": "brief"})
    start(actor=ACTOR, experiment_id=experiment.pk)
    person = person_in(arms_of(experiment)[0])
    extract(person)

    stop(actor=ACTOR, experiment_id=experiment.pk)
    client_of(person).post("/api/v1/job-extractor/extract", {"text": POSTING + " Remote."}, format="json")

    assert [row.experiment_arm for row in rows()] == [arms_of(experiment)[0].pk, None]
    assert [result.counts.calls for result in results_of(experiment).arms] == [1, 0]
