"""The batch API of every vendor that has one, by its own SDK against the sandbox's server."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel

from providers.adapters.base import GenerationRequest
from providers.adapters.batching import NotKnownYet
from providers.errors import ErrorKind, ProviderError
from providers.registry import PROVIDER_TYPES, ProviderFactory
from tests.contract.vendors import KEYS

BATCHING = sorted(slug for slug, kind in PROVIDER_TYPES.items() if kind.batches)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Lighthouse(BaseModel):
    name: str
    lamps: int


@pytest.fixture(params=BATCHING)
def provider_type(request):
    return request.param


@pytest.fixture
async def api_at(sandbox, provider_type):
    made = []

    def make(model_name="sandbox-mini", api_key=None):
        made.append(
            ProviderFactory.create_batches(
                provider_type,
                api_key=api_key or KEYS[provider_type],
                model_name=model_name,
                base_url=sandbox.base_url(provider_type),
                timeout=300,
            )
        )
        return made[-1]

    yield make
    for api in made:
        await api.aclose()


def bodies(api, name, count=3):
    request = GenerationRequest(prompt="Describe the lighthouse.", response_model=Lighthouse)
    return {f"{name}-{number}": api.body_of(request) for number in range(count)}


async def test_requests_sent_together_come_back_by_their_names(api_at, sandbox):
    api = api_at()
    sandbox.fault("batch_slow=1", on="batch")

    batch_id = await api.submit("ours", bodies(api, "ours"))
    before = await api.outcome(batch_id)
    ended = await api.outcome(batch_id)
    replies = [api.reply_of(ended.answers[f"ours-{number}"]) for number in range(3)]

    assert before is None
    assert all(Lighthouse.model_validate_json(reply.text) for reply in replies)
    assert all(reply.usage.total_tokens for reply in replies)
    assert sandbox.hits()["total"] == 3


async def test_one_that_may_have_been_taken_is_found_by_its_name(api_at):
    api = api_at()
    batch_id = await api.submit("ours", bodies(api, "ours"))
    await api.submit("theirs", bodies(api, "theirs"))
    for one in (batch_id, await api.submit("later", bodies(api, "later", 2))):
        await api.outcome(one)

    async def found(name):
        # Where a batch has no name it takes the end of all that are as large to tell.
        try:
            return await api.find(name, since=LONG_AGO, requests=3)
        except NotKnownYet:
            return NotKnownYet

    assert await found("ours") in (batch_id, NotKnownYet)
    assert await found("nobodys") in (None, NotKnownYet)
    assert await api.find("ours", since=datetime.now(UTC) + timedelta(hours=1), requests=4) in (
        None,
        batch_id,
    )


async def test_a_request_that_fails_fails_alone_and_as_it_would_by_itself(api_at, sandbox):
    api = api_at()
    sandbox.fault("too_long")
    sandbox.fault("overloaded")

    ended = await api.outcome(await api.submit("ours", bodies(api, "ours")))

    kinds = [getattr(ended.answers[f"ours-{number}"], "kind", None) for number in range(3)]
    assert kinds[0] == ErrorKind.TOO_LONG
    assert kinds[1] in (ErrorKind.OVERLOADED, ErrorKind.SERVER)
    assert kinds[2] is None


@pytest.mark.parametrize("fault", ["batch_failed", "batch_expired"])
async def test_what_a_batch_never_came_to_cost_nothing(api_at, sandbox, fault):
    api = api_at()
    sandbox.fault(fault, on="batch")

    ended = await api.outcome(await api.submit("ours", bodies(api, "ours", 2)))

    last = ended.answers.get("ours-1", ended.rest)
    assert isinstance(last, ProviderError)
    assert not last.may_have_cost
    assert sandbox.hits()["total"] == (fault == "batch_expired")


async def test_one_that_is_cancelled_ends_and_can_be_forgotten(api_at, sandbox):
    api = api_at()
    sandbox.fault("batch_slow=9", on="batch")
    batch_id = await api.submit("ours", bodies(api, "ours"))

    await api.cancel(batch_id)
    ended = await api.outcome(batch_id)
    await api.cancel(batch_id)
    await api.forget(batch_id)
    await api.forget(batch_id)

    first = ended.answers.get("ours-0", ended.rest)
    assert (first.kind, first.may_have_cost) == (ErrorKind.TIMEOUT, False)
    assert sandbox.hits()["total"] == 0


async def test_a_key_that_is_refused_is_said_as_such(api_at):
    api = api_at(api_key=KEYS["openai"] + "invalid")

    with pytest.raises(ProviderError) as refused:
        await api.submit("ours", bodies(api, "ours"))

    assert refused.value.kind == ErrorKind.AUTH


async def test_an_answer_that_got_lost_leaves_a_batch_that_is_found(api_at, sandbox):
    api = api_at()
    sandbox.fault("disconnect", on="batch")

    with pytest.raises(ProviderError) as lost:
        await api.submit("ours", bodies(api, "ours"))

    assert lost.value.may_have_cost
    if api.vendor == "claude":
        with pytest.raises(NotKnownYet):
            await api.find("ours", since=LONG_AGO, requests=3)
    else:
        assert await api.find("ours", since=LONG_AGO, requests=3)


@pytest.fixture
async def openai_api(sandbox):
    """Where what is sent is a file of its own."""
    made = ProviderFactory.create_batches(
        "openai",
        api_key=KEYS["openai"],
        model_name="sandbox-mini",
        base_url=sandbox.base_url("openai"),
        timeout=300,
    )
    yield made
    await made.aclose()


async def files_at(api):
    return {file.id async for file in api._client.files.list()}


@pytest.mark.parametrize(("fault", "left"), [("bad_request", 0), ("rate_limited", 0), ("server", 1)])
async def test_the_file_of_a_batch_that_was_refused_is_deleted(openai_api, sandbox, fault, left):
    """One that may have been taken all the same needs it."""
    before = await files_at(openai_api)
    sandbox.fault(fault, on="batch")

    with pytest.raises(ProviderError) as refused:
        await openai_api.submit("ours", bodies(openai_api, "ours"))

    assert refused.value.status_code is not None
    assert len(await files_at(openai_api) - before) == left


async def test_a_file_that_cannot_be_deleted_keeps_no_other_there(openai_api, sandbox, monkeypatch):
    before = await files_at(openai_api)
    batch_id = await openai_api.submit("ours", bodies(openai_api, "ours"))
    await openai_api.outcome(batch_id)
    sent = (await openai_api._get(f"/batches/{batch_id}"))["input_file_id"]
    delete = openai_api._delete

    async def refuses_the_first(file_id):
        if file_id == sent:
            raise ProviderError(ErrorKind.SERVER, "Not now.", vendor="openai", status_code=500)
        await delete(file_id)

    monkeypatch.setattr(openai_api, "_delete", refuses_the_first)
    there = await files_at(openai_api) - before
    with pytest.raises(ProviderError) as refused:
        await openai_api.forget(batch_id)

    assert refused.value.status_code == 500
    assert there > {sent}
    assert await files_at(openai_api) - before == {sent}
