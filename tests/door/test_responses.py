"""OpenAI's Responses API at the door, by OpenAI's own client, to the sandbox behind the real SDKs."""

import asyncio
import base64
import json

import openai
import pytest
from pydantic import BaseModel

from tests.contract.questions import png
from tests.orchestration.conftest import configs_at
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

WIRES = ("openai", "claude", "gemini", "local")
ASK = "Backend Engineer at Jua Logistics. You write Python and know Django."
WEATHER = {"role": "user", "content": "What is the weather?\n\nCity: Nairobi"}
TOOLS = [
    {
        "type": "function",
        "name": name,
        "description": f"Looks up the {name}.",
        "strict": False,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in ("weather", "time")
]


class Posting(BaseModel):
    title: str
    company: str


def the_row():
    return AIProviderUsageLog.objects.get()


@pytest.mark.parametrize("wire", WIRES)
def test_a_model_answers_by_its_name(wire, door, config_at, user):
    config_at(provider_type=wire)

    raw = door().responses.with_raw_response.create(
        model=f"{wire}/sandbox-mini",
        instructions="Be brief.",
        input=ASK,
        temperature=0.2,
        store=False,
        metadata={"lesson": "1"},
    )

    answer, row = raw.parse(), the_row()
    assert "Jua Logistics" in answer.output_text
    assert (answer.model, answer.status) == ("sandbox-mini", "completed")
    assert (answer.instructions, answer.metadata, answer.temperature) == ("Be brief.", {"lesson": "1"}, 0.2)
    assert answer.usage.total_tokens == row.total_tokens > 0
    assert answer.usage.input_tokens == row.input_tokens
    assert (row.user, row.task_type, row.status) == (user, "chat", "success")
    assert row.personal_token == user.personal_tokens.get().pk
    assert answer.id == f"resp_{row.request_id}"
    assert raw.headers["x-aditus-provider"] == wire


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_is_told_in_events(wire, door, config_at):
    config_at(provider_type=wire)

    events = list(door().responses.create(model="aditus/chat", input=ASK, stream=True))

    kinds = [event.type for event in events]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    whole = events[-1].response
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert text == whole.output_text
    assert "Jua Logistics" in text
    assert whole.usage.total_tokens == the_row().total_tokens


@pytest.mark.parametrize("model", ["sandbox-mini", "sandbox-plain"])
def test_a_reply_keeps_to_a_schema_whole_and_streamed(model, door, config_at):
    config_at(model, provider_type="claude")
    client = door()

    whole = client.responses.parse(model=model, input=ASK, text_format=Posting)
    with client.responses.stream(model=model, input=ASK, text_format=Posting) as stream:
        streamed = stream.get_final_response()

    assert "Jua Logistics" in whole.output_parsed.company
    assert streamed.output_parsed == whole.output_parsed


@pytest.mark.parametrize("wire", WIRES)
def test_a_tool_is_called_and_its_outcome_answered(wire, door, config_at):
    config_at(provider_type=wire)
    client = door()
    question = {"model": "sandbox-mini", "instructions": "Use the tools.", "tools": TOOLS}

    asked = client.responses.create(**question, input=[WEATHER])
    call = next(item for item in asked.output if item.type == "function_call")
    outcome = {"type": "function_call_output", "call_id": call.call_id, "output": "It rains in Nairobi."}
    answered = client.responses.create(**question, input=[WEATHER, *asked.output, outcome])

    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Nairobi"})
    assert "rains" in answered.output_text


def test_a_tool_that_must_be_used_is_used_in_a_stream_too(door, config_at):
    config_at(provider_type="gemini")
    forced = {"type": "function", "name": "time"}

    with door().responses.stream(
        model="sandbox-mini", input=[WEATHER], tools=TOOLS, tool_choice=forced
    ) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_response()

    assert [(item.name, json.loads(item.arguments)) for item in answer.output] == [
        ("time", {"city": "Nairobi"})
    ]
    assert "response.function_call_arguments.done" in kinds


def test_a_picture_is_seen_and_a_conversation_told_in_order(door, config_at):
    config_at(provider_type="claude")
    url = f"data:image/png;base64,{base64.b64encode(png().data).decode()}"
    seen = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": url}]
    client = door()
    first = client.responses.create(model="sandbox-mini", input=[{"role": "user", "content": seen}])

    second = client.responses.create(
        model="sandbox-mini",
        input=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "First question."},
            *first.output,
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": ASK}]},
        ],
    )

    assert "PNG picture" in first.output_text
    assert "Jua Logistics" in second.output_text


