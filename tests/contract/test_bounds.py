"""How much of an answer is read, and that nobody else waits for it."""

import asyncio
import gzip
import zlib
from collections import deque
from functools import lru_cache

import pytest

from bench.wires import ANSWER, WIRES
from providers.adapters import failures, reading
from providers.errors import ErrorKind
from tests.contract.answers import adapter_given, answer
from tests.contract.questions import ask, broken, collect, failure_of

MALFORMED = failures.malformed("").kind
MIB = 1024 * 1024


@lru_cache
def bomb(mebibytes):
    """Spaces, a thousandth of their size."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * MIB
    return b"".join([*(packer.compress(block) for _ in range(mebibytes)), packer.flush()])


def chunked(content):
    """The same answer without saying beforehand how long it is."""
    head, _, body = content.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    head = b"\r\n".join([*lines, b"Transfer-Encoding: chunked"])
    return head + b"\r\n\r\n" + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


async def error_of(provider_type, asks, content, **overrides):
    async with adapter_given(provider_type, content, **overrides) as adapter:
        if asks == "stream":
            return (await broken(adapter.stream_content(ask())))[1]
        call = adapter.generate_content(ask()) if asks == "generate" else adapter.list_models()
        return await failure_of(call)


ASKS = pytest.mark.parametrize("asks", ["generate", "stream", "models"])


@pytest.mark.slow
@ASKS
@pytest.mark.parametrize("framing", [bytes, chunked])
async def test_an_answer_over_the_bound_is_malformed(provider_type, asks, framing):
    body = b'{"text": "' + b"x" * (reading.MOST_BYTES + 1) + b'"}'

    error = await error_of(provider_type, asks, framing(answer(asks, body)))

    assert error.kind is MALFORMED


@pytest.mark.slow
@ASKS
@pytest.mark.parametrize("framing", [bytes, chunked])
async def test_so_is_one_that_is_over_it_when_unpacked(provider_type, asks, framing):
    packed = bomb(64)
    assert len(packed) < MIB

    error = await error_of(provider_type, asks, framing(answer(asks, packed, Content_Encoding="gzip")))

    assert error.kind is MALFORMED


async def test_a_bomb_is_unpacked_no_further_than_the_bound():
    unpacking, measure = reading.Unpacking("gzip"), bounds_measure()
    sizes = []

    def measured(piece):
        sizes.append(len(piece))
        measure.add(piece)

    with pytest.raises(reading.TooMuch):
        deque(map(measured, unpacking.pieces(bomb(64))), maxlen=0)

    assert max(sizes) <= reading.PIECE_BYTES
    assert sum(sizes) <= reading.MOST_BYTES + reading.PIECE_BYTES


def bounds_measure():
    return reading.BodyMeter(is_list=False, is_event_stream=False)


async def test_others_have_their_turn_while_an_answer_is_read(provider_type):
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with adapter_given(provider_type, answer("generate", bomb(64), Content_Encoding="gzip")) as adapter:
        asking = asyncio.create_task(failure_of(adapter.generate_content(ask())))
        waiting = asyncio.create_task(other())
        await asking
        waiting.cancel()

    assert turns > reading.MOST_BYTES / reading.PIECE_BYTES


@pytest.mark.parametrize(
    "body",
    [
        b'{"output": [' + b'{"type": "message"},' * 20_000 + b"{}]}",
        b'{"content": [' + b'{"type": "text"},' * 20_000 + b"{}]}",
        b'{"choices": [' + b"1," * 20_000 + b"1]}",
        b"[" + b"[]," * 2_000_000 + b"[]]",
        b'{"a": "\\\\", "b": [' + b'"",' * 20_000 + b'""]}',
    ],
    ids=lambda body: body[:20].decode(),
)
async def test_an_answer_of_more_values_than_any_has_is_malformed(provider_type, body):
    for asks in ("generate", "stream"):
        assert (await error_of(provider_type, asks, answer(asks, body))).kind is MALFORMED


@pytest.mark.parametrize("line", [b":\n", b"data: 1\n", b"data: 1\r"])
async def test_so_is_an_event_without_an_end(provider_type, line):
    body = line * (4 * MIB // len(line))

    assert (await error_of(provider_type, "stream", answer("stream", body))).kind is MALFORMED


def test_text_is_no_matter_of_values():
    measure = bounds_measure()
    text = b'{"a": "' + b'{[,\\"\\\\' * 100_000 + b'"}'

    for start in range(0, len(text), 1_001):
        measure.add(text[start : start + 1_001])

    with pytest.raises(reading.TooMuch):
        measure.add(b"," * reading.MOST_VALUES)


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_each_event_of_a_stream_is_counted_by_itself(end, size):
    measure = reading.BodyMeter(is_list=False, is_event_stream=True)
    events = (b'data: {"a": [1, 2, 3]}' + end) * reading.MOST_VALUES

    for start in range(0, len(events[:40_000]), size):
        measure.add(events[start : start + size])

    with pytest.raises(reading.TooMuch):
        measure.add(b"," * (reading.MOST_VALUES + 10))


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare deflate", "identity", "GZip"])
async def test_a_packed_reply_is_unpacked(provider_type, coding):
    bare = zlib.compressobj(wbits=-15)
    pack = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "bare deflate": lambda body: bare.compress(body) + bare.flush(),
        "identity": bytes,
    }[coding.lower()]
    wire = WIRES[provider_type]
    plain = wire.stream([event for _, event in wire.events])
    content = answer("stream", pack(plain), Content_Encoding=coding.split()[-1])

    async with adapter_given(provider_type, content) as adapter:
        _, last = await collect(adapter.stream_content(ask()))

    assert last.text == ANSWER


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "zstd", "gzip"])
async def test_what_cannot_be_unpacked_is_malformed(provider_type, coding):
    content = answer("generate", WIRES[provider_type].reply, Content_Encoding=coding)

    assert (await error_of(provider_type, "generate", content)).kind is MALFORMED


@pytest.mark.parametrize("body", [b"<p>" + b"x" * (9 * MIB), b"[" + b"[],{}," * 20_000 + b"1]"])
@pytest.mark.parametrize("packed", [False, True])
async def test_the_status_of_an_error_counts_whatever_its_body_is(provider_type, body, packed):
    headers = {"Content_Encoding": "gzip"} if packed else {}
    content = answer("generate", gzip.compress(body) if packed else body, status=429, **headers)

    assert (await error_of(provider_type, "generate", content)).kind is ErrorKind.RATE_LIMITED


@pytest.mark.parametrize(
    "headers",
    [{"X_Policy": "p" * 60 * 1024}, {f"X_Trace_{number}": "t" * 120 for number in range(400)}],
    ids=["one long", "many"],
)
async def test_headers_of_64_kib_are_read(provider_type, headers):
    content = answer("generate", WIRES[provider_type].reply, **headers)

    async with adapter_given(provider_type, content) as adapter:
        assert (await adapter.generate_content(ask())).text == ANSWER


@ASKS
async def test_a_body_that_never_ends_is_ended_by_the_clock(provider_type, asks):
    # More is promised than comes: only the time is up.
    content = answer(asks, b'{"a": ').replace(b"Content-Length: 6", b"Content-Length: 6000")

    assert (await error_of(provider_type, asks, content, timeout=0.3)).kind is ErrorKind.TIMEOUT


async def test_so_is_a_stream_of_which_nothing_has_to_be_waited_for(provider_type):
    # All of it is there at once, and takes longer to read than the call may last.
    content = answer("stream", b"data: {}\n\n" * (reading.MOST_BYTES // 10))

    assert (await error_of(provider_type, "stream", content, timeout=0.1)).kind is ErrorKind.TIMEOUT
