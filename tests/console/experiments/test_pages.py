"""Experiments in the console: the form, the questions before each step, the results, and who may."""

import csv
import json
from io import StringIO

import pytest
from django.test import Client

from accounts.models import AuditEntry
from orchestration.experiments.lifecycle import start, stop
from orchestration.models import Experiment, TaskPolicy
from tests.accounts.authenticator import enrol, later
from tests.factories import make_user
from tests.orchestration.experiments.conftest import ACTOR, arms_of, make_call, make_experiment

pytestmark = pytest.mark.django_db

LIST = "/admin/orchestration/experiment/"
BRIEF = {"prompt_version": "brief"}


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def page_of(experiment, *steps):
    return LIST + "/".join(map(str, (experiment.pk, *steps))) + "/"


def form(*arms, initial=0, **fields):
    """What the browser sends: name, task, and a block of fields per arm."""
    data = {"name": "Brief prompt", "task": "extraction"} | fields
    data |= {"arms-TOTAL_FORMS": len(arms), "arms-INITIAL_FORMS": initial, "arms-MIN_NUM_FORMS": 0}
    for number, arm in enumerate(arms):
        blank = {"weight": 1, "provider_config": "", "model_name": "", "prompt_version": ""}
        data |= {f"arms-{number}-{name}": value for name, value in (blank | arm).items()}
    return data


def stored(experiment):
    """The form as it is filled in for an experiment that exists."""
    return [
        {"id": arm.pk, "experiment": experiment.pk, "name": arm.name, "weight": arm.weight,
         "prompt_version": arm.prompt_version}
        for arm in arms_of(experiment)
    ]  # fmt: skip


def said(response):
    return [str(message) for message in response.context["messages"]]


def errors_of(response):
    html = response.content.decode()
    assert response.status_code == 200, "the form was taken"
    return html


def test_an_experiment_is_made_with_its_arms_and_written_down(console, super_admin, openai):
    data = form(
        {"name": "Now"},
        {"name": "Brief", "weight": 2, "provider_config": openai.pk, "model_name": "gpt-5"} | BRIEF,
    )

    response = console.post(f"{LIST}add/", data)

    assert response.status_code == 302
    experiment = Experiment.objects.get()
    assert (experiment.status, experiment.created_by) == ("draft", super_admin)
    assert [arm.name for arm in arms_of(experiment)] == ["Now", "Brief"]
    entry = AuditEntry.objects.get(action="experiment.created")
    assert entry.changes["arms"] == [
        None,
        ["Now, weight 1: as without the experiment", "Brief, weight 2: OpenAI, gpt-5, prompt brief"],
    ]


def test_a_changed_arm_is_in_the_audit_trail_before_and_after(console):
    experiment = make_experiment({}, BRIEF)
    arms = stored(experiment)
    arms[0]["weight"] = 4

    response = console.post(page_of(experiment, "change"), form(*arms, initial=2, name="Trial"))

    assert response.status_code == 302
    before, after = AuditEntry.objects.get(action="experiment.changed").changes["arms"]
    assert (before[0], after[0]) == (
        "A, weight 1: as without the experiment", "A, weight 4: as without the experiment"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arm", "complaint"),
    [
        ({"model_name": "gpt-5"}, "Choose the provider whose model this is."),
        ({"prompt_version": "evidence"}, "Job extraction has no such prompt, but standard, brief."),
        ({"prompt_version": "made up"}, "Select a valid choice."),
        ({"weight": 0}, "greater than or equal to 1"),
    ],
)
def test_an_arm_that_makes_no_sense_is_refused_with_the_reason(console, arm, complaint):
    response = console.post(f"{LIST}add/", form({"name": "A"}, {"name": "B"} | arm))

    assert complaint in errors_of(response)
    assert not Experiment.objects.exists()


