"""What is read of replies that are not quite as their wire has them."""

import copy
import json

import pytest

from bench.wires import ANSWER, CHAT_COMPLETIONS, CLAUDE, GEMINI, OPENAI, WIRES
from providers.adapters import failures
from providers.adapters.base import TokenUsage
from providers.errors import ErrorKind
from tests.contract.answers import adapter_given, answer
from tests.contract.questions import Posting, ask, broken, collect, failure_of
from tests.contract.vendors import KEYS, make_adapter

MALFORMED = failures.malformed("").kind


def with_text(provider_type, text):
    """A reply of the vendor's that says `text`."""
    reply = copy.deepcopy(WIRES[provider_type].reply)
    if provider_type == "gemini":
        reply["candidates"][0]["content"]["parts"][1]["text"] = text
    elif provider_type == "openai":
        reply["output"][1]["content"][0]["text"] = text
    elif provider_type == "claude":
        reply["content"][1]["text"] = text
    else:
        reply["choices"][0]["message"]["content"] = text
    return reply


def streamed(wire, events):
    """The events of a stream as bytes, each under the name that its type is."""
    names = [f"event: {event['type']}\n" if "type" in event else "" for event in events]
    lines = [f"{name}data: {json.dumps(event)}\n\n" for name, event in zip(names, events, strict=True)]
    return "".join([*lines, "data: [DONE]\n\n" * wire.ends_with_done]).encode()


async def generated(provider_type, body, request=None, **headers):
    async with adapter_given(provider_type, answer("generate", body, **headers)) as adapter:
        return await adapter.generate_content(request or ask())


async def collected(wire, events, request=None):
    content = answer("stream", streamed(wire, events))
    async with adapter_given(wire.provider_type, content) as adapter:
        return await collect(adapter.stream_content(request or ask()))


def chat(**message):
    reply = copy.deepcopy(CHAT_COMPLETIONS.reply)
    reply["choices"][0]["message"] |= message
    return reply


def chunk(content=None, *, index=0, finish=None, usage=None):
    choice = {"index": index, "delta": {"content": content} if content else {}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"} | {
        "choices": [choice] if usage is None else [],
        "usage": usage,
    }


CHAT_USAGE = CHAT_COMPLETIONS.reply["usage"]


# --- Whatever it is: a reply, or a ProviderError ---------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        [{"type": "text", "text": "Wel"}, {"type": "text", "text": "der"}],
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Welder"},
        ],
        [{"type": "reasoning", "text": "Hm."}, {"text": "Welder"}],
        ["Welder"],
    ],
)
async def test_a_list_of_parts_for_a_text_is_joined_without_the_reasoning(parts):
    assert (await generated("local", chat(content=parts))).text == "Welder"


async def test_a_streamed_list_of_parts_is_joined_too():
    events = [chunk([{"type": "text", "text": "Welder"}]), chunk(finish="stop"), chunk(usage=CHAT_USAGE)]

    pieces, last = await collected(CHAT_COMPLETIONS, events)

    assert pieces == ["Welder"]
    assert last.text == "Welder"


@pytest.mark.parametrize(
    "body",
    [
        chat(content=42),
        chat(content=[{"type": "text", "text": 42}]),
        chat() | {"choices": [None]},
        chat() | {"choices": None},
        chat() | {"choices": 42},
        [],
        "text",
        b"\xff\xfe",
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b'{"id": ' + b"9" * 5001 + b"}",
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
    ],
    ids=lambda body: str(body)[:60],
)
async def test_what_cannot_be_read_is_malformed(body):
    error = await failure_of(generated("local", body))

    assert error.kind is MALFORMED
    assert error.may_have_cost is True


@pytest.mark.parametrize("usage", [[], 42, "many", {"prompt_tokens": []}, None])
async def test_usage_that_is_none_costs_no_reply(usage):
    reply = await generated("local", chat() | {"usage": usage})

    assert reply.text == ANSWER
    assert reply.usage is None


@pytest.mark.parametrize("error", [{"code": ["a"], "type": {}}, {"code": {}, "type": []}, [], "no", 42, None])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_an_error_of_another_form_is_an_error(provider_type, error, status):
    async with adapter_given(provider_type, answer("generate", {"error": error}, status=status)) as adapter:
        assert (await failure_of(adapter.generate_content(ask()))).vendor == provider_type
    async with adapter_given(provider_type, answer("stream", {"error": error}, status=status)) as adapter:
        assert (await broken(adapter.stream_content(ask())))[1].vendor == provider_type


