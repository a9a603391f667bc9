"""What a program may send that is JSON and is not what its member should be: each place of a whole request
holds each of the odd values, and is read or refused."""

import base64
from contextlib import suppress

import httpx
import orjson
import pytest

from orchestration.door import views
from orchestration.door.errors import InvalidRequest
from orchestration.door.protocols import CHAT_COMPLETIONS, RESPONSES
from tests.contract.questions import png
from tests.odd_values import with_odd_values

SCHEMA = {
    "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
    "additionalProperties": False,
}  # fmt: skip
PICTURE = f"data:image/png;base64,{base64.b64encode(png().data).decode()}"
COMMON = {
    "model": "aditus/extraction", "stream": False, "temperature": 0.5, "top_p": 0.5, "user": "u",
    "metadata": {"a": "b"}, "parallel_tool_calls": True, "store": False, "service_tier": "auto",
    "stream_options": {"include_usage": True},
}  # fmt: skip
CHAT = COMMON | {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": PICTURE}},
        ]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}},
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "Seen."},
    ],
    "max_tokens": 10, "stop": ["x"], "n": 1, "logit_bias": {},
    "tools": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
}  # fmt: skip
RESPONSE = COMMON | {
    "input": [
        {"role": "user", "content": [
            {"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": PICTURE},
        ]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "Seen."},
    ],
    "instructions": "Be brief.", "max_output_tokens": 10,
    "text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}},
    "tools": [{"type": "function", "name": "look", "parameters": SCHEMA}],
    "tool_choice": {"type": "function", "name": "look"},
}  # fmt: skip


@pytest.mark.parametrize(("protocol", "body"), [(CHAT_COMPLETIONS, CHAT), (RESPONSES, RESPONSE)])
def test_whatever_stands_in_a_place_is_read_or_refused(protocol, body):
    assert protocol.read(orjson.dumps(body)).model == "aditus/extraction"
    refused = 0
    for _, odd in with_odd_values(body):
        with suppress(InvalidRequest):
            protocol.read(orjson.dumps(odd))
            continue
        refused += 1
    assert refused > 100


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [10, views.LARGE + 1])
def test_what_takes_long_to_read_is_read_for_those_alone_who_are_known(root, token_for, user, size):
    def status(secret):
        headers = {"Authorization": f"Bearer {secret}"}
        body = b"[" + b" " * size
        return httpx.post(
            f"{root}/v1/chat/completions", content=body, headers=headers, timeout=None
        ).status_code

    assert status(token_for(user)) == 400
    assert status("adt_nobody") == (401 if size > views.LARGE else 400)


def test_another_method_is_refused_with_the_one_that_is_taken(root):
    refused = httpx.get(f"{root}/v1/chat/completions", timeout=None)

    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