def test_a_running_experiment_is_shown_and_not_edited(console):
    experiment = start(actor=ACTOR, experiment_id=make_experiment({}, BRIEF).pk)

    shown = console.get(page_of(experiment, "change"))
    sent = console.post(page_of(experiment, "change"), form(*stored(experiment), initial=2, name="Other"))

    assert "It is running. Stop it to change it." in shown.content.decode()
    assert b'name="arms-0-weight"' not in shown.content
    assert sent.status_code == 403
    assert console.post(page_of(experiment, "delete"), {"post": "yes"}).status_code == 403
    experiment.refresh_from_db()
    assert experiment.name == "Trial"


def test_a_stopped_one_takes_new_arms_and_keeps_what_its_old_ones_answered_with(console):
    experiment = start(actor=ACTOR, experiment_id=make_experiment({}, BRIEF).pk)
    stop(actor=ACTOR, experiment_id=experiment.pk)
    address = page_of(experiment, "change")
    changed, gone = stored(experiment), stored(experiment)
    changed[1]["prompt_version"] = "standard"
    gone[1]["DELETE"] = "on"

    assert "This arm has been running" in errors_of(console.post(address, form(*changed, initial=2)))
    assert "This arm has been running" in errors_of(console.post(address, form(*gone, initial=2)))
    more = [*stored(experiment), {"name": "C", "experiment": experiment.pk}]
    assert console.post(address, form(*more, initial=2, task="cover_letter")).status_code == 302

    experiment.refresh_from_db()
    assert [arm.name for arm in arms_of(experiment)] == ["A", "B", "C"]
    assert (experiment.task, experiment.status) == ("extraction", "ended")
    assert experiment.started_at is not None


def test_a_form_that_was_open_when_somebody_else_started_it_is_not_saved(console, monkeypatch):
    experiment = make_experiment({}, BRIEF)
    data = form(*stored(experiment), initial=2, name="Too late")
    # Between the check of the form and its saving there is no seam but this one.
    monkeypatch.setattr(
        "console.experiments.listing.ExperimentAdmin.has_change_permission", lambda *args: True
    )
    start(actor=ACTOR, experiment_id=experiment.pk)

    response = console.post(page_of(experiment, "change"), data, follow=True)

    assert "The experiment is running. Stop it first." in said(response)
    experiment.refresh_from_db()
    assert (experiment.name, experiment.status) == ("Trial", "running")


def test_starting_asks_first_and_says_who_gets_what(console, super_admin):
    experiment = make_experiment({"weight": 3}, BRIEF)

    asked = console.get(page_of(experiment, "start"))
    assert "75 % of the users get A: as without the experiment." in asked.content.decode()
    experiment.refresh_from_db()
    assert experiment.status == "draft"

    done = console.post(page_of(experiment, "start"), follow=True)
    assert said(done) == ["Trial is running."]
    experiment.refresh_from_db()
    assert experiment.status == "running"
    assert AuditEntry.objects.get(action="experiment.started").actor == super_admin


def test_stopping_asks_first(console):
    experiment = start(actor=ACTOR, experiment_id=make_experiment({}, BRIEF).pk)

    assert "everybody is answered as without" in console.get(page_of(experiment, "stop")).content.decode()
    assert said(console.post(page_of(experiment, "stop"), follow=True)) == ["Trial has ended."]

    experiment.refresh_from_db()
    assert experiment.status == "ended"


def test_promoting_says_what_changes_and_then_changes_it(console):
    experiment = start(actor=ACTOR, experiment_id=make_experiment({}, BRIEF).pk)
    winner = arms_of(experiment)[1]

    asked = console.get(page_of(experiment, "promote", winner.pk))
    assert "uses the prompt “brief” instead of “standard”" in asked.content.decode()
    assert not TaskPolicy.objects.exists()

    done = console.post(page_of(experiment, "promote", winner.pk), follow=True)
    assert said(done) == ["The winner of Trial is in force for everybody."]
    assert TaskPolicy.objects.get().prompt_version == "brief"
    assert "won by B" in done.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_cannot_be_started_says_why(console, method):
    experiment = make_experiment({})

    response = getattr(console, method)(page_of(experiment, "start"), follow=True)

    assert said(response) == ["An experiment compares at least two arms. Add another one."]