@pytest.mark.parametrize(
    "body", [[], ["m"], "models", b"<html>Models</html>", {"data": {}}, {"models": "m"}, 1]
)
async def test_a_list_of_models_of_another_form_is_a_failed_check(provider_type, body):
    async with adapter_given(provider_type, answer("models", body)) as adapter:
        check = await adapter.validate_credentials()

    assert check.models == ()


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://user:pw@127.0.0.1:9/v1",
        "http://[::1",
        "127.0.0.1:9",
        "ftp://127.0.0.1/",
        "http://",
        "http://a..b/",
        f"http://{'a' * 300}/",
        "http://\ud800/",
    ],
)
async def test_an_address_that_is_none_is_one_that_cannot_be_reached(provider_type, base_url):
    adapter = make_adapter(provider_type, base_url)

    errors = [
        await failure_of(adapter.generate_content(ask())),
        (await broken(adapter.stream_content(ask())))[1],
        await failure_of(adapter.list_models()),
    ]
    check = await adapter.validate_credentials()
    await adapter.aclose()

    for error in errors:
        assert (error.kind, error.may_have_cost) == (ErrorKind.SERVER, False)
    assert check.is_valid is None


async def test_a_bug_before_the_request_is_seen_as_one(provider_type, monkeypatch):
    adapter = make_adapter(provider_type, "http://127.0.0.1:9")
    request = ask(images=(object(),))

    # Only a request that no caller can make shows what a bug in making the payload does.
    with pytest.raises(AttributeError):
        await adapter.generate_content(request)
    await adapter.aclose()


# --- Leniently ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "Welder"}',
        '```json\n{"title": "Welder"}\n```',
        '\ufeff{"title": "Welder"}',
        '<think>A {"title": "Cook"}?</think>\n{"title": "Welder"}',
        'Here you are: {"title": "Welder"}. Anything else?',
    ],
)
@pytest.mark.parametrize("by_prompt", [False, True])
async def test_a_form_is_found_in_what_stands_around_it(provider_type, text, by_prompt):
    request = ask(response_model=Posting, structured_by_prompt=by_prompt)

    reply = await generated(provider_type, with_text(provider_type, text), request)

    assert reply.parsed.title == "Welder"
    assert reply.text == '{"title": "Welder"}'


async def test_of_a_message_in_phases_only_the_answer_counts():
    aside, final = (copy.deepcopy(OPENAI.reply["output"][1]) for _ in range(2))
    aside["content"][0]["text"] = "Let me see."
    aside |= {"id": "msg_0", "phase": "commentary"}
    reply = OPENAI.reply | {"output": [aside, final]}
    delta = {"type": "response.output_text.delta", "content_index": 0, "sequence_number": 1, "logprobs": []}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": aside, "sequence_number": 0},
        delta | {"item_id": "msg_0", "output_index": 0, "delta": "Let me see."},
        {"type": "response.output_item.added", "output_index": 1, "item": final, "sequence_number": 2},
        delta | {"item_id": "msg_1", "output_index": 1, "delta": ANSWER},
        {"type": "response.completed", "response": reply, "sequence_number": 4},
    ]

    pieces, last = await collected(OPENAI, events)

    assert pieces == [ANSWER]
    assert last.text == (await generated("openai", reply)).text == ANSWER


async def test_of_several_choices_only_the_first_counts():
    first, other = chat()["choices"][0], chat(content="Cook", refusal="No.")["choices"][0] | {"index": 1}
    events = [
        chunk("Co", index=1),
        chunk("Wel"),
        chunk("ok", index=1, finish="length"),
        chunk("der"),
        chunk(finish="stop"),
        chunk(usage=CHAT_USAGE),
    ]

    whole = await generated("local", chat() | {"choices": [other, first]})
    pieces, last = await collected(CHAT_COMPLETIONS, events)

    assert whole.text == ANSWER
    assert pieces == ["Wel", "der"]
    assert (last.text, last.finish_reason) == ("Welder", "stop")


async def test_of_several_candidates_only_the_first_counts():
    first = GEMINI.reply["candidates"][0]
    other = copy.deepcopy(first) | {"index": 1}
    other["content"]["parts"][1]["text"] = "Cook"

    assert (await generated("gemini", GEMINI.reply | {"candidates": [other, first]})).text == ANSWER


async def test_a_chat_stream_that_ends_with_text_and_usage_is_complete():
    pieces, last = await collected(CHAT_COMPLETIONS, [chunk("Welder"), chunk(usage=CHAT_USAGE)])

    assert pieces == ["Welder"]
    assert (last.text, last.finish_reason) == ("Welder", "stop")
    assert last.usage.output_tokens == 8


