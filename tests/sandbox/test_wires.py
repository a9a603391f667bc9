"""The wire formats, as the vendors' own SDKs read them."""

import base64
import io
import json

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as gemini_errors
from google.genai import types
from PIL import Image
from pydantic import BaseModel

from sandbox.outcomes import _lying

POSTING = "Welder\nCompany: Tausi Traders\nYou weld gates and repair them on site."
SYSTEM = "Be brief."
# Counted by hand, by the rule in sandbox/tokens.py: 1 + 6 + 9 in the three lines of the posting.
POSTING_TOKENS, SYSTEM_TOKENS = 16, 3


class Posting(BaseModel):
    title: str
    company: str | None
    wage: str | None


SCHEMA = Posting.model_json_schema() | {"additionalProperties": False}


@pytest.fixture
async def openai_client(sandbox):
    async with openai.AsyncOpenAI(api_key="sk-sandbox", base_url=sandbox.openai, max_retries=0) as client:
        yield client


@pytest.fixture
async def anthropic_client(sandbox):
    client = anthropic.AsyncAnthropic(api_key="sk-ant-sandbox", base_url=sandbox.anthropic, max_retries=0)
    async with client:
        yield client


@pytest.fixture
async def gemini_client(sandbox):
    client = genai.Client(api_key="sandbox-key", http_options=types.HttpOptions(base_url=sandbox.gemini))
    yield client.aio
    await client.aio.aclose()


def png(width=900, height=420):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


async def chat(client, model="sandbox-mini", content=POSTING, **arguments):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}]
    return await client.chat.completions.create(model=model, messages=messages, **arguments)


async def message(client, model="sandbox-mini", content=POSTING, **arguments):
    arguments = {"max_tokens": 500, "system": SYSTEM} | arguments
    return await client.messages.create(
        model=model, messages=[{"role": "user", "content": content}], **arguments
    )


async def gemini(client, model="sandbox-mini", contents=POSTING, **config):
    config = types.GenerateContentConfig(**({"system_instruction": SYSTEM} | config))
    return await client.models.generate_content(model=model, contents=contents, config=config)


async def test_chat_completions_answer_with_usage(openai_client):
    reply = await chat(openai_client)

    assert reply.choices[0].message.content.startswith("[sandbox] Welder")
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "sandbox-mini"
    assert reply.usage.prompt_tokens == POSTING_TOKENS + SYSTEM_TOKENS
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


async def test_messages_answer_with_usage(anthropic_client):
    reply = await message(anthropic_client)

    assert reply.content[0].text.startswith("[sandbox] Welder")
    assert (reply.stop_reason, reply.model) == ("end_turn", "sandbox-mini")
    assert reply.usage.input_tokens == POSTING_TOKENS + SYSTEM_TOKENS


async def test_gemini_answers_with_usage(gemini_client):
    reply = await gemini(gemini_client)

    assert reply.text.startswith("[sandbox] Welder")
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP
    assert reply.usage_metadata.prompt_token_count == POSTING_TOKENS + SYSTEM_TOKENS


async def test_each_vendors_structured_output_fits_the_schema(openai_client, anthropic_client, gemini_client):
    json_schema = {"name": "posting", "schema": SCHEMA, "strict": True}
    tool = {"name": "record", "input_schema": SCHEMA}

    completion = await chat(
        openai_client, response_format={"type": "json_schema", "json_schema": json_schema}
    )
    response = await openai_client.responses.parse(model="sandbox-mini", input=POSTING, text_format=Posting)
    by_format = await message(
        anthropic_client, output_config={"format": {"type": "json_schema", "schema": SCHEMA}}
    )
    by_tool = await message(anthropic_client, tools=[tool], tool_choice={"type": "tool", "name": "record"})
    as_json = {"response_mime_type": "application/json"}
    by_schema = await gemini(gemini_client, response_schema=Posting, **as_json)
    by_json_schema = await gemini(gemini_client, response_json_schema=SCHEMA, **as_json)

    expected = Posting(title="Welder", company="Tausi Traders", wage=None)
    assert Posting.model_validate_json(completion.choices[0].message.content) == expected
    assert response.output_parsed == expected
    assert Posting.model_validate_json(by_format.content[0].text) == expected
    assert (by_tool.stop_reason, Posting.model_validate(by_tool.content[0].input)) == ("tool_use", expected)
    assert by_schema.parsed == expected
    assert Posting.model_validate_json(by_json_schema.text) == expected


