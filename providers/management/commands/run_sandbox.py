"""Serves the vendors' protocols without their models, until it is stopped. For demos, tests and load runs."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from providers.sandbox.server import Sandbox, start


class Command(BaseCommand):
    help = "Serve the wire protocols of OpenAI, Anthropic and Gemini on this machine, with made-up answers."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="A loopback address; no other is accepted.")
        parser.add_argument("--port", type=int, default=8089)
        parser.add_argument("--latency", type=float, default=0.0, help="Seconds before each answer.")

    def handle(self, *args: Any, host: str, port: int, latency: float, **options: Any) -> None:
        try:
            asyncio.run(self._serve(host, port, latency))
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None

    async def _serve(self, host: str, port: int, latency: float) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        runner, port = await start(Sandbox(latency=latency), host=host, port=port)
        self.stdout.write(f"The sandbox is at http://{host}:{port}/ (openai/v1, anthropic, gemini).")
        self.stdout.flush()
        await stop.wait()
        await runner.cleanup()
