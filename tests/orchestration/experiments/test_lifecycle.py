"""Starting, stopping and promoting: what is refused, what is written, and what the next call does."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from django.db import connection

from accounts.errors import DomainError
from accounts.models import AuditEntry
from orchestration.experiments import lifecycle, promotion
from orchestration.experiments.errors import (
    ExperimentDecided,
    ExperimentNeverRan,
    ExperimentNotFound,
    ExperimentNotRunning,
    ExperimentRunning,
    TaskTaken,
    TooFewArms,
    UnusableArm,
)
from orchestration.experiments.promotion import promote, promotion_of
from orchestration.models import Experiment, PlanTaskTier, TaskPolicy
from orchestration.routing.snapshot import current_snapshot
from providers.tasks import TASKS
from tests.factories import make_config
from tests.orchestration.experiments.conftest import ACTOR, arms_of, make_experiment

pytestmark = pytest.mark.django_db

BRIEF = {"prompt_version": "brief"}
PATIENCE = 120


def start(experiment):
    return lifecycle.start(actor=ACTOR, experiment_id=experiment.pk)


def stop(experiment):
    return lifecycle.stop(actor=ACTOR, experiment_id=experiment.pk)


def win(arm):
    return promote(actor=ACTOR, experiment_id=arm.experiment_id, arm_id=arm.pk)


def test_a_started_experiment_is_in_the_snapshot_of_the_next_call(gemini):
    experiment = make_experiment(
        {"weight": 3}, BRIEF | {"provider_config": gemini, "model_name": "gemini-2.5-pro"}
    )
    assert current_snapshot().experiments == {}

    start(experiment)

    running = current_snapshot().experiments["extraction"]
    assert running.id == experiment.pk
    assert [
        (arm.weight, arm.provider_config_id, arm.model_name, arm.prompt_version) for arm in running.arms
    ] == [
        (3, None, "", ""),
        (1, gemini.pk, "gemini-2.5-pro", "brief"),
    ]
    entry = AuditEntry.objects.get(action="experiment.started")
    assert entry.changes["status"] == ["draft", "running"]
    assert entry.changes["arms"][1][1] == "B, weight 1: Gemini, gemini-2.5-pro, prompt brief"


def test_a_stopped_one_is_gone_from_the_next_call_and_may_go_on():
    experiment = start(make_experiment({}, BRIEF))
    began = experiment.started_at

    stop(experiment)

    assert current_snapshot().experiments == {}
    assert AuditEntry.objects.get(action="experiment.stopped").changes["status"] == ["running", "ended"]
    again = start(experiment)
    assert (again.started_at, again.ended_at, again.status) == (began, None, "running")


@pytest.mark.parametrize("arms", [(), ({},)], ids=["none", "one"])
def test_fewer_than_two_arms_compare_nothing(arms):
    with pytest.raises(TooFewArms):
        start(make_experiment(*arms))


def test_an_arm_needs_an_active_provider(gemini):
    gemini.is_active = False
    gemini.save()
    experiment = make_experiment({}, {"provider_config": gemini})

    with pytest.raises(UnusableArm, match="Arm “B” cannot answer: Gemini is inactive"):
        start(experiment)

    experiment.refresh_from_db()
    assert experiment.status == "draft"
    assert not AuditEntry.objects.filter(action="experiment.started").exists()


@pytest.mark.parametrize(
    "ways", [{"model_name": "o3-mini"}, {}], ids=["its own model", "the provider's model"]
)
def test_an_arm_needs_a_model_that_sees_where_the_task_is_about_pictures(openai, ways):
    openai.model_name = "o3-mini"
    openai.save()
    arm = {"provider_config": openai} | ways

    with pytest.raises(UnusableArm, match="o3-mini is not known to have what the task needs"):
        start(make_experiment({}, arm, task="extraction_validation"))
    assert start(make_experiment({}, arm)).status == "running"


def test_the_models_of_every_tier_in_use_are_looked_at(openai):
    openai.quality_model_name = "o3-mini"
    openai.save()
    experiment = make_experiment({}, {"provider_config": openai}, task="extraction_validation")
    PlanTaskTier.objects.create(plan_id="paygo", task="extraction_validation", tier="quality")

    with pytest.raises(UnusableArm, match="o3-mini"):
        start(experiment)


def test_an_arm_needs_a_prompt_that_exists():
    with pytest.raises(UnusableArm, match=r"has no prompt “evidence” \(it has standard, brief\)"):
        start(make_experiment({}, {"prompt_version": "evidence"}))


def test_one_runs_per_task_and_others_of_other_tasks():
    start(make_experiment({}, BRIEF, name="First"))

    with pytest.raises(TaskTaken, match="“First” is running for this task"):
        start(make_experiment({}, BRIEF))

    assert start(make_experiment({}, {}, task="cover_letter")).status == "running"


def test_what_is_out_of_turn_is_refused():
    experiment = make_experiment({}, BRIEF)
    arm = arms_of(experiment)[0]
    with pytest.raises(ExperimentNotRunning):
        stop(experiment)
    with pytest.raises(ExperimentNeverRan):
        win(arm)
    start(experiment)
    with pytest.raises(ExperimentRunning):
        start(experiment)
    win(arm)
    with pytest.raises(ExperimentDecided):
        win(arm)
    with pytest.raises(ExperimentDecided):
        start(experiment)
    with pytest.raises(ExperimentNotFound):
        lifecycle.start(actor=ACTOR, experiment_id=experiment.pk + 1)
    with pytest.raises(ExperimentNotFound):
        promote(actor=ACTOR, experiment_id=experiment.pk, arm_id=0)


def test_a_prompt_that_wins_becomes_the_tasks_own():
    experiment = start(make_experiment({}, BRIEF))
    winner = arms_of(experiment)[1]

    promotion = win(winner)

    experiment.refresh_from_db()
    assert (experiment.status, experiment.winner) == ("ended", winner)
    assert experiment.ended_at is not None
    assert TaskPolicy.objects.get(task="extraction").prompt_version == "brief"
    assert current_snapshot().policy_of("extraction").prompt_version == "brief"
    assert current_snapshot().experiments == {}
    assert promotion.sentences == ("Job extraction uses the prompt “brief” instead of “standard”.",)
    assert AuditEntry.objects.get(action="taskpolicy.changed").changes == {"prompt_version": ["", "brief"]}
    entry = AuditEntry.objects.get(action="experiment.promoted")
    assert entry.changes["winner"] == [None, "B, weight 1: prompt brief"]


def test_a_provider_that_wins_becomes_the_only_first_choice(openai, gemini):
    experiment = start(make_experiment({}, {"provider_config": gemini}))

    promotion = win(arms_of(experiment)[1])

    openai.refresh_from_db()
    gemini.refresh_from_db()
    assert (openai.default_for_extraction, gemini.default_for_extraction) == (False, True)
    assert gemini.model_name == "gemini-2.5-flash"
    assert len(promotion.sentences) == 2
    assert AuditEntry.objects.filter(action="provider.updated").count() == 2
    assert not TaskPolicy.objects.exists()


def test_a_task_without_a_column_of_its_own_is_promoted_too(openai, gemini, monkeypatch):
    """A task that a later release adds has no flag on the provider."""
    monkeypatch.setitem(TASKS, "extraction", replace(TASKS["extraction"], flag=""))
    openai.extra_default_tasks = ["cv_draft", "extraction"]
    openai.save()
    experiment = start(make_experiment({}, {"provider_config": gemini}))

    win(arms_of(experiment)[1])

    openai.refresh_from_db()
    gemini.refresh_from_db()
    assert openai.extra_default_tasks == ["cv_draft"]
    assert gemini.extra_default_tasks == ["extraction"]


def test_a_model_that_wins_is_set_for_the_tiers_of_the_task(openai):
    experiment = start(make_experiment({}, {"provider_config": openai, "model_name": "gpt-5-nano"}))

    promotion = win(arms_of(experiment)[1])

    openai.refresh_from_db()
    # Extraction is on the fast tier; what the quality tier had through the empty column, it keeps.
    assert (openai.model_name, openai.quality_model_name) == ("gpt-5-nano", "gpt-5-mini")
    assert promotion.sentences == (
        "OpenAI keeps gpt-5-mini as its quality model.",
        "The fast model of OpenAI becomes gpt-5-nano instead of gpt-5-mini, also for the other tasks it "
        "answers on the fast tier.",
    )


def test_a_task_on_both_tiers_gets_the_model_on_both(openai):
    """Everybody in the arm had it, whatever their plan."""
    experiment = start(
        make_experiment({}, {"provider_config": openai, "model_name": "gpt-5-nano"}, task="cover_letter")
    )

    win(arms_of(experiment)[1])

    openai.refresh_from_db()
    assert (openai.model_name, openai.quality_model_name) == ("gpt-5-nano", "gpt-5-nano")
    assert openai.default_for_cover_letter


def test_the_control_wins_without_changing_anything(openai):
    experiment = start(make_experiment({}, BRIEF))
    control = arms_of(experiment)[0]

    assert win(control).configs == {}

    experiment.refresh_from_db()
    assert experiment.winner == control
    assert not TaskPolicy.objects.exists()


def test_what_is_asked_before_is_what_is_done(openai, gemini):
    arm = BRIEF | {"provider_config": gemini, "model_name": "gemini-2.5-pro"}
    experiment = start(make_experiment({}, arm))
    winner = arms_of(experiment)[1]

    asked = promotion_of(experiment, arm_id=winner.pk)

    assert win(winner) == asked
    assert len(asked.sentences) == 5


def test_a_winner_whose_provider_was_switched_off_is_not_put_into_force(gemini):
    experiment = start(make_experiment({}, BRIEF | {"provider_config": gemini}))
    gemini.is_active = False
    gemini.save()

    with pytest.raises(UnusableArm):
        win(arms_of(experiment)[1])

    experiment.refresh_from_db()
    assert (experiment.status, experiment.winner) == ("running", None)
    assert not TaskPolicy.objects.exists()


def in_parallel(*calls):
    """What each came to: its result or its error. In threads, because only connections of their own race."""

    def settled(call):
        try:
            return call()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(settled, calls))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_started_at_the_same_moment_one_runs(monkeypatch):
    """Both have found the task free before either is written."""
    first, second = make_experiment({}, BRIEF), make_experiment({}, BRIEF)
    looked, look = Barrier(2, timeout=PATIENCE), lifecycle.refuse_unless_startable

    def look_and_wait(experiment):
        look(experiment)
        looked.wait()

    monkeypatch.setattr(lifecycle, "refuse_unless_startable", look_and_wait)

    outcomes = in_parallel(lambda: start(first), lambda: start(second))

    assert {type(outcome) for outcome in outcomes} == {Experiment, TaskTaken}
    assert Experiment.objects.filter(status="running").count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_winners_promoted_at_the_same_moment_one_wins(openai, gemini):
    experiment = start(make_experiment({"provider_config": openai}, {"provider_config": gemini}))
    first, second = arms_of(experiment)

    outcomes = in_parallel(lambda: win(first), lambda: win(second))

    assert [type(outcome) for outcome in outcomes].count(ExperimentDecided) == 1
    assert AuditEntry.objects.filter(action="experiment.promoted").count() == 1
    experiment.refresh_from_db()
    openai.refresh_from_db()
    gemini.refresh_from_db()
    first_choice = openai if openai.default_for_extraction else gemini
    assert experiment.winner.provider_config == first_choice
    assert openai.default_for_extraction != gemini.default_for_extraction


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_its_lock_both_would_win(monkeypatch):
    """The negative control of the test above: what it asserts is the lock's doing."""
    experiment = start(make_experiment({}, {}))
    read = Barrier(2, timeout=PATIENCE)

    def unlocked(experiment_id):
        row = Experiment.objects.get(pk=experiment_id)
        read.wait()
        return row

    monkeypatch.setattr(promotion, "locked", unlocked)

    in_parallel(*(lambda arm=arm: win(arm) for arm in arms_of(experiment)))

    assert AuditEntry.objects.filter(action="experiment.promoted").count() == 2


def test_deleting_a_provider_takes_its_arm_out_of_the_running_experiment(gemini):
    start(make_experiment({}, {"provider_config": gemini}))

    gemini.delete()

    assert len(current_snapshot().experiments["extraction"].arms) == 1


def test_the_first_choice_of_another_task_is_left_alone(openai, gemini):
    other = make_config(model_name="gpt-5", display_name="Letters", default_for_cover_letter=True)
    experiment = start(make_experiment({}, {"provider_config": gemini}))

    win(arms_of(experiment)[1])

    other.refresh_from_db()
    assert other.default_for_cover_letter
