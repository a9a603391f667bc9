"""`python -m sandbox`: serves the vendors' protocols without their models, until it is stopped."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from sandbox.server import Sandbox, start


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Speak the protocols of OpenAI, Anthropic and Gemini, with made-up answers.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; no other is accepted")
    parser.add_argument("--port", type=int, default=8089)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    try:
        asyncio.run(_serve(given.host, given.port, given.latency))
    except (ValueError, OSError) as error:
        sys.exit(str(error))


async def _serve(host: str, port: int, latency: float) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner, port = await start(Sandbox(latency=latency), host=host, port=port)
    sys.stdout.write(f"The sandbox is at http://{host}:{port}/ (openai/v1, anthropic, gemini).\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


if __name__ == "__main__":
    main()
