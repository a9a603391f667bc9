"""Who somebody is never reaches a vendor: canaries in every personal place, looked for in every byte sent."""

import json
from contextlib import contextmanager

import pytest

from drafting.masks import Mask
from drafting.models import Draft
from sandbox.server import Sandbox
from tests.drafting.conftest import JOB, load_profile
from tests.factories import make_config
from tests.sandbox import running_sandbox

pytestmark = pytest.mark.django_db(transaction=True)

CANARIES = {
    "name": "Quillon Zebrawood",
    "email": "quillon.zebrawood@canary.example",
    "phone": "+254 711 987 654",
    "url": "https://canary.example/me",
    "image": "https://canary.example/face.png",
    "address": "17 Canary Lane",
    "postal": "CNR 4711",
    "username": "zebrawood-qz",
    "other_email": "qz-private@nest.example",
    "referee": "Marabou Stork",
    "referee_phone": "0722 555 444",
    "birth": "12 May 1987",
}


@pytest.fixture
def resume():
    """A profile with every canary, in the header's members and in free text."""
    document = load_profile("complete")
    document["basics"] |= {
        "name": CANARIES["name"],
        "email": CANARIES["email"],
        "phone": CANARIES["phone"],
        "url": CANARIES["url"],
        "image": CANARIES["image"],
        "summary": (
            f"{CANARIES['name']} builds pipelines. Write to {CANARIES['other_email']}, or to "
            f"{CANARIES['email']}, call {CANARIES['phone']}, see {CANARIES['url']}. Born {CANARIES['birth']}."
        ),
        "location": {"address": CANARIES["address"], "postalCode": CANARIES["postal"], "city": "Nairobi"},
        "profiles": [{"network": "GitHub", "username": CANARIES["username"], "url": f"{CANARIES['url']}/gh"}],
    }
    document["work"][0]["highlights"].append(f"Zebrawood wrote the handbook ({CANARIES['username']})")
    document["references"] = [
        {
            "name": CANARIES["referee"],
            "reference": f"Call {CANARIES['referee_phone']} about {CANARIES['name']}.",
        }
    ]
    return document


class Listening(Sandbox):
    """The sandbox, keeping every byte that it was sent."""

    heard: list = []

    async def _generate(self, wire, request):
        type(self).heard.append((await request.read()).decode())
        return await super()._generate(wire, request)


@contextmanager
def listening():
    Listening.heard = []
    with running_sandbox(Listening()) as server:
        yield server


@pytest.mark.parametrize("vendor", ["openai", "claude", "gemini"])
@pytest.mark.parametrize("url", ["/api/v1/cv-drafter/draft", "/api/v1/cover-letter/generate"])
@pytest.mark.parametrize("faults", ["", "@lies"])
def test_no_vendor_is_told_who_the_applicant_is(api, resume, vendor, url, faults):
    with listening() as server:
        make_config(
            provider_type=vendor, model_name=f"sandbox-mini{faults}", base_url=server.base_url(vendor)
        )

        response = api.post(url, {"job_data": JOB, "master_profile": resume}, format="json")

        sent = json.dumps(Listening.heard, ensure_ascii=False)
    assert response.status_code == 201, response.content
    assert Listening.heard
    leaked = [name for name, canary in CANARIES.items() if canary.casefold() in sent.casefold()]
    assert not leaked
    assert "Zebrawood" not in sent
    assert "Apache Spark" in sent


def test_the_reader_is_not_told_either(api, resume, monkeypatch):
    """What code cannot prove goes to a second model, with the facts it rests on."""
    with listening() as server:
        make_config(model_name="sandbox-mini@lies", base_url=server.openai)
        make_config(provider_type="claude", model_name="sandbox-mini", base_url=server.anthropic, priority=-1)
        api.post(
            "/api/v1/cover-letter/generate",
            {"job_data": JOB, "master_profile": resume, "language": "de"},
            format="json",
        )
        sent = json.dumps(Listening.heard, ensure_ascii=False)

    assert not [name for name, canary in CANARIES.items() if canary.casefold() in sent.casefold()]


def test_code_puts_the_header_and_the_masked_words_back(api, resume):
    with listening() as server:
        make_config(model_name="sandbox-mini", base_url=server.openai)
        letter = api.post(
            "/api/v1/cover-letter/generate", {"job_data": JOB, "master_profile": resume}, format="json"
        ).json()["data"]["content"]

    assert letter["sender"]["name"] == CANARIES["name"]
    assert CANARIES["email"] in letter["sender"]["lines"]
    assert "APPLICANT" not in letter["text"]
    assert "APPLICANT" not in json.dumps(Draft.objects.get().content)


def test_what_was_hidden_comes_back_as_it_was(resume):
    mask = Mask(resume)
    text = resume["basics"]["summary"]

    hidden = mask.hide(text)

    assert mask.show(hidden) == text
    assert not [canary for canary in CANARIES.values() if canary in hidden]


def test_years_and_figures_are_no_telephone_numbers():
    mask = Mask({"basics": {"name": "A B"}})
    text = "From 2019-04-01 to 2021-03-31 and 01/2022 - 03/2023, since 01.02.2024, 1 200 000 meters in 0.5 s"

    assert mask.hide(text) == text
