import json
from decimal import Decimal
from pathlib import Path

import pytest

from drafting import checking
from drafting.facts import read_facts
from drafting.replies import ReaderReply, RepairReply
from orchestration.calls import heard
from orchestration.calls.question import GenerationResult
from orchestration.errors import ProvidersUnavailable
from providers.adapters.base import TokenUsage
from tests.factories import make_config

PROFILES = Path(__file__).parent.parent / "fixtures" / "profiles"

JOB = {
    "title": "Senior Data Engineer",
    "hiring_organization": "Savanna Grid",
    "job_location": "Nairobi",
    "skills": ["Python", "PostgreSQL", "Terraform"],
    "qualifications": ["Five years with Apache Spark", "A doctorate in physics is welcome"],
    "responsibilities": ["Run the metering platform", "Train analysts"],
}


def load_profile(name):
    return json.loads((PROFILES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def resume():
    """A JSON Resume that uses every field of the schema."""
    return load_profile("complete")


@pytest.fixture
def sandbox_config(sandbox):
    """The one active provider is the sandbox, reached through the OpenAI SDK."""
    return make_config(model_name="sandbox-mini", base_url=sandbox.openai)


@pytest.fixture
def model_says(monkeypatch):
    """Let the model answer with exactly this reply, and the reader vouch for nothing, or for everything;
    returns the prompts that were asked, the writer's first.

    Replaces the orchestrator, the outermost seam of this app, because these tests are about what a model
    might say, word by word.
    """

    def script(reply, *, repairs=(), vouches=False, reader_fails=False):
        asked = []

        def answer(form, prompt):
            if issubclass(form, RepairReply):
                return {"texts": list(repairs)}
            if issubclass(form, ReaderReply):
                ids = form.model_json_schema()["$defs"]["SentenceVerdictForm"]["properties"]["id"]["enum"]
                return {
                    "verdicts": [
                        {"id": one, "supported": vouches, "unsupported": [], "claims_past": False}
                        for one in ids
                    ]
                }
            return reply

        class Scripted:
            async def generate(self, *, user, task, prompt, response_model, **_):
                asked.append(prompt)
                if reader_fails and task == "grounding":
                    raise ProvidersUnavailable
                said = answer(response_model, prompt)
                return GenerationResult(
                    text=json.dumps(said),
                    parsed=response_model.model_validate(said),
                    provider_type="openai",
                    provider_config_id=1,
                    provider_name="Scripted",
                    model_name="scripted-1",
                    task=task,
                    tier="fast",
                    request_id="0" * 32,
                    attempts=1,
                    usage=TokenUsage(input_tokens=900, output_tokens=200, cached_tokens=100),
                    usage_source="vendor",
                    cost_usd=Decimal("0.000123000000"),
                    latency_ms=321,
                )

        monkeypatch.setattr(heard, "AIOrchestrator", Scripted)
        monkeypatch.setattr(checking, "AIOrchestrator", Scripted)
        return asked

    return script


def claims(text, sources, profile="complete"):
    """The most that can be claimed of a text: all of it, of the whole of each source."""
    facts = read_facts(load_profile(profile))
    quotes = [
        facts.line_by_id[one].text if one in facts.line_by_id else facts.entry_by_id[one].header
        for one in sources
        if one in facts.line_by_id or one in facts.entry_by_id
    ]
    return [{"words": text, "quote": quote} for quote in quotes]


def cv_reply(*, summary="", keep=(), lines=(), profile="complete"):
    return {
        "summary": summary,
        "keep": list(keep),
        "lines": [
            {"source": source, "text": text, "claims": claims(text, [source], profile)}
            for source, text in lines
        ],
    }


def letter_reply(*sentences, profile="complete"):
    """Of (sources, text) or (sources, text, paragraph); a bridge has no sources."""
    return {
        "sentences": [
            {
                "kind": "evidence" if sources else "bridge",
                "paragraph": rest[0] if rest else 1,
                "text": text,
                "sources": list(sources),
                "claims": claims(text, sources, profile),
            }
            for sources, text, *rest in sentences
        ]
    }