def test_the_results_page_has_a_sentence_the_arms_and_its_buttons(console):
    experiment = make_experiment({}, BRIEF)
    fresh = console.get(page_of(experiment, "results")).content.decode()
    start(actor=ACTOR, experiment_id=experiment.pk)
    running = console.get(page_of(experiment, "results")).content.decode()

    assert "Not enough calls yet to tell" in running
    assert "50\N{NO-BREAK SPACE}% of the users" in running
    assert ("Promote" in fresh, "Promote" in running) == (False, True)


def test_tables_come_as_json_and_as_csv_whose_taking_is_written_down(console, super_admin, people):
    experiment = make_experiment({"name": "=A1"}, BRIEF)
    first, _ = arms_of(experiment)
    make_call(first, "r1", user=people[0], cost="0.000000000007", rating=4)

    body = json.loads(console.get(LIST + f"{experiment.pk}/results/arms.json").content)
    answer = console.get(LIST + f"{experiment.pk}/results/arms.csv")
    against = json.loads(console.get(LIST + f"{experiment.pk}/results/differences.json").content)

    columns = [column["key"] for column in body["columns"]]
    row = dict(zip(columns, body["rows"][0], strict=True))
    assert (row["calls"], row["success"], row["cost"], row["feedback"]) == (1, 100, "0.000000000007", 4)
    assert body["rows"][1][columns.index("cost")] is None
    assert [chart["shape"] for chart in body["charts"]] == ["interval"] * 4
    assert [row[0] for row in against["rows"]] == ["B minus =A1"]
    assert [column["kind"] for column in against["columns"][1:4]] == ["points"] * 3
    header, *rows = csv.reader(StringIO(answer.content.decode()))
    assert rows[0][0] == "'=A1"
    assert rows[0][header.index("Cost of all")] == "0.000000000007"
    assert AuditEntry.objects.get(action="experiment.exported").actor == super_admin


@pytest.mark.parametrize("ending", ["results/other.json", "results/other.csv", "promote/0/"])
def test_what_does_not_exist_is_not_found(console, ending):
    experiment = start(actor=ACTOR, experiment_id=make_experiment({}, BRIEF).pk)

    response = console.get(f"{LIST}{experiment.pk}/{ending}", follow=True)

    if ending.startswith("promote"):
        assert said(response) == [
            "There is no such experiment, or it has no such arm. It may have been deleted."
        ]
    else:
        assert response.status_code == 404
    assert console.get(f"{LIST}{experiment.pk + 1}/results/").status_code == 404


def test_the_list_asks_the_same_queries_for_many_as_for_one(console, django_assert_max_num_queries):
    for number in range(12):
        make_experiment({}, BRIEF, name=f"Trial {number}")

    with django_assert_max_num_queries(12):
        page = console.get(LIST).content.decode()

    assert page.count(">Results</a>") == 12


def test_deleting_asks_for_a_fresh_code_and_is_written_down(settings, super_admin):
    settings.MFA_REQUIRED = True
    phone, client, experiment = enrol(super_admin), Client(), make_experiment({}, BRIEF)
    client.force_login(super_admin)
    client.post("/admin/confirm/", {"otp": phone.code()})

    with later(minutes=6):
        asked = client.post(page_of(experiment, "delete"), {"post": "yes"})
        assert asked.templates[0].name == "console/security/confirm.html"
        assert Experiment.objects.exists()
        held = {"held_form": asked.context["held_form"], "otp": phone.code()}
        assert client.post(page_of(experiment, "delete"), held).status_code == 302

    assert not Experiment.objects.exists()
    assert AuditEntry.objects.get(action="experiment.deleted").target_label == "Trial"


@pytest.mark.parametrize("role", [None, "USER", "STAFF"])
@pytest.mark.parametrize("step", ["start", "stop", "results", "change"])
def test_nobody_but_super_admins_sees_or_does_anything(client, role, step):
    experiment = make_experiment({}, BRIEF)
    if role:
        client.force_login(make_user("someone@example.com", role=role))

    for send in (client.get, client.post):
        assert send(page_of(experiment, step)).status_code in (302, 403)

    experiment.refresh_from_db()
    assert experiment.status == "draft"
