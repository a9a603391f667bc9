import json
from decimal import Decimal
from pathlib import Path

import pytest

from drafting import drafter
from orchestration.calls.results import GenerationResult
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
    """Let the model answer with exactly this reply; returns the prompts it was asked.

    Replaces the orchestrator, the outermost seam of this app, because the sandbox only ever quotes its prompt
    and these tests are about a model that lies.
    """

    def script(reply):
        asked = []

        class Scripted:
            async def generate(self, *, user, task, prompt, response_model, **_):
                asked.append(prompt)
                return GenerationResult(
                    text=json.dumps(reply),
                    parsed=response_model.model_validate(reply),
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

        monkeypatch.setattr(drafter, "AIOrchestrator", Scripted)
        return asked

    return script


def cv_reply(*, summary="", keep=(), lines=()):
    return {
        "summary": summary,
        "keep": list(keep),
        "lines": [{"source": source, "text": text} for source, text in lines],
    }


def letter_reply(*paragraphs):
    return {"paragraphs": [{"sources": list(sources), "text": text} for sources, text in paragraphs]}
