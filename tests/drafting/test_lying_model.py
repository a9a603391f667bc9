"""A model that lies on purpose, through the API to every file: none of its lies is in any of them."""

import io
import json
import re

import pytest
from pypdf import PdfReader

from bench.drafts_corpus import ROOT, posting, profile
from bench.read_back import docx_text
from drafting.models import Draft
from sandbox import drafts as liar
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

PROFILES = sorted(path.stem for path in (ROOT / "profiles").glob("*.json"))
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

        for text in files_of(api, draft["draft_id"]):
            found = [lie for lie in lies if re.search(rf"\b{re.escape(lie)}\b", text)]
            found += [n for n in numbers if re.search(rf"(?<![\d.,-]){n}(?![\d.,-]*\d)", text)]
            assert not found

    assert Draft.objects.count() == 2


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