def test_an_answer_that_was_cut_is_incomplete(door, config_at):
    config_at("sandbox-mini@truncated", provider_type="openai")
    client = door()

    whole = client.responses.create(model="sandbox-mini", input=ASK, max_output_tokens=16)
    *_, last = client.responses.create(model="sandbox-mini", input=ASK, max_output_tokens=16, stream=True)

    assert (whole.status, whole.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (last.type, last.response.status) == ("response.incomplete", "incomplete")


def test_the_asynchronous_client_streams_and_may_leave(door, halfway):
    configs_at(halfway)(provider_type="gemini", timeout=300)
    client = door(openai.AsyncOpenAI)

    async def leave_early():
        async with client, client.responses.stream(model="sandbox-mini", input=ASK) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    return

    asyncio.run(leave_early())
    wait_until(lambda: not AIProviderUsageLog.objects.filter(status="started").exists())

    assert (the_row().status, the_row().error_kind) == ("aborted", "cancelled")
    wait_until(lambda: halfway.hits()["in_flight"] == 0)
    assert sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0


def test_a_stream_that_breaks_says_so_in_the_stream(door, config_at):
    config_at("sandbox-mini@stream_error", provider_type="claude")

    *_, error, failed = door().responses.create(model="sandbox-mini", input=ASK * 4, stream=True)

    assert (error.type, error.code) == ("error", "stream_interrupted")
    assert (failed.type, failed.response.error.code) == ("response.failed", "stream_interrupted")
    assert the_row().status == "error"


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"previous_response_id": "resp_1"}, "unsupported_parameter", "previous_response_id"),
        ({"conversation": "conv_1"}, "unsupported_parameter", "conversation"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"store": True}, "unsupported_parameter", "store"),
        ({"include": ["message.output_text.logprobs"]}, "unsupported_parameter", "include"),
        ({"reasoning": {"effort": "high"}}, "unsupported_parameter", "reasoning"),
        ({"truncation": "auto"}, "unsupported_parameter", "truncation"),
        ({"text": {"verbosity": "low"}}, "unsupported_parameter", "text.verbosity"),
        ({"text": {"format": {"type": "grammar"}}}, "unsupported_parameter", "text.format"),
        ({"text": "plain"}, "invalid_value", "text"),
        ({"instructions": 7}, "invalid_value", "instructions"),
        ({"max_output_tokens": 0}, "invalid_value", "max_output_tokens"),
        ({"input": []}, "missing_required_parameter", "input"),
        ({"input": [7]}, "invalid_value", "input[0]"),
        ({"input": [{"role": "user"}]}, "invalid_value", "input[0].content"),
        ({"input": [{"role": "user", "content": [7]}]}, "invalid_value", "input[0].content"),
        ({"input": [{"role": "owner", "content": "a"}]}, "invalid_value", "input[0].role"),
        ({"input": [{"role": "system", "content": "a"}]}, "invalid_value", "input"),
        ({"input": [{"type": "item_reference", "id": "a"}]}, "unsupported_parameter", "input[0]"),
        ({"input": [{"type": ["message"]}]}, "unsupported_parameter", "input[0]"),
        ({"input": [{"type": "function_call", "name": "a"}]}, "invalid_value", "input[0]"),
        (
            {"input": [{"type": "function_call_output", "output": "a"}]},
            "missing_required_parameter",
            "input[0].call_id",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "a"}]}]},
            "unsupported_parameter",
            "input[0].content.file_id",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "a"}]}]},
            "invalid_value",
            "input[0].content",
        ),
        ({"tools": [{"type": "web_search"}]}, "unsupported_parameter", "tools[0]"),
        ({"tools": TOOLS, "tool_choice": {"name": {}}}, "invalid_value", "tool_choice"),
        ({"tools": [{"type": "function"}]}, "invalid_value", "tools[0].name"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(fields, code, param, door, config_at):
    config_at()

    with pytest.raises(openai.BadRequestError) as refused:
        door().responses.create(**({"model": "sandbox-mini", "input": ASK} | fields))

    assert (refused.value.code, refused.value.param) == (code, param)
    assert not AIProviderUsageLog.objects.exists()
