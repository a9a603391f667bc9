"""A conversation with tools as each wire is told it, and what comes back."""

import json

import pytest

from providers.adapters.base import GenerationRequest, ProviderReply
from providers.adapters.conversation import Tool, ToolBox, ToolCall, Turn
from providers.adapters.replies import cut_pieces
from tests.contract.vendors import Recorder, make_adapter

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TALK = GenerationRequest(
    prompt="And tomorrow?",
    system_prompt="Be brief.",
    history=(
        Turn("user", "What is the weather?"),
        Turn("assistant", calls=(ToolCall("c1", "weather", '{"city": "Nairobi"}'),)),
        Turn("tool", "It rains.", call_id="c1"),
        Turn("assistant", "It rains in Nairobi."),
    ),
    toolbox=ToolBox((Tool("weather", "Looks it up.", SCHEMA),), choice="required", forced="weather"),
    stop=("END",),
    top_p=0.5,
)
FUNCTION = {"name": "weather", "description": "Looks it up.", "parameters": SCHEMA}
CALL = {"name": "weather", "arguments": '{"city": "Nairobi"}'}
TOLD = {
    "local": {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is the weather?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": CALL}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "It rains."},
            {"role": "assistant", "content": "It rains in Nairobi."},
            {"role": "user", "content": "And tomorrow?"},
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "stop": ["END"],
        "top_p": 0.5,
    },
    "openai": {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]},
            {"type": "function_call", "call_id": "c1", **CALL},
            {"type": "function_call_output", "call_id": "c1", "output": "It rains."},
            {"role": "assistant", "content": [{"type": "output_text", "text": "It rains in Nairobi."}]},
            {"role": "user", "content": [{"type": "input_text", "text": "And tomorrow?"}]},
        ],
        "instructions": "Be brief.",
        "tools": [{"type": "function", "strict": False, **FUNCTION}],
        "tool_choice": {"type": "function", "name": "weather"},
        "top_p": 0.5,
    },
    "claude": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "What is the weather?"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Nairobi"}}
                ],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "It rains."}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "It rains in Nairobi."}]},
            {"role": "user", "content": [{"type": "text", "text": "And tomorrow?"}]},
        ],
        "system": "Be brief.",
        "tools": [{"name": "weather", "description": "Looks it up.", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "weather"},
        "stop_sequences": ["END"],
    },
    "gemini": {
        "contents": [
            {"role": "user", "parts": [{"text": "What is the weather?"}]},
            {
                "role": "model",
                "parts": [
                    {
                        "functionCall": {"name": "weather", "args": {"city": "Nairobi"}},
                        "thoughtSignature": "skip_thought_signature_validator",
                    }
                ],
            },
            {
                "role": "user",
                "parts": [{"functionResponse": {"name": "weather", "response": {"result": "It rains."}}}],
            },
            {"role": "model", "parts": [{"text": "It rains in Nairobi."}]},
            {"role": "user", "parts": [{"text": "And tomorrow?"}]},
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "weather", "description": "Looks it up.", "parametersJsonSchema": SCHEMA}
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    },
}


async def test_a_conversation_is_told_in_the_words_of_the_wire(provider_type):
    model_name = "gpt-4o-mini" if provider_type == "openai" else "some-model"
    with Recorder(status=401, body=b"{}") as recorder:
        adapter = make_adapter(provider_type, recorder.url, model_name=model_name)
        with pytest.raises(Exception, match="refused"):
            await adapter.generate_content(TALK)
        await adapter.aclose()

    sent = json.loads(recorder.requests[0][2])
    assert {name: sent.get(name) for name in TOLD[provider_type]} == TOLD[provider_type]


async def test_a_call_comes_back_whole_and_in_a_stream(adapter_at, provider_type):
    adapter = adapter_at()

    reply = await adapter.generate_content(TALK)
    *_, last = [item async for item in adapter.stream_content(TALK)]

    for one in (reply, last):
        assert [call.name for call in one.tool_calls] == ["weather"]
        assert set(json.loads(one.tool_calls[0].arguments)) == {"city"}
        assert one.usage.total_tokens > 0


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["one ST", "OP two"], "one "),
        (["one ", "ST", "ART"], "one START"),
        (["STOP"], ""),
        (["a", "b"], "ab"),
        (["a S", "TO"], "a STO"),
    ],
)
async def test_a_stream_ends_before_its_stop(pieces, said):
    async def stream():
        for piece in pieces:
            yield piece
        yield ProviderReply("".join(pieces), None, "m")

    *texts, reply = [item async for item in cut_pieces(stream(), ("STOP", "HALT!"))]

    assert "".join(texts) == reply.text == said
