"""A completion that is asked for again: OpenAI's client, with the header that names the request."""

import openai
import pytest

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import IdempotencyKey
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db(transaction=True)

ASK = [{"role": "user", "content": "Backend Engineer at Jua Logistics. You write Python and know Django."}]


def ask(client, *, key="one", **fields):
    question = {"model": "sandbox-mini", "messages": ASK} | fields
    return client.chat.completions.with_raw_response.create(
        **question, extra_headers={"Idempotency-Key": key}
    )


def test_the_same_request_is_answered_as_before_and_asks_nobody(door, config_at, sandbox):
    config_at()
    client = door()
    first = ask(client)

    again = ask(client)

    assert again.parse() == first.parse()
    assert again.headers["x-aditus-model"] == first.headers["x-aditus-model"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (sandbox.hits()["total"], AIProviderUsageLog.objects.count()) == (1, 1)
    assert ask(client, key="two").parse().id != first.parse().id


def test_a_key_is_of_one_request_and_of_one_token(door, config_at, user):
    config_at()
    client = door()
    ask(client)

    for other, fields in ((client, {"temperature": 0.5}), (door(), {})):
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            ask(other, **fields)
        assert refused.value.code == "idempotency_key_reused"


def test_a_token_that_has_ended_is_told_nothing_again(door, config_at, user):
    config_at()
    client = door()
    ask(client)
    personal_tokens.revoke(token=user.personal_tokens.get(), actor=Actor.system())

    with pytest.raises(openai.AuthenticationError):
        ask(client)


def test_what_a_vendor_refused_is_refused_again_and_what_asked_nobody_is_tried_again(
    door, config_at, sandbox
):
    config = config_at("sandbox-mini@blocked")
    client = door()

    for _ in range(2):
        with pytest.raises(openai.BadRequestError) as refused:
            ask(client, model="sandbox-mini@blocked")
        assert refused.value.code == "content_filter"
    hits = sandbox.hits()["total"]
    with pytest.raises(openai.NotFoundError):
        ask(client, key="two", model="sandbox-large")
    config.model_name = "sandbox-large"
    config.save()

    assert ask(client, key="two", model="sandbox-large").parse().choices[0].message.content
    assert sandbox.hits()["total"] == hits + 1


def test_a_stream_and_a_key_that_is_none_are_refused(door, config_at):
    config_at()
    client = door()

    for fields, code in (
        ({"stream": True}, "not_with_a_stream"),
        ({"key": "a b"}, "invalid_idempotency_key"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            ask(client, **fields)
        assert refused.value.code == code
    assert not IdempotencyKey.objects.exists()
