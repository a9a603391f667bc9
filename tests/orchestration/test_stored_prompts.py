"""Prompts that people write: said once and for all, used by the very next call, and taken back as easily."""

import pytest

from accounts.audit import Actor
from accounts.models import AuditEntry
from orchestration.calls.question import begin
from orchestration.experiments.errors import UnusableArm
from orchestration.experiments.proposals import propose_prompt
from orchestration.models import TaskPolicy
from orchestration.routing.prompts import prompt_before, prompt_in_force, put_prompt_in_force
from orchestration.routing.snapshot import current_snapshot
from providers.stored_prompts import (
    InvalidPromptVersion,
    PromptVersionTaken,
    StoredPrompt,
    UnknownPromptVersion,
    add_version,
    prompts_of,
    stored_versions,
)
from providers.tasks import TASKS, prompt_of, task_type, versions_of

pytestmark = pytest.mark.django_db
LETTER = task_type("cover_letter")


def texts_of(version="standard", **changed):
    return {name: text.text for name, text in versions_of("cover_letter")[version].texts.items()} | changed


def add(version="warmer", **fields):
    given = {"based_on": "standard", "about": "With more warmth.", "texts": texts_of(system="Be warm.")}
    return add_version(actor=Actor.system(), task=LETTER, version=version, **given | fields)


def test_a_version_is_beside_the_files_and_nobody_is_asked_by_it_yet(user):
    add()

    assert list(prompts_of(LETTER)) == [*LETTER.prompt_versions, "warmer"]
    assert prompts_of(LETTER)["warmer"].text("system") == "Be warm."
    assert begin(user, "cover_letter").prompt_version == "standard"
    entry = AuditEntry.objects.get(action="prompt.created")
    assert entry.changes["texts"] == [None, ["system"]]
    assert "Be warm" not in str(entry.changes)


def test_the_very_next_call_goes_by_the_version_that_was_put_in_force_and_by_the_one_before_once_it_is_back(
    user,
):
    add()
    began_before = begin(user, "cover_letter")

    put_prompt_in_force(actor=Actor.system(), kind=LETTER, version="warmer")
    began_after = begin(user, "cover_letter")
    before = prompt_before(LETTER)
    put_prompt_in_force(actor=Actor.system(), kind=LETTER, version=before)

    assert (began_before.prompt_version, began_after.prompt_version, before) == (
        "standard",
        "warmer",
        "standard",
    )
    assert began_after.prompt.text("system") == "Be warm."
    assert begin(user, "cover_letter").prompt == prompt_of("cover_letter")
    assert prompt_in_force(LETTER) == "standard"
    assert prompt_before(LETTER) == "warmer"
    assert AuditEntry.objects.filter(action="taskpolicy.changed").count() == 2


def test_putting_in_force_what_is_in_force_changes_nothing(user):
    add()
    put_prompt_in_force(actor=Actor.system(), kind=LETTER, version="warmer")
    revision = current_snapshot().revision

    put_prompt_in_force(actor=Actor.system(), kind=LETTER, version="warmer")

    assert current_snapshot().revision == revision
    assert AuditEntry.objects.filter(action="taskpolicy.changed").count() == 1


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"version": "evidence"}, PromptVersionTaken),
        ({"based_on": "nothing"}, UnknownPromptVersion),
        ({"texts": texts_of()}, InvalidPromptVersion),
        ({"texts": {"system": "Alone."}}, InvalidPromptVersion),
        ({"texts": texts_of(system="")}, InvalidPromptVersion),
        ({"texts": texts_of(system="x" * 20_001)}, InvalidPromptVersion),
        ({"texts": texts_of(task="In {languge}.")}, InvalidPromptVersion),
        ({"texts": texts_of(task="In {language.__class__}.")}, InvalidPromptVersion),
        ({"texts": texts_of(task="In {language")}, InvalidPromptVersion),
        ({"version": "With Capitals"}, InvalidPromptVersion),
        ({"version": "a" * 21}, InvalidPromptVersion),
        ({"about": ""}, InvalidPromptVersion),
    ],
)
def test_what_a_model_cannot_be_asked_by_is_not_stored(fields, refused):
    with pytest.raises(refused):
        add(**fields)

    assert not StoredPrompt.objects.exists()


def test_a_version_is_made_once():
    add()

    with pytest.raises(PromptVersionTaken):
        add(texts=texts_of(system="Be cold."))

    assert prompts_of(LETTER)["warmer"].text("system") == "Be warm."


def test_what_a_release_cannot_ask_by_any_more_is_left_out_and_calls_go_by_the_standard_one(user):
    add()
    put_prompt_in_force(actor=Actor.system(), kind=LETTER, version="warmer")

    StoredPrompt.objects.update(texts={"system": "The other texts are gone."})

    assert stored_versions() == {}
    assert begin(user, "cover_letter").prompt_version == "standard"
    assert prompt_in_force(LETTER) == "standard"


def test_an_experiment_tries_it_and_is_proposed_once():
    add()

    asked = {"actor": Actor.system(), "created_by": None, "task": "cover_letter"}
    first, is_new = propose_prompt(**asked, version="warmer")
    again, is_new_again = propose_prompt(**asked, version="warmer")

    assert (is_new, is_new_again, again) == (True, False, first)
    assert [arm.prompt_version for arm in first.arms.all()] == ["", "warmer"]
    with pytest.raises(UnusableArm):
        propose_prompt(**asked, version="nothing")


def test_no_task_is_asked_by_another_s_version(user):
    add()
    TaskPolicy.objects.create(task="cv_draft", prompt_version="warmer")

    versions = {task: begin(user, task).prompt_version for task in TASKS}

    assert set(versions.values()) == {"standard"}
