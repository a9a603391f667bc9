"""The door as a program meets it: OpenAI's own client, over HTTP, to the sandbox behind the real SDKs."""

import asyncio
import base64
import json

import openai
import pytest
from pydantic import BaseModel

from accounts.personal_tokens import TokenLimits
from tests.contract.questions import png
from tests.orchestration.conftest import configs_at
from tests.waiting import wait_until
from usage.models import AIProviderUsageLog, QuotaCounter

pytestmark = pytest.mark.django_db(transaction=True)

WIRES = ("openai", "claude", "gemini", "local")
ASK = [{"role": "user", "content": "Backend Engineer at Jua Logistics. You write Python and know Django."}]
IMAGE = "messages[0].content.image_url"
FREE = {"name": "a", "schema": {"type": "object", "additionalProperties": True}}
ELSEWHERE = [{"type": "image_url", "image_url": {"url": "http://example.com/a.png"}}]
NO_PATTERN = {
    "type": "object", "properties": {"a": {"type": "string", "pattern": "("}}, "required": ["a"],
    "additionalProperties": False,
}  # fmt: skip


def deep_object(levels):
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    for _ in range(levels):
        schema = {
            "type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False
        }  # fmt: skip
    return schema


def schema_of(schema):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


class Posting(BaseModel):
    title: str
    company: str


def the_row():
    return AIProviderUsageLog.objects.get()


@pytest.mark.parametrize("wire", WIRES)
def test_a_model_answers_by_its_name(wire, door, config_at, user):
    config_at(provider_type=wire)

    raw = door().chat.completions.with_raw_response.create(model=f"{wire}/sandbox-mini", messages=ASK)

    answer = raw.parse()
    assert "Jua Logistics" in answer.choices[0].message.content
    assert (answer.model, answer.choices[0].finish_reason) == ("sandbox-mini", "stop")
    row = the_row()
    assert (row.user, row.task_type, row.status) == (user, "chat", "success")
    assert row.personal_token == user.personal_tokens.get().pk
    assert answer.usage.total_tokens == row.total_tokens > 0
    assert raw.headers["x-aditus-provider"] == wire
    assert answer.id == f"chatcmpl-{row.request_id}" == f"chatcmpl-{raw.headers['x-request-id']}"
    assert user.personal_tokens.get().last_used_at


def test_a_task_is_a_model_too_and_a_bare_name_finds_its_config(door, config_at):
    config_at("sandbox-mini", provider_type="claude", quality_model_name="sandbox-large", is_default=True)
    config_at("gpt-5-mini", provider_type="openai")
    client = door()

    by_task = client.chat.completions.create(model="aditus/cv_draft", messages=ASK)
    by_name = client.chat.completions.create(model="sandbox-large", messages=ASK)

    assert (by_task.model, by_name.model) == ("sandbox-mini", "sandbox-large")
    tasks = AIProviderUsageLog.objects.order_by("pk").values_list("task_type", flat=True)
    assert list(tasks) == ["cv_draft", "chat"]


@pytest.mark.any_database
@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_comes_in_pieces_with_its_usage(wire, door, config_at):
    config_at(provider_type=wire)

    stream = door().chat.completions.create(
        model="sandbox-mini", messages=ASK, stream=True, stream_options={"include_usage": True}
    )

    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "Jua Logistics" in text
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == the_row().total_tokens
    assert the_row().status == "success"


def test_the_asynchronous_client_streams_and_may_leave(door, halfway):
    configs_at(halfway)(provider_type="gemini", timeout=300)
    client = door(openai.AsyncOpenAI)

    async def leave_early():
        async with client:
            stream = await client.chat.completions.create(
                model="gemini/sandbox-mini", messages=ASK, stream=True
            )
            async with stream:
                async for chunk in stream:
                    if chunk.choices[0].delta.content:
                        return

    asyncio.run(leave_early())
    wait_until(lambda: not AIProviderUsageLog.objects.filter(status="started").exists())

    row = the_row()
    assert (row.status, row.usage_source, row.error_kind) == ("aborted", "estimated", "cancelled")
    wait_until(lambda: halfway.hits()["in_flight"] == 0)
    assert sum(QuotaCounter.objects.values_list("reserved", flat=True)) == 0


@pytest.mark.any_database
def test_a_stream_that_breaks_says_so_in_the_stream(door, config_at):
    config_at("sandbox-mini@stream_error", provider_type="claude")
    stream = door().chat.completions.create(model="sandbox-mini", messages=ASK * 4, stream=True)

    with pytest.raises(openai.APIError) as refused:
        list(stream)

    assert refused.value.code == "stream_interrupted"
    assert the_row().status == "error"


@pytest.mark.any_database
def test_what_is_refused_before_the_first_piece_has_its_status(door, config_at):
    config_at("sandbox-mini@blocked", provider_type="claude")

    with pytest.raises(openai.BadRequestError) as refused:
        door().chat.completions.create(model="sandbox-mini", messages=ASK, stream=True)

    assert refused.value.code == "content_filter"


@pytest.mark.any_database
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("model", ["sandbox-mini", "sandbox-plain"])
def test_a_reply_keeps_to_a_schema(wire, model, door, config_at):
    config_at(model, provider_type=wire)

    answer = door().chat.completions.parse(model=model, messages=ASK, response_format=Posting)

    assert "Jua Logistics" in answer.choices[0].message.parsed.company