async def test_each_vendors_stream_carries_the_same_text_and_usage(
    openai_client, anthropic_client, gemini_client
):
    whole = (await chat(openai_client)).choices[0].message.content
    texts = {"chat": "", "responses": "", "gemini": ""}

    stream = await chat(openai_client, stream=True, stream_options={"include_usage": True})
    async for chunk in stream:
        texts["chat"] += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage
    async with openai_client.responses.stream(
        model="sandbox-mini", input=POSTING, instructions=SYSTEM
    ) as events:
        async for event in events:
            texts["responses"] += event.delta if event.type == "response.output_text.delta" else ""
        response = await events.get_final_response()
    async with anthropic_client.messages.stream(
        model="sandbox-mini", max_tokens=500, system=SYSTEM, messages=[{"role": "user", "content": POSTING}]
    ) as events:
        streamed_message = await events.get_final_message()
    config = types.GenerateContentConfig(system_instruction=SYSTEM)
    async for chunk in await gemini_client.models.generate_content_stream(
        model="sandbox-mini", contents=POSTING, config=config
    ):
        texts["gemini"] += chunk.text or ""
        counts = chunk.usage_metadata

    assert texts == {"chat": whole, "responses": whole, "gemini": whole}
    assert streamed_message.content[0].text == response.output_text == whole
    expected = (POSTING_TOKENS + SYSTEM_TOKENS, usage.completion_tokens)
    assert (usage.prompt_tokens, usage.completion_tokens) == expected
    assert (response.usage.input_tokens, response.usage.output_tokens) == expected
    assert (streamed_message.usage.input_tokens, streamed_message.usage.output_tokens) == expected
    assert (counts.prompt_token_count, counts.candidates_token_count) == expected


async def test_a_chat_stream_without_include_usage_reports_none(openai_client):
    chunks = [chunk async for chunk in await chat(openai_client, stream=True)]

    assert [chunk.usage for chunk in chunks] == [None] * len(chunks)


async def test_each_vendor_counts_an_image_by_its_own_rule(openai_client, anthropic_client, gemini_client):
    data = base64.b64encode(png()).decode()
    url = f"data:image/png;base64,{data}"
    source = {"type": "base64", "media_type": "image/png", "data": data}
    seen = [{"type": "image_url", "image_url": {"url": url}}]
    low = [{"type": "image_url", "image_url": {"url": url, "detail": "low"}}]

    completion = await chat(openai_client, content=seen)
    small = await chat(openai_client, content=low)
    response = await openai_client.responses.create(
        model="sandbox-mini",
        instructions=SYSTEM,
        input=[{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}],
    )
    reply = await message(anthropic_client, content=[{"type": "image", "source": source}])
    answer = await gemini(gemini_client, contents=[types.Part.from_bytes(data=png(), mime_type="image/png")])

    assert completion.usage.prompt_tokens == SYSTEM_TOKENS + 85 + 2 * 170
    assert small.usage.prompt_tokens == SYSTEM_TOKENS + 85
    assert response.usage.input_tokens == SYSTEM_TOKENS + 85 + 2 * 170
    assert reply.usage.input_tokens == SYSTEM_TOKENS + 504
    assert answer.usage_metadata.prompt_token_count == SYSTEM_TOKENS + 2 * 258
    assert answer.text.startswith("[sandbox] PNG picture of 900 x 420 pixels")