@pytest.mark.parametrize("events", [[chunk("Welder")], [chunk(usage=CHAT_USAGE)], []])
async def test_a_chat_stream_without_an_end_text_or_usage_broke(events):
    async with adapter_given("local", answer("stream", streamed(CHAT_COMPLETIONS, events))) as adapter:
        _, error = await broken(adapter.stream_content(ask()))

    assert error.may_have_cost is True


async def test_text_at_the_start_of_a_block_is_kept():
    pieces, last = await collected(CLAUDE, [event for _, event in CLAUDE.events])

    assert pieces == [ANSWER[:3], ANSWER[3:]]
    assert last.text == ANSWER


@pytest.mark.parametrize("ending", ["cut", "unreadable", "hung", "error"])
async def test_a_stream_that_breaks_keeps_the_usage_it_has_reported(provider_type, ending):
    events = {
        "gemini": [event for _, event in GEMINI.events[:1]],
        "openai": [{"type": "response.in_progress", "response": OPENAI.reply, "sequence_number": 0}],
        "claude": [event for _, event in CLAUDE.events[:3]],
        "local": [chunk("Wel") | {"usage": CHAT_USAGE}],
    }[provider_type]
    body = streamed(CLAUDE, events)
    body += {
        "cut": b"",
        "hung": b"",
        "unreadable": b"event: content_block_delta\ndata: 42\n\n",
        "error": b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n',
    }[ending]
    content = answer("stream", body, **({"Connection": "close"} if ending == "cut" else {}))
    if ending in ("cut", "hung"):
        # More is promised than comes.
        length = str(len(body)).encode()
        content = content.replace(b"Content-Length: " + length, b"Content-Length: 9" + length)
    async with adapter_given(provider_type, content, timeout=0.5 if ending == "hung" else 300) as adapter:
        _, error = await broken(adapter.stream_content(ask()))

    assert (error.kind is ErrorKind.TIMEOUT) == (ending == "hung")
    assert isinstance(error.usage, TokenUsage)
    assert error.usage.input_tokens > 0


# --- Cleaned --------------------------------------------------------------------------------------------

UNSTORABLE = "A\x00 \u202ewelder\u202c\x07 \ud800at\udc00\x0cwork \U0001f525"
STORABLE = "A welder at\nwork \U0001f525"


async def test_what_a_model_says_can_be_stored(provider_type):
    reply = await generated(provider_type, with_text(provider_type, UNSTORABLE))

    assert reply.text == STORABLE


@pytest.mark.parametrize("by_prompt", [False, True])
async def test_so_can_what_it_says_inside_a_form(provider_type, by_prompt):
    said = json.dumps({"title": UNSTORABLE, "skills": [UNSTORABLE], "\x00company": "Acme"})
    request = ask(response_model=Posting, structured_by_prompt=by_prompt)

    reply = await generated(provider_type, with_text(provider_type, said), request)

    assert reply.parsed == Posting(title=STORABLE, skills=[STORABLE], company="Acme")
    assert Posting.model_validate_json(reply.text) == reply.parsed


async def test_a_stream_is_cleaned_piece_by_piece_and_keeps_characters_that_are_cut_in_two():
    events = [chunk("A\x00 \ud83d"), chunk("\udd25\x07 \ud83d"), chunk("!"), chunk(finish="stop")]

    pieces, last = await collected(CHAT_COMPLETIONS, events)

    assert pieces == ["A ", "\U0001f525 ", "!"]
    assert last.text == "".join(pieces)


@pytest.mark.parametrize("value", [42, ["a"], {"a": 1}, True, "x" * 5_000, UNSTORABLE])
async def test_names_and_codes_are_short_texts(value):
    reply = await generated("local", chat() | {"id": value, "model": value, "service_tier": value})

    for text in (reply.model_name, reply.vendor_request_id, reply.service_tier):
        assert isinstance(text, str)
        assert len(text) <= 200
        text.encode()
    assert len(reply.service_tier) <= 30


async def test_a_model_whose_name_cannot_be_stored_is_left_out_of_a_list(provider_type):
    wire = copy.deepcopy(WIRES[provider_type].models)
    (model,) = wire.get("data") or wire["models"]
    model["name" if "models" in wire else "id"] = "mod\x00el\ud800-1"

    async with adapter_given(provider_type, answer("models", wire)) as adapter:
        assert (await adapter.validate_credentials()).models == ()


def test_every_vendor_has_a_reply_here():
    assert {provider_type for provider_type in KEYS if with_text(provider_type, "x")} == KEYS.keys()
