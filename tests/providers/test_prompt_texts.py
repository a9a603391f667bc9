"""What models are told: files that code can ask by, and that say tomorrow what they say today."""

import hashlib
from pathlib import Path

import pytest
from django.core.checks import run_checks

from providers import checks
from providers.tasks import CHAT, TASKS, InvalidPrompt, files, read_prompt, versions_of

LOCK = Path(__file__).parent / "prompts.lock"
WHOLE = """
about = "Asks."
forms = ["extraction.prompts.ImageVerdict"]
[texts.system]
text = "Be brief."
[texts.task]
variables = ["language"]
text = "Write in {language}."
"""


def written(tmp_path, content, *, version="standard", task="grounding"):
    path = tmp_path / task / f"{version}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def test_what_a_version_says_never_changes():
    locked = dict(line.split() for line in LOCK.read_text().splitlines())

    found = {f"{path.parent.name}/{path.stem}": read_prompt(path) for path in files()}
    digests = {
        name: hashlib.sha256(prompt.model_dump_json(include={"texts"}).encode()).hexdigest()
        for name, prompt in found.items()
    }

    # Other words go into a file of another name. A new file needs its line here, and nothing else.
    assert digests == locked


def test_every_task_but_a_chat_has_prompts_that_differ():
    for task in TASKS.values():
        told = [str(version.texts) for version in versions_of(task.slug).values()]
        assert len(told) == len(set(told)) == (0 if task.slug == CHAT else len(task.prompt_versions))


def test_the_brief_prompt_is_brief():
    brief, standard = (versions_of("extraction")[name] for name in ("brief", "standard"))

    assert all(len(brief.text(name)) * 2 < len(standard.text(name)) for name in ("text", "image"))


def test_the_installed_prompts_pass_the_check():
    assert [found for found in run_checks() if found.id == "providers.E001"] == []


def test_variables_are_replaced_and_other_braces_stay(tmp_path):
    prompt = read_prompt(written(tmp_path, WHOLE.replace("Be brief.", 'Answer {\\"a\\": 1}.')))

    assert prompt.text("task", language="Sami {x}") == "Write in Sami {x}."
    assert prompt.text("system") == 'Answer {"a": 1}.'


@pytest.mark.parametrize(
    "content",
    [
        "about = 1",
        "not toml",
        WHOLE.replace('about = "Asks."', ""),
        WHOLE + 'extra = "x"',
        WHOLE.replace("{language}", "{langage}"),
        WHOLE.replace("{language}", "{language.__class__}"),
        WHOLE.replace("{language}", "{language!r}"),
        WHOLE.replace("{language}", "{language:{width}}"),
        WHOLE.replace("{language}", "{language"),
        WHOLE.replace('"Be brief."', '""'),
        WHOLE.replace('forms = ["extraction.prompts.ImageVerdict"]', "forms = []"),
    ],
)
def test_a_file_that_is_no_prompt_is_refused(tmp_path, content):
    with pytest.raises(InvalidPrompt, match=r"grounding/standard\.toml"):
        read_prompt(written(tmp_path, content))


@pytest.mark.parametrize(
    ("others", "flaw"),
    [
        ({"brief": WHOLE.replace("texts.task", "texts.tasks")}, "has not the texts system, task"),
        (
            {"brief": WHOLE.replace("language", "tone")},
            "its task has variables that standard has not",
        ),
        ({"brief": WHOLE.replace("ImageVerdict", "Nothing")}, "extraction.prompts.Nothing is no form"),
        ({"brief": "broken"}, "grounding/brief.toml"),
    ],
)
def test_the_check_names_what_code_could_not_ask_by(tmp_path, monkeypatch, others, flaw):
    for version, content in {"standard": WHOLE, **others}.items():
        written(tmp_path, content, version=version)
    # In place of the installed files, which are all right.
    monkeypatch.setattr(
        checks,
        "versions_of",
        lambda task: {path.stem: read_prompt(path) for path in sorted((tmp_path / task).glob("*"))},
    )

    flaws = list(checks._flaws_of(TASKS["grounding"]))

    assert [flaw in found for found in flaws] == [True]
