"""Tools through the door, whichever vendor is behind it."""

import json

import openai
import pytest

from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

WIRES = ("openai", "claude", "gemini", "local")
ASK = [
    {"role": "system", "content": "Use the tools."},
    {"role": "user", "content": "What is the weather?\n\nCity: Nairobi"},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Looks up the {name}.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
    for name in ("weather", "time")
]
FORCED = {"type": "function", "function": {"name": "time"}}


@pytest.mark.parametrize("wire", WIRES)
def test_a_tool_is_called_and_its_outcome_answered(wire, door, config_at):
    config_at(provider_type=wire)
    client = door()

    asked = client.chat.completions.create(model="sandbox-mini", messages=ASK, tools=TOOLS)
    call = asked.choices[0].message.tool_calls[0]
    outcome = {"role": "tool", "tool_call_id": call.id, "content": "It rains in Nairobi all day long."}
    answered = client.chat.completions.create(
        model="sandbox-mini", messages=[*ASK, asked.choices[0].message, outcome], tools=TOOLS
    )

    assert asked.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Nairobi"})
    assert "rains" in answered.choices[0].message.content
    assert set(AIProviderUsageLog.objects.values_list("status", "usage_source")) == {("success", "vendor")}


@pytest.mark.parametrize("wire", WIRES)
def test_a_tool_that_must_be_used_is_used_in_a_stream_too(wire, door, config_at):
    config_at(provider_type=wire)

    with door().chat.completions.stream(
        model="sandbox-mini", messages=ASK, tools=TOOLS, tool_choice=FORCED
    ) as stream:
        message = stream.get_final_completion().choices[0].message

    assert [call.function.name for call in message.tool_calls] == ["time"]
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Nairobi"}


def test_tools_may_be_forbidden(door, config_at):
    config_at(provider_type="claude")

    answer = door().chat.completions.create(
        model="sandbox-mini", messages=ASK, tools=TOOLS, tool_choice="none"
    )

    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tool_choice": {"type": "function", "function": {"name": "unheard_of"}}}, "tool_choice"),
        ({"messages": [*ASK, {"role": "tool", "content": "sunny"}]}, "messages[2].tool_call_id"),
    ],
)
def test_what_no_tool_is_like_is_refused(fields, param, door, config_at):
    config_at()

    with pytest.raises(openai.BadRequestError) as refused:
        door().chat.completions.create(
            **({"model": "sandbox-mini", "messages": ASK, "tools": TOOLS} | fields)
        )

    assert refused.value.param == param
