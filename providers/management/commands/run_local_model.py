"""Serves the embedded model until it is stopped. Called by the demo, by run_embedded, and by hand."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from providers import local_model


class Command(BaseCommand):
    help = f"Serve {local_model.MODEL_NAME} on {local_model.HOST} in OpenAI's protocol."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8090)
        parser.add_argument(
            "--context",
            type=int,
            default=local_model.CONTEXT_TOKENS,
            help=f"Tokens of prompt and reply together; trained for {local_model.TRAINED_CONTEXT_TOKENS}.",
        )
        parser.add_argument("--slots", type=int, default=local_model.SLOTS, help="Calls served at once.")
        parser.add_argument(
            "--threads",
            type=int,
            default=local_model.default_threads(),
            help="Processor cores to use. Leave one to everything else.",
        )

    def handle(self, *args: Any, port: int, context: int, slots: int, threads: int, **options: Any) -> None:
        if not 512 <= context <= local_model.TRAINED_CONTEXT_TOKENS:
            raise CommandError(f"--context takes 512 to {local_model.TRAINED_CONTEXT_TOKENS} tokens.")
        if not 1 <= slots <= 16:
            raise CommandError("--slots takes 1 to 16.")
        if not 1 <= threads <= 256:
            raise CommandError("--threads takes 1 to 256.")
        self.stdout.write(
            f"{local_model.MODEL_NAME} at http://{local_model.HOST}:{port}/v1. Ctrl-C stops it."
        )
        try:
            local_model.serve(port=port, context_tokens=context, slots=slots, threads=threads)
        except local_model.LocalModelUnavailable as error:
            raise CommandError(error.message) from None
