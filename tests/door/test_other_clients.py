"""Other programs at the door, as people would connect them."""

import json
import subprocess

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from accounts.models import Plan
from tests.waiting import PATIENCE_SECONDS
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

ASK = "Backend Engineer at Jua Logistics. You write Python and know Django."


class Posting(BaseModel):
    title: str
    company: str


@pytest.fixture
def agent(root, user, token_for):
    """PydanticAI's, who looks the weather up and answers in a form or in text."""
    Plan.objects.update(daily_token_limit=None)
    door = OpenAIProvider(base_url=f"{root}/v1", api_key=token_for(user))

    def make(**fields):
        return Agent(OpenAIChatModel("aditus/chat", provider=door), **fields)

    return make


@pytest.mark.parametrize("wire", ["openai", "claude", "gemini", "local"])
def test_an_agent_uses_its_tool_and_answers(wire, agent, config_at):
    config_at(provider_type=wire)
    asked = []
    forecaster = agent()

    @forecaster.tool_plain
    def weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "It rains in Nairobi all day long."

    answer = forecaster.run_sync("What is the weather?\n\nCity: Nairobi")

    assert asked == ["Nairobi"]
    assert "rains" in answer.output
    assert AIProviderUsageLog.objects.filter(status="success").count() == 2


def test_an_agent_answers_in_a_form(agent, config_at):
    config_at(provider_type="claude")

    answer = agent(output_type=Posting).run_sync(ASK)

    assert "Jua Logistics" in answer.output.company


def test_curl_reads_the_events(root, user, token_for, config_at):
    config_at()
    body = {"model": "aditus/chat", "messages": [{"role": "user", "content": ASK}], "stream": True}

    headers = {"Authorization": f"Bearer {token_for(user)}", "Content-Type": "application/json"}
    options = [option for name, value in headers.items() for option in ("-H", f"{name}: {value}")]
    said = subprocess.run(
        ["curl", "-sN", f"{root}/v1/chat/completions", "-d", json.dumps(body), *options],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    ).stdout

    events = [line.removeprefix("data: ") for line in said.splitlines() if line]
    assert events[-1] == "[DONE]"
    assert json.loads(events[0])["object"] == "chat.completion.chunk"
    assert "usage" not in json.loads(events[0])