async def test_the_text_model_refuses_an_image(anthropic_client):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png()).decode()}

    with pytest.raises(anthropic.BadRequestError):
        await message(anthropic_client, "sandbox-text", [{"type": "image", "source": source}])


async def test_each_vendor_reports_cached_and_reasoning_tokens_in_its_own_convention(
    openai_client, anthropic_client, gemini_client
):
    model = "sandbox-mini@cached=5@reasoning=40"
    plain = (await chat(openai_client)).usage

    chat_usage = (await chat(openai_client, model)).usage
    response = await openai_client.responses.create(model=model, input=POSTING, instructions=SYSTEM)
    claude = (await message(anthropic_client, f"{model}@cache_write=3")).usage
    counts = (await gemini(gemini_client, f"{model}@tool_prompt=9")).usage_metadata

    assert (chat_usage.prompt_tokens, chat_usage.prompt_tokens_details.cached_tokens) == (19, 5)
    assert chat_usage.completion_tokens == plain.completion_tokens + 40
    assert chat_usage.completion_tokens_details.reasoning_tokens == 40
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (19, 5)
    assert response.usage.output_tokens_details.reasoning_tokens == 40
    assert (claude.input_tokens, claude.cache_read_input_tokens, claude.cache_creation_input_tokens) == (
        11,
        5,
        3,
    )
    assert claude.output_tokens == plain.completion_tokens + 40
    assert (counts.prompt_token_count, counts.cached_content_token_count) == (19, 5)
    assert (counts.candidates_token_count, counts.thoughts_token_count) == (plain.completion_tokens, 40)
    assert counts.total_token_count == 19 + plain.completion_tokens + 40 + 9


async def test_exact_usage_is_the_vendors_own_two_fields(openai_client, anthropic_client, gemini_client):
    completion = await chat(openai_client, "m@usage=17,482@reasoning=448")
    reply = await message(anthropic_client, "m@usage=56322,87@cached=72960")
    answer = await gemini(gemini_client, "m@usage=7,124@reasoning=1097")

    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (17, 482)
    assert (reply.usage.input_tokens, reply.usage.cache_read_input_tokens) == (56322, 72960)
    assert reply.usage.output_tokens == 87
    assert answer.usage_metadata.total_token_count == 7 + 124 + 1097


async def test_usage_can_be_missing(openai_client, gemini_client):
    assert (await chat(openai_client, "m@no_usage")).usage is None
    assert (await gemini(gemini_client, "m@no_usage")).usage_metadata is None


async def test_output_stops_at_the_limit_and_says_so(openai_client, anthropic_client, gemini_client):
    completion = await chat(openai_client, max_completion_tokens=4)
    response = await openai_client.responses.create(model="m", input=POSTING, max_output_tokens=4)
    reply = await message(anthropic_client, max_tokens=4)
    answer = await gemini(gemini_client, max_output_tokens=4)

    assert (completion.choices[0].finish_reason, completion.usage.completion_tokens) == ("length", 4)
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (reply.stop_reason, reply.usage.output_tokens) == ("max_tokens", 4)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


