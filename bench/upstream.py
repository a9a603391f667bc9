"""`python -m bench.upstream PORT [SECONDS]`: a vendor that costs nothing beside who calls it.

Speaks the four wires (OpenAI's Responses and chat completions, Anthropic's Messages, Gemini's
generateContent) with one reply each, those of `bench.wires`, after so many SECONDS, and says at HITS how many
calls wait. Raw asyncio, because a framework would take more of the machine than what is measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import suppress

import uvloop

from bench.wires import ANSWER, CHAT_COMPLETIONS, CLAUDE, GEMINI, OPENAI, WireSample

# Where the sandbox tells it too.
HITS = b"/_sandbox/hits"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TEXT = "The quick brown fox explains why a gateway accounts for every call it makes. " * 8


def _response(body: object) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _saying(wire: WireSample, text: str) -> bytes:
    """The wire's reply with this text in the place of its own."""
    return _response(json.loads(json.dumps(wire.reply).replace(json.dumps(ANSWER), json.dumps(text))))


def _chatting(text: str) -> bytes:
    """The same as OpenAI writes it. Content in parts, which other servers write, is refused by some
    gateways."""
    [choice] = CHAT_COMPLETIONS.reply["choices"]
    message = choice["message"] | {"content": text}
    return _response(CHAT_COMPLETIONS.reply | {"choices": [choice | {"message": message}]})


_REPLIES = {
    b"/chat/completions": _chatting(_TEXT),
    b"/responses": _saying(OPENAI, _TEXT),
    b"/messages": _saying(CLAUDE, _TEXT),
    b":generateContent": _saying(GEMINI, _TEXT),
}
_NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


class _Connection(asyncio.Protocol):
    seconds = 0.0
    under_way = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = _LENGTH.search(head)
        if len(body) < int(length[1] if length else 0):
            return
        self._received = b""
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path == HITS:
            self._transport.write(_response({"in_flight": self.under_way}))  # type: ignore[attr-defined]
            return
        reply = next((reply for ending, reply in _REPLIES.items() if path.endswith(ending)), _NOTHING)
        type(self).under_way += 1
        asyncio.get_running_loop().call_later(self.seconds, self._write, reply)

    def _write(self, reply: bytes) -> None:
        type(self).under_way -= 1
        if not self._transport.is_closing():
            self._transport.write(reply)  # type: ignore[attr-defined]


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main(port: int, seconds: float = 0.0) -> None:
    _Connection.seconds = seconds
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(port))


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(float, sys.argv[2:]))
