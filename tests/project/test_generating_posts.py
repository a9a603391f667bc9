"""Every POST that asks a vendor takes an Idempotency-Key: found by walking the URL patterns, so that one that
is added is tried too, or has to say here why not."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import get_resolver, reverse

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import IdempotencyKey, Plan
from extraction.models import JobPosting
from extraction.schema import JobData
from orchestration.models import Batch
from tests.drafting.conftest import JOB, resume
from tests.extraction.test_extract_api import picture
from tests.factories import make_config
from tests.usage.test_quota_headers import use_up
from usage.models import AIProviderUsageLog

__all__ = ["resume"]

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

POSTING = (
    "Lighthouse keeper wanted\n\nWe are hiring a keeper for the lighthouse on Fair Isle. Full time. "
    "You will light the lamp every evening and write the log. Apply by letter to the harbour."
)
CV_TEXT = (
    "Jane Otieno\njane.otieno@example.com\n\nWork experience\nDeveloper, Lakeside Bank\n2019 - 2023\n"
    "Built interfaces in Python for the payments team.\n\nEducation\nBSc, University of Nairobi, 2018"
)
AT_THE_DOOR = {"chat-completions": "/v1/chat/completions", "responses": "/v1/responses"}
ASK_NOBODY = {
    "auth-token": "logs in",
    "auth-refresh": "exchanges a token",
    "auth-step-up": "shows a second factor",
    "auth-logout-everywhere": "ends sessions",
    "provider-configs": "stores a provider",
    "provider-configs-test-unsaved": "tests a key, anew each time",
    "provider-configs-test": "the same",
    "batch-cancel": "begins nothing more",
    "personal-tokens": "makes a token, whose secret is shown once",
    "job-feedback": "a rating; the last one counts",
    "draft-feedback": "the same",
    "profile-list": "keeps a profile",
    "draft-restore": "copies a version, unless it is the newest",
    "alert-acknowledge": "says that somebody looks after it",
    "alert-mute": "the same, for a while",
    "alert-unmute": "takes that back",
    "alert-resolve": "the last word counts",
}


def posts(patterns=None):
    """The names of the addresses of the API and of the door that take a POST."""
    for pattern in patterns or get_resolver().url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from posts(pattern.url_patterns)
            continue
        view = getattr(pattern.callback, "cls", None) or getattr(pattern.callback, "view_class", None)
        module = getattr(view or pattern.callback, "__module__", "")
        if module.split(".")[0] in ("django", "drf_spectacular", "console", "unfold"):
            continue
        if (view is not None and hasattr(view, "post")) or pattern.name in AT_THE_DOOR:
            yield pattern.name.removeprefix("older-")


@pytest.fixture
def bodies(user, resume):
    """By the name of the address: what is sent to it, and what is sent to it in another request."""
    job = JobPosting.objects.create(
        user=user,
        source_kind="text",
        content_hash="0" * 64,
        data=JobData.model_validate(JOB).model_dump(mode="json"),
    )
    sources = {"job_id": job.pk, "master_profile": resume}
    many = {"items": [sources]}
    respond = {"model": "aditus/chat", "input": POSTING}
    ask = {"model": "aditus/chat", "messages": [{"role": "user", "content": POSTING}]}
    return {
        "job-extract": ({"text": POSTING}, {"text": f"{POSTING} Again."}),
        "job-extract-batch": (
            {"items": [{"text": POSTING}]},
            {"items": [{"text": POSTING}, {"text": POSTING}]},
        ),
        "job-validate-image": ({"image": "one.png"}, {"image": "two.png"}),
        "profile-import": ({"text": CV_TEXT}, {"text": f"{CV_TEXT}\nEnglish"}),
        "cv-draft": (sources, sources | {"language": "de"}),
        "cover-letter": (sources, sources | {"language": "de"}),
        "cv-draft-batch": (many, {"items": [sources, sources]}),
        "cover-letter-batch": (many, {"items": [sources, sources]}),
        "interview-prep": (sources, sources | {"count": 3}),
        "draft-regenerate": (
            {"section": "work", "master_profile": resume},
            {"section": "summary", "master_profile": resume},
        ),
        "chat-completions": (ask, ask | {"temperature": 0}),
        "responses": (respond, respond | {"temperature": 0}),
    }


@pytest.fixture
def send(api, user, bodies, sandbox, monkeypatch):
    """Answers a request to an address, by its name; no worker is there for batches."""
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda **_: None)
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    Plan.objects.update(daily_token_limit=None)
    drafted = []
    # A key is of one token: a request that is sent again comes with the same.
    secret = personal_tokens.create(user=user, name="CI", actor=Actor.system())[1]

    def where(name):
        if name in AT_THE_DOOR:
            return AT_THE_DOOR[name]
        if name != "draft-regenerate":
            return reverse(f"v1:{name}")
        if not drafted:
            made = api.post(reverse("v1:cv-draft"), bodies["cv-draft"][0], format="json").json()
            drafted.append(made["data"]["draft_id"])
        return reverse(f"v1:{name}", args=drafted)

    def post(name, body, **headers):
        if name in AT_THE_DOOR:
            headers["Authorization"] = f"Bearer {secret}"
        if "image" in body:
            file = SimpleUploadedFile(body["image"], picture().read(), "image/png")
            return api.post(where(name), {"image": file}, format="multipart", headers=headers)
        return api.post(where(name), body, format="json", headers=headers)

    post.where = where
    return post


# Whatever is sent to them is answered with 202, and asked by workers.
BATCHES = {"job-extract-batch", "cv-draft-batch", "cover-letter-batch"}


def test_every_post_is_known_here(bodies):
    assert set(posts()) == {*bodies, *ASK_NOBODY}


@pytest.mark.parametrize("name", sorted(set(posts()) - set(ASK_NOBODY)))
def test_a_request_that_is_sent_again_is_answered_again_and_asks_nobody(name, send, bodies, sandbox):
    body, other = bodies[name]

    first = send(name, body, **{"Idempotency-Key": "one"})
    asked = sandbox.hits()["total"], AIProviderUsageLog.objects.count(), Batch.objects.count()
    again = send(name, body, **{"Idempotency-Key": "one"})
    reused = send(name, other, **{"Idempotency-Key": "one"})

    assert first.status_code in (200, 201, 202), first.content
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (reused.status_code, reused.json()["error"]["code"]) == (422, "idempotency_key_reused")
    now = sandbox.hits()["total"], AIProviderUsageLog.objects.count(), Batch.objects.count()
    assert now == asked
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("name", sorted(set(posts()) - set(ASK_NOBODY) - BATCHES))
def test_who_has_used_up_a_quota_is_told_so_in_headers_too(name, send, bodies, user):
    # While there is room, whatever the address is about is made.
    send.where(name)
    use_up(user, 1_000_000)

    refused = send(name, bodies[name][0])

    assert (refused.status_code, "quota" in refused.json()["error"]["code"]) == (429, True)
    assert refused["RateLimit"].startswith('"user-day-tokens";r=0;t=')
    assert refused["RateLimit-Policy"] == '"user-day-tokens";q=1000000;qu="tokens";w=86400'