@pytest.mark.any_database
def test_any_json_object_is_one(door, config_at):
    config_at(provider_type="claude")

    answer = door().chat.completions.create(
        model="sandbox-mini", messages=ASK, response_format={"type": "json_object"}
    )

    assert isinstance(json.loads(answer.choices[0].message.content), dict)


@pytest.mark.any_database
@pytest.mark.parametrize("wire", WIRES)
def test_a_picture_is_seen(wire, door, config_at):
    config_at(provider_type=wire)
    url = f"data:image/png;base64,{base64.b64encode(png().data).decode()}"
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]

    answer = door().chat.completions.create(
        model="sandbox-mini", messages=[{"role": "user", "content": parts}]
    )

    assert "PNG picture" in answer.choices[0].message.content


@pytest.mark.any_database
@pytest.mark.parametrize("wire", WIRES)
def test_a_conversation_is_told_in_order(wire, door, config_at):
    config_at(provider_type=wire)
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "First question."},
        {"role": "assistant", "content": "First answer."},
        {"role": "user", "content": "Engineers at Jua Logistics write Python."},
    ]

    answer = door().chat.completions.create(
        model="sandbox-mini", messages=messages, temperature=0.2, top_p=0.9, stop=["Python"], max_tokens=500
    )

    assert "Python" not in answer.choices[0].message.content


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"response_format": schema_of(deep_object(150))}, 400, "invalid_value", None),
        ({"response_format": schema_of(NO_PATTERN)}, 400, "invalid_value", "response_format"),
        ({"n": 2}, 400, "unsupported_parameter", "n"),
        ({"logprobs": True}, 400, "unsupported_parameter", "logprobs"),
        ({"extra_body": {"wish": 1}}, 400, "unsupported_parameter", "wish"),
        ({"temperature": 9}, 400, "invalid_value", "temperature"),
        ({"messages": []}, 400, "missing_required_parameter", "messages"),
        ({"model": "nobody/serves-this"}, 404, "model_not_found", "model"),
        ({"model": "aditus/flying"}, 404, "model_not_found", "model"),
        ({"messages": [{"role": "user", "content": ELSEWHERE}]}, 400, "invalid_value", IMAGE),
        (
            {"response_format": {"type": "json_schema", "json_schema": FREE}},
            400,
            "invalid_value",
            "response_format",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(fields, status, code, param, door, config_at):
    config_at()

    with pytest.raises(openai.APIStatusError) as refused:
        door().chat.completions.create(**({"model": "sandbox-mini", "messages": ASK} | fields))

    error = refused.value
    assert (error.status_code, error.code, error.param) == (status, code, param)
    assert not AIProviderUsageLog.objects.exists()


@pytest.mark.any_database
def test_a_key_that_is_none_is_refused(door, config_at):
    config_at()

    for key in ("adt_wrong", "sk-something"):
        with pytest.raises(openai.AuthenticationError) as refused:
            door(api_key=key).models.list()
        assert refused.value.code == "invalid_api_key"


def test_a_token_asks_for_what_it_may_alone(door, config_at):
    config_at("sandbox-mini", quality_model_name="sandbox-large")
    narrow = door(tasks=["chat"], model_names=["openai/sandbox-mini"])

    assert {model.id for model in narrow.models.list()} == {"aditus/chat", "openai/sandbox-mini"}
    assert narrow.models.retrieve("sandbox-mini").owned_by == "openai"
    assert narrow.chat.completions.create(model="aditus/chat", messages=ASK).model == "sandbox-mini"
    for model in ("aditus/cv_draft", "openai/sandbox-large", "sandbox-large"):
        with pytest.raises(openai.PermissionDeniedError) as refused:
            narrow.chat.completions.create(model=model, messages=ASK)
        assert refused.value.code == "model_not_allowed"


def test_a_token_has_its_own_quota_and_rate(door, config_at):
    config_at()
    poor = door(limits=TokenLimits(daily_token_limit=100))
    slow = door(limits=TokenLimits(requests_per_minute=1))

    with pytest.raises(openai.RateLimitError) as over_quota:
        poor.chat.completions.create(model="sandbox-mini", messages=ASK)
    slow.chat.completions.create(model="sandbox-mini", messages=ASK)
    with pytest.raises(openai.RateLimitError) as too_fast:
        slow.chat.completions.create(model="sandbox-mini", messages=ASK)

    assert (over_quota.value.code, over_quota.value.type) == ("quota_exceeded", "insufficient_quota")
    assert over_quota.value.response.headers["x-should-retry"] == "false"
    assert "access token" in too_fast.value.message
    assert int(too_fast.value.response.headers["Retry-After"]) > 0


def test_when_a_vendor_fails_the_next_that_serves_the_model_answers(door, config_at):
    config_at("sandbox-mini@server", provider_type="claude", priority=2)
    config_at("sandbox-mini", provider_type="openai", priority=1)

    raw = door().chat.completions.with_raw_response.create(model="sandbox-mini", messages=ASK)

    assert raw.headers["x-aditus-provider"] == "openai"
    assert int(raw.headers["x-aditus-attempts"]) == AIProviderUsageLog.objects.count() > 1
