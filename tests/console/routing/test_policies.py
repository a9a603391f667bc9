"""The list of task policies."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import Actor
from orchestration.models import TaskPolicy
from providers.stored_prompts import add_version
from providers.tasks import prompt_of, task_type

pytestmark = pytest.mark.django_db
LIST = "/admin/orchestration/taskpolicy/"


def shown(console):
    page = console.get(LIST)
    admin = page.context["cl"].model_admin
    return {row.task: admin.prompt(row) for row in page.context["cl"].result_list}


def test_the_prompt_that_is_asked_by_is_shown_not_one_that_is_gone(console):
    texts = {name: text.text for name, text in prompt_of("cover_letter").texts.items()}
    add_version(
        actor=Actor.system(), task=task_type("cover_letter"), version="warmer", based_on="standard",
        about="Warm.", texts=texts | {"system": "Be warm."},
    )  # fmt: skip
    TaskPolicy.objects.create(task="cover_letter", prompt_version="warmer")
    TaskPolicy.objects.create(task="extraction", prompt_version="of-another-release")

    assert shown(console) == {"cover_letter": "warmer", "extraction": task_type("extraction").default_prompt}


def test_the_stored_versions_are_read_once_for_all_rows(console):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            console.get(LIST)
        return len(captured)

    TaskPolicy.objects.create(task="cover_letter")
    queries()
    few = queries()
    for task in ("extraction", "cv_draft", "chat"):
        TaskPolicy.objects.create(task=task)

    assert queries() == few
