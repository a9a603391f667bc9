"""Questions for an interview: what rests on no line is not asked."""

import pytest

from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.celery_tasks import work_batch
from tests.drafting.conftest import JOB
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v1/interview-prep/generate"


@pytest.fixture
def sources(user, resume):
    job = JobPosting.objects.create(
        user=user,
        source_kind="text",
        content_hash="0" * 64,
        data=JobData.model_validate(JOB).model_dump(mode="json"),
    )
    return {
        "job_id": job.pk,
        "profile_id": MasterProfile.objects.create(user=user, name="M", resume=resume).pk,
    }


def asked(*questions):
    return {"questions": [{"text": text, "sources": list(sources)} for text, sources in questions]}


def test_the_sandbox_asks_questions_that_rest_on_lines(api, sandbox_config, sources):
    response = api.post(URL, sources | {"count": 4}, format="json")

    data = response.json()["data"]
    assert response.status_code == 200
    assert 1 <= len(data["questions"]) <= 4
    assert all(question["question"] and question["rests_on"] for question in data["questions"])
    row = AIProviderUsageLog.objects.get()
    assert (row.task_type, row.prompt_version, row.status) == ("interview_prep", "standard", "success")
    assert data["request_id"] == row.request_id
    assert not Draft.objects.exists()


def test_what_rests_on_nothing_is_dropped(api, model_says, sources):
    model_says(
        asked(
            ("How did you cut the nightly load?", ["work-1.h1", "work-9.h9"]),
            ("What do you know of Apache Spark?", ["posting-4"]),
            ("Why did you leave prison?", []),
            ("Why did you leave the army?", ["work-77"]),
            ("How did you lead 912 people?", ["work-1.h1"]),
            ("how did you cut the nightly load?", ["work-1.h1"]),
            ("", ["work-1.h1"]),
        )
    )

    data = api.post(URL, sources, format="json").json()["data"]

    assert [(one["question"], [line["id"] for line in one["rests_on"]]) for one in data["questions"]] == [
        ("How did you cut the nightly load?", ["work-1.h1"]),
        ("What do you know of Apache Spark?", ["posting-4"]),
    ]
    assert data["questions"][1]["rests_on"][0]["text"] == "Five years with Apache Spark"
    assert data["dropped"] == 4, "what was asked twice rests on something"


def test_lines_of_a_posting_are_shown_without_marks_of_a_list(api, model_says, sources):
    data = JobData(title="Cook", description="Cook for forty guests.\n\n- SQL and Python")
    JobPosting.objects.update(data=data.model_dump(mode="json"))
    prompts = model_says(asked(("How do you use SQL?", ["posting-3"])))

    [question] = api.post(URL, sources, format="json").json()["data"]["questions"]

    assert question["rests_on"] == [{"id": "posting-3", "text": "SQL and Python"}]
    assert "posting-3: SQL and Python" in prompts[0]


def test_the_model_sees_the_lines_by_their_ids_and_no_name(api, model_says, sources, resume):
    prompts = model_says(asked())

    data = api.post(URL, sources | {"language": "sw"}, format="json").json()["data"]

    assert (data["language"], data["questions"]) == ("sw", [])
    assert "work-1.h1: Cut the nightly load" in prompts[0]
    assert "posting-1: Title: Senior Data Engineer" in prompts[0]
    assert "10 questions in Swahili" in prompts[0]
    assert resume["basics"]["email"] not in prompts[0]


def test_a_key_is_answered_again_and_asks_nobody(api, sandbox_config, sources):
    first, second = (
        api.post(URL, sources, format="json", headers={"Idempotency-Key": "prep-1"}) for _ in range(2)
    )

    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert AIProviderUsageLog.objects.count() == 1


def test_who_does_not_wait_fetches_the_questions_later(api, sandbox_config, sources, monkeypatch):
    # Worked off here, in place of a worker.
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda *_, **__: None)
    sent = api.post(URL, sources, format="json", headers={"Prefer": "respond-async"})

    work_batch(sent.json()["data"]["batch_id"])

    [fetched] = api.get(f"{sent.headers['Location']}/results").json()["data"]
    assert sent.status_code == 202
    assert (fetched["state"], fetched["status"]) == ("done", 200)
    assert fetched["answer"]["questions"]


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": 21}, {"profile_id": None}, {"language": "xx"}])
def test_what_is_not_valid_is_refused_before_anything_is_spent(api, sandbox_config, sources, wrong):
    assert api.post(URL, sources | wrong, format="json").status_code == 400
    assert not AIProviderUsageLog.objects.exists()