async def test_content_faults_take_each_vendors_own_form(openai_client, anthropic_client, gemini_client):
    refused = (await chat(openai_client, "m@blocked")).choices[0]
    filtered = (await chat(openai_client, "m@blocked=answer")).choices[0]
    response = await openai_client.responses.create(model="m@blocked", input=POSTING)
    reply = await message(anthropic_client, "m@blocked")
    prompt_blocked = await gemini(gemini_client, "m@blocked")
    answer_blocked = await gemini(gemini_client, "m@blocked=answer")
    broken = (await chat(openai_client, "m@broken_json")).choices[0].message.content

    assert refused.message.content is None
    assert refused.message.refusal.startswith("[sandbox]")
    assert filtered.finish_reason == "content_filter"
    assert response.output[0].content[0].type == "refusal"
    assert (reply.stop_reason, reply.content) == ("refusal", [])
    assert prompt_blocked.prompt_feedback.block_reason == types.BlockedReason.SAFETY
    assert not prompt_blocked.candidates
    assert answer_blocked.candidates[0].finish_reason == types.FinishReason.SAFETY
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ("auth", (401, 401, 400)),
        ("forbidden", (403, 403, 403)),
        ("billing", (429, 402, 402)),
        ("not_found", (404, 404, 404)),
        ("bad_request", (400, 400, 400)),
        ("unprocessable", (422, 422, 422)),
        ("too_long", (400, 400, 400)),
        ("too_large", (413, 413, 413)),
        ("request_timeout", (408, 408, 408)),
        ("gateway_timeout", (504, 504, 504)),
        ("conflict", (409, 409, 409)),
        ("server", (500, 500, 500)),
        ("unavailable", (503, 503, 503)),
        ("overloaded", (503, 529, 503)),
        ("rate_limited=3", (429, 429, 429)),
    ],
)
async def test_each_error_has_the_vendors_status(
    fault, statuses, openai_client, anthropic_client, gemini_client
):
    model = f"sandbox-mini@{fault}"

    with pytest.raises(openai.APIStatusError) as from_openai:
        await chat(openai_client, model)
    with pytest.raises(anthropic.APIStatusError) as from_anthropic:
        await message(anthropic_client, model)
    with pytest.raises(gemini_errors.APIError) as from_gemini:
        await gemini(gemini_client, model)

    raised = (from_openai.value.status_code, from_anthropic.value.status_code, from_gemini.value.code)
    assert raised == statuses


async def test_errors_carry_what_tells_them_apart(openai_client, anthropic_client, gemini_client):
    with pytest.raises(openai.RateLimitError) as no_credit:
        await chat(openai_client, "m@billing")
    with pytest.raises(openai.BadRequestError) as too_long:
        await chat(openai_client, "m@too_long")
    with pytest.raises(openai.RateLimitError) as limited:
        await chat(openai_client, "m@rate_limited=30")
    with pytest.raises(anthropic.APIStatusError) as overloaded:
        await message(anthropic_client, "m@overloaded")
    with pytest.raises(gemini_errors.ClientError) as bad_key:
        await gemini(gemini_client, "m@auth")
    with pytest.raises(gemini_errors.ClientError) as retry:
        await gemini(gemini_client, "m@rate_limited=30")

    assert no_credit.value.code == "insufficient_quota"
    assert too_long.value.code == "context_length_exceeded"
    assert limited.value.response.headers["retry-after"] == "30"
    assert overloaded.value.type == "overloaded_error"
    assert bad_key.value.details["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert retry.value.details["error"]["details"][0]["retryDelay"] == "30s"


async def test_each_vendor_lists_the_sandboxs_models(openai_client, anthropic_client, gemini_client):
    expected = ["sandbox-mini", "sandbox-large", "sandbox-text", "sandbox-plain"]

    assert [model.id async for model in openai_client.models.list()] == expected
    assert [model.id async for model in anthropic_client.models.list()] == expected
    listed = [model async for model in await gemini_client.models.list()]
    methods = {model.name: model.supported_actions for model in listed}
    answering = {f"models/{name}": ["generateContent", "streamGenerateContent"] for name in expected}
    assert methods == {**answering, "models/sandbox-vectors": ["embedContent"]}


async def test_a_lie_is_added_to_prose_and_to_no_id_or_name(openai_client):
    said = (await chat(openai_client, "m@lie=I won the Turing Award.")).choices[0].message.content

    assert said.endswith(" I won the Turing Award.")
    assert _lying({"source": "work-1", "text": "Ran the night shift alone"}, "A lie.") == {
        "source": "work-1", "text": "Ran the night shift alone A lie."
    }  # fmt: skip
