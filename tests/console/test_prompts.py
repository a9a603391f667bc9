"""The prompts' pages: read, compare, edit as a new version, put in force, take back, try."""

import html

import pytest

from accounts.audit import Actor
from orchestration.models import Experiment, TaskPolicy
from providers.stored_prompts import StoredPrompt, add_version
from providers.tasks import prompt_of, task_type
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db
STANDARD = "/admin/prompts/cover_letter/standard/"
WARMER = "/admin/prompts/cover_letter/warmer/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def warmer():
    texts = {name: text.text for name, text in prompt_of("cover_letter").texts.items()}
    return add_version(
        actor=Actor.system(), task=task_type("cover_letter"), version="warmer", based_on="standard",
        about="With more warmth.", texts=texts | {"system": "Be warm and <brief>."},
    )  # fmt: skip


def read(console, address):
    return html.unescape(console.get(address).content.decode())


def test_every_version_of_every_task_is_listed_with_where_it_comes_from(console, warmer):
    page = read(console, "/admin/prompts/")

    assert page.count("in force") >= 8
    assert WARMER in page
    assert "With more warmth." in page
    assert "/admin/prompts/extraction/brief/" in page


def test_a_version_is_edited_as_a_new_one(console):
    form = console.get(f"{STANDARD}new/").context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}

    done = console.post(
        f"{STANDARD}new/",
        sent | {"version": "warmer", "about": "Warm.", "text_system": "Be warm.\r\nBe brief."},
    )

    assert done.url == WARMER
    assert StoredPrompt.objects.get().texts["system"] == "Be warm.\nBe brief."
    assert TaskPolicy.objects.count() == 0


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("text_task", "In {languge}.", "variables that standard has not"),
        ("text_task", "In {language", "brace"),
        ("version", "evidence", "Choose another name"),
        ("version", "", "required"),
    ],
)
def test_what_cannot_be_stored_is_said_and_what_was_typed_stays(console, field, value, told):
    form = console.get(f"{STANDARD}new/").context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}

    refused = console.post(
        f"{STANDARD}new/",
        sent | {"version": "warmer", "about": "Warm.", "text_system": "Typed for an hour."} | {field: value},
    )

    page = html.unescape(refused.content.decode())
    assert told in page
    assert "Typed for an hour." in page
    assert not StoredPrompt.objects.exists()


def test_two_versions_are_compared_by_their_words(console, warmer):
    page = console.get(f"{WARMER}?beside=standard").content.decode()

    assert "<del>" in page
    assert "<ins>" in page
    assert "&lt;brief&gt;." in page
    assert "<brief>" not in page


def test_it_is_put_in_force_and_rolled_back_by_a_button(console, warmer):
    console.post(f"{WARMER}use/")
    page = read(console, WARMER)
    back = console.post(f"{STANDARD}use/", follow=True)

    assert "Roll back to standard" in page
    assert "before it was warmer" in html.unescape(back.content.decode())
    assert TaskPolicy.objects.get().prompt_version == "standard"


def test_what_follows_is_said_before_anything_is_put_in_force(console, warmer):
    asked = read(console, f"{WARMER}use/")

    assert "every call of Cover letters is asked by warmer instead of standard" in asked
    assert "experiment" not in asked.partition("<ul>")[2].partition("</ul>")[0]
    assert f'href="{WARMER}use/"' in read(console, WARMER)
    assert not TaskPolicy.objects.exists()


def test_a_running_experiment_and_whom_it_asks_otherwise_is_named(console, warmer):
    running = Experiment.objects.create(name="Letters by evidence", task="cover_letter", status="running")
    running.arms.create(name="As it is")
    running.arms.create(name="By evidence", prompt_version="evidence")
    Experiment.objects.create(name="Long over", task="cover_letter", status="ended").arms.create(name="Old")

    asked = read(console, f"{WARMER}use/")

    assert "Letters by evidence is running" in asked
    assert "(As it is), and their figures mix both prompts" in asked
    assert "stays with that (By evidence)" in asked
    assert "Long over" not in asked


def test_what_is_in_force_already_changes_nothing(console):
    assert "nothing changes" in read(console, f"{STANDARD}use/")


def test_an_experiment_is_proposed_from_its_page(console, warmer):
    answer = console.post(f"{WARMER}experiment/")

    made = Experiment.objects.get()
    assert answer.url == f"/admin/orchestration/experiment/{made.pk}/change/"
    assert console.get(answer.url).status_code == 200


@pytest.mark.parametrize("what", ["", "new/", "try/"])
@pytest.mark.parametrize("of", ["cover_letter/nothing", "nothing/standard", "chat/standard"])
def test_what_is_not_there_is_not_found(console, of, what):
    assert console.get(f"/admin/prompts/{of}/{what}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_versions_answer_side_by_side_and_each_answer_is_a_call_with_its_version(
    client, super_admin, sandbox
):
    client.force_login(super_admin)
    make_config(model_name="sandbox-mini", base_url=sandbox.openai)

    page = client.post(f"{STANDARD}try/", {"text": "system", "other": "evidence", "said": "Write a line."})

    answers = page.context["answers"]
    assert [(one.version, bool(one.result and one.result.text)) for one in answers] == [
        ("standard", True),
        ("evidence", True),
    ]
    rows = AIProviderUsageLog.objects.filter(user=super_admin, status="success", task_type="cover_letter")
    assert set(rows.values_list("prompt_version", flat=True)) == {"standard", "evidence"}


@pytest.mark.django_db(transaction=True)
def test_why_nobody_answers_is_said(client, super_admin):
    client.force_login(super_admin)

    page = client.post(f"{STANDARD}try/", {"text": "system", "other": "", "said": "Write a line."})

    assert "no active provider" in page.content.decode().lower()
