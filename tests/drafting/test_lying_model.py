"""A model that lies on purpose, through the API to every file: none of its lies is in any of them."""

import io
import json
import re

import pytest
from pypdf import PdfReader

from accounts.models import Plan, Subscription
from bench.drafts_corpus import ROOT, posting, profile
from bench.read_back import docx_text
from drafting.models import Draft
from drafting.sections import sections_of
from sandbox import drafts as liar
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

PROFILES = sorted(path.stem for path in (ROOT / "profiles").glob("*.json"))
ONE_PER_LANGUAGE = sorted({name.rpartition("_")[2]: name for name in PROFILES}.values())
URLS = ("/api/v1/cv-drafter/draft", "/api/v1/cover-letter/generate")
# Languages the profiles are written in, and one that each is translated to.
TRANSLATED = {"en": "de", "de": "en", "fr": "es", "es": "pt", "pt": "fr", "sw": "en"}


def lies_about(resume):
    """What no file may hold: the liar's additions, and its numbers, by the words they cannot do without."""
    whole = json.dumps(resume, ensure_ascii=False)
    added = [
        piece.strip(" .,:")
        for templates in liar._LIES.values()
        for template in templates
        for piece in template.split("{line}")
        if len(piece.strip(" .,:")) > 5
    ]
    wishes = [text.rstrip(".") for text in liar._PAST_IN_WISH.values()]
    numbers = [str(int(found) * 10 + 7) for found in re.findall(r"\d+", whole) if len(found) < 5]
    return [lie for lie in [*added, *wishes] if lie not in whole], [n for n in numbers if n not in whole]


def files_of(api, draft_id):
    """The text of every export."""
    export = f"/api/v1/drafts/{draft_id}/export?format="
    pdf = PdfReader(io.BytesIO(api.get(f"{export}pdf").content))
    yield " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)
    yield " ".join(docx_text(api.get(f"{export}docx").content).split())
    for name in ("txt", "md", "json"):
        text = api.get(f"{export}{name}").content.decode().replace("\\", "")
        # Its own count of its words is no claim.
        yield " ".join(re.sub(r'"word_\w+": \d+', "", text).split())


def lies_in(texts, lies, numbers):
    found = []
    for text in texts:
        found += [lie for lie in lies if re.search(rf"\b{re.escape(lie)}\b", text)]
        found += [n for n in numbers if re.search(rf"(?<![\d.,-]){n}(?![\d.,-]*\d)", text)]
    return found


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("is_translation", [False, True])
def test_no_lie_is_in_any_file_when_the_reader_vouches_for_nothing(api, sandbox, name, is_translation):
    make_config(model_name="sandbox-mini@lies", base_url=sandbox.openai, priority=5)
    make_config(provider_type="claude", model_name="sandbox-mini", base_url=sandbox.anthropic)
    resume, own = profile(name), name.rpartition("_")[2]
    lies, numbers = lies_about(resume)

    for url in URLS:
        body = {
            "job_data": posting(name),
            "master_profile": resume,
            "language": TRANSLATED[own] if is_translation else own,
        }
        draft = api.post(url, body, format="json").json()["data"]

        assert lies_in(files_of(api, draft["draft_id"]), lies, numbers) == []

    assert Draft.objects.count() == 2


@pytest.mark.parametrize("name", ONE_PER_LANGUAGE)
def test_no_lie_comes_in_when_an_edited_draft_s_sections_are_written_anew(api, user, sandbox, name):
    """Every section that has prose, and every paragraph, by the liar, after a person's edit."""
    Subscription.objects.create(user=user, plan=Plan.objects.get(slug="pro_monthly"))
    make_config(model_name="sandbox-mini@lies", base_url=sandbox.openai, priority=5)
    make_config(provider_type="claude", model_name="sandbox-mini", base_url=sandbox.anthropic)
    mine, resume = "This sentence is the person's own.", profile(name)
    lies, numbers = lies_about(resume)

    for url in URLS:
        body = {"job_data": posting(name), "master_profile": resume, "language": name.rpartition("_")[2]}
        draft = api.post(url, body, format="json").json()["data"]
        content = draft["content"]
        if draft["kind"] == "cv":
            content["work"][0]["highlights"].append(mine)
        else:
            content["body"][0]["text"] += f" {mine}"
        at = f"/api/v1/drafts/{draft['draft_id']}"
        draft = api.patch(at, {"content": content}, format="json").json()["data"]
        for section in sections_of(Draft.objects.get(pk=draft["draft_id"])):
            response = api.post(
                f"/api/v1/drafts/{draft['draft_id']}/regenerate",
                {"section": section, "job_data": posting(name), "master_profile": resume},
                format="json",
            )
            assert response.status_code == 201
            draft = response.json()["data"]

        assert draft["grounding"]
        assert mine in json.dumps(draft["content"])
        assert lies_in(files_of(api, draft["draft_id"]), lies, numbers) == []


def test_the_reader_is_another_vendor_than_the_writer_where_there_is_one(api, sandbox):
    make_config(model_name="sandbox-mini@lies", base_url=sandbox.openai, priority=5)
    make_config(provider_type="claude", model_name="sandbox-mini", base_url=sandbox.anthropic)
    body = {"job_data": posting("nurse_en"), "master_profile": profile("nurse_en"), "language": "fr"}

    draft = api.post(URLS[0], body, format="json").json()["data"]

    writers = set(
        AIProviderUsageLog.objects.filter(task_type="cv_draft").values_list("provider_type", flat=True)
    )
    readers = set(
        AIProviderUsageLog.objects.filter(task_type="grounding").values_list("provider_type", flat=True)
    )
    assert (writers, readers) == ({"openai"}, {"claude"})
    assert {call["provider"] for call in draft["calls"] if call["task"] == "grounding"} == {"claude"}


def test_with_one_provider_the_reader_is_the_same(api, sandbox):
    make_config(model_name="sandbox-mini@lies", base_url=sandbox.openai)
    body = {"job_data": posting("nurse_en"), "master_profile": profile("nurse_en"), "language": "fr"}

    response = api.post(URLS[0], body, format="json")

    tasks = set(AIProviderUsageLog.objects.values_list("task_type", "provider_type"))
    assert response.status_code == 201
    assert ("cv_draft", "openai") in tasks
    assert ("grounding", "openai") in tasks
