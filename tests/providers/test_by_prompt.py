"""Reading a form out of the reply of a model that was only told about it."""

import pytest
from pydantic import BaseModel

from providers.adapters.base import GenerationRequest, ProviderReply, TokenUsage
from providers.adapters.by_prompt import asked, understood
from providers.errors import ErrorKind, ProviderError

USAGE = TokenUsage(12, 34)


class Pay(BaseModel):
    low: int = 0


class Posting(BaseModel):
    title: str | None = None
    skills: list[str] = []
    pay: Pay | None = None


def read(text, *, finish_reason="stop", form=Posting):
    request = GenerationRequest(prompt="…", response_model=form, structured_by_prompt=True)
    reply = ProviderReply(text=text, usage=USAGE, model_name="m", finish_reason=finish_reason)
    return understood(reply, request, vendor="openai")


def test_the_prompt_ends_with_the_schema_and_asks_the_vendor_for_none():
    request = asked(
        GenerationRequest(prompt="What is it?", response_model=Posting, structured_by_prompt=True)
    )

    assert request.response_model is None
    assert request.prompt.startswith("What is it?\n\nAnswer with one JSON object")
    assert '"properties":{"title"' in request.prompt.splitlines()[-1]


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "Welder"}',
        '\n  {"title": "Welder"}  \n',
        '```json\n{"title": "Welder"}\n```',
        'Here it is {as asked}:\n```\n{"title": "Welder"}\n```\nAnything else? [1]',
        'Sure! {"title": "Welder", "skills": []} I hope this helps {}.',
        '<think>Maybe {"title": "Cook"} or {"title": </think>{"title": "Welder"}',
        '{"type": "object", "properties": {"title": {"type": "string"}}}\n{"title": "Welder"}',
        '{"title": "Draft"}\nOn second thought:\n{"title": "Welder"}',
        '[sandbox] {"title": "Welder"}',
    ],
)
def test_it_finds_the_object_among_what_stands_around_it(text):
    reply = read(text)

    assert reply.parsed.title == "Welder"
    assert Posting.model_validate_json(reply.text) == reply.parsed
    assert reply.usage == USAGE


@pytest.mark.parametrize(
    "text",
    [
        "I cannot do that.",
        '{"title": "Welder", "pay": {"low": 3}, broken}',
        '{"title": "Welder", "pay": {"low": 3}',
        '[{"title": "Welder"}, {"title": "Cook"}]',
        '"Welder"',
        "[" * 100_000,
        '{"a":' * 100_000,
        "{" * 100_000,
    ],
)
def test_no_part_of_a_reply_passes_for_the_whole(text):
    with pytest.raises(ProviderError) as caught:
        read(text)

    assert caught.value.kind is ErrorKind.UNPARSABLE
    assert caught.value.usage == USAGE
    assert "Welder" not in caught.value.message


def test_an_object_that_does_not_fit_is_refused_with_what_is_wrong_where():
    with pytest.raises(ProviderError) as caught:
        read('{"title": ["Welder"], "skills": "many"}')

    assert caught.value.kind is ErrorKind.UNPARSABLE
    assert "title: string type" in caught.value.message
    assert "skills: list type" in caught.value.message


def test_a_reply_that_was_cut_off_is_not_read_at_all():
    with pytest.raises(ProviderError) as caught:
        read('{"title": "Welder"}', finish_reason="length")

    assert caught.value.kind is ErrorKind.UNPARSABLE
    assert "cut off" in caught.value.message
