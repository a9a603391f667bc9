"""Time, cancellation and connections; and the one request that asks for nothing but the list of models."""

import asyncio
from contextlib import aclosing

import pytest

from providers.errors import ErrorKind
from tests.contract.questions import ask, collect, failure_of, until_hits
from tests.contract.vendors import make_adapter
from tests.waiting import let_pass


@pytest.mark.parametrize("streamed", [False, True])
async def test_it_gives_up_when_the_time_is_over(adapter_at, sandbox, streamed):
    adapter = adapter_at("sandbox-mini@hang", timeout=300)
    call = collect(adapter.stream_content(ask())) if streamed else adapter.generate_content(ask())
    asking = asyncio.create_task(failure_of(call))
    await until_hits(sandbox, in_flight=1)

    let_pass(300, on=asyncio.get_running_loop())
    error = await asking

    assert error.kind is ErrorKind.TIMEOUT
    assert error.status_code is None
    assert error.may_have_cost is True
    assert sandbox.hits()["total"] == 1


async def test_a_stream_that_drips_on_past_the_time_is_ended(adapter_at):
    # Each piece comes well within the time; only all of them together do not.
    adapter = adapter_at("sandbox-mini@drip=0.15", timeout=0.5)
    long_prompt = "\n".join(f"Line {number} says something else." for number in range(60))

    error = await failure_of(collect(adapter.stream_content(ask(long_prompt))))

    assert error.kind is ErrorKind.TIMEOUT


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_ends_the_request_at_the_vendor(adapter_at, sandbox, streamed):
    adapter = adapter_at("sandbox-mini@hang")
    call = collect(adapter.stream_content(ask())) if streamed else adapter.generate_content(ask())
    task = asyncio.create_task(call)
    await until_hits(sandbox, in_flight=1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until_hits(sandbox, in_flight=0)
    assert sandbox.hits()["total"] == 1


async def test_leaving_a_stream_early_ends_the_request_at_the_vendor(adapter_at, sandbox):
    long_prompt = "\n".join(f"Line {number} says something else." for number in range(200))

    async with aclosing(adapter_at("sandbox-mini@drip=0.05").stream_content(ask(long_prompt))) as stream:
        async for _piece in stream:
            break

    await until_hits(sandbox, in_flight=0)
    assert sandbox.hits()["total"] == 1


async def test_nobody_at_the_address_costs_nothing(provider_type, unused_tcp_port):
    adapter = make_adapter(provider_type, f"http://127.0.0.1:{unused_tcp_port}")

    error = await failure_of(adapter.generate_content(ask()))

    assert error.kind is ErrorKind.SERVER
    assert error.may_have_cost is False
    await adapter.aclose()


@pytest.mark.slow
async def test_two_hundred_calls_are_in_flight_at_once(adapter_at, sandbox):
    adapter = adapter_at("sandbox-mini@hang")
    tasks = [asyncio.create_task(adapter.generate_content(ask())) for _ in range(200)]

    await until_hits(sandbox, in_flight=200)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until_hits(sandbox, in_flight=0)


async def test_a_good_key_lists_models_and_generates_nothing(adapter_at, sandbox):
    check = await adapter_at().validate_credentials()

    assert check.is_valid is True
    assert "sandbox-mini" in check.models
    assert sandbox.hits()["total"] == 0
    # The second is asked for with a wrong key.
    assert sum(sandbox.hits()["model_lists"].values()) == 2


async def test_a_bad_key_is_told_from_a_good_one(adapter_at):
    check = await adapter_at(api_key="sk-ant-invalid-0123456789").validate_credentials()

    assert check.is_valid is False
    assert check.message == "The provider refused the API key."


@pytest.mark.parametrize("fault", ["server", "rate_limited=9", "overloaded", "disconnect"])
async def test_trouble_at_the_vendor_says_nothing_about_the_key(adapter_at, sandbox, fault):
    # Twice: aiohttp asks again for a list (a GET, never a generation) when the connection breaks.
    sandbox.fault(fault, on="models", times=2)

    check = await adapter_at().validate_credentials()

    assert check.is_valid is None
    assert check.models == ()


async def test_a_vendor_that_hangs_says_nothing_about_the_key(adapter_at, sandbox):
    sandbox.fault("hang", on="models")

    check = await adapter_at(timeout=0.2).validate_credentials()

    assert check.is_valid is None
    assert check.message == "The provider did not answer in time."
