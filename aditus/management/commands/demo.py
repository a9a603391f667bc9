"""Everything once, on real input: for a first look, and as proof that an installation works."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import DomainError
from aditus.demo.client import ApiClient, ApiRefusal
from aditus.demo.seeds import ADMIN_EMAIL, DEMO_EMAIL, OWN_SERVERS, chosen_provider, seed_demo
from aditus.demo.servers import ServerDidNotStart, demo_servers
from aditus.demo.site import job_board
from aditus.demo.story import Story
from usage.models import AIProviderUsageLog


class Command(BaseCommand):
    help = "Extract postings, draft a CV and a letter, and show what every call cost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = ["auto", *OWN_SERVERS, *settings.PROVIDER_ENVIRONMENT]
        parser.add_argument("--provider", choices=choices, default="auto")

    def handle(self, *args: Any, provider: str, **options: Any) -> None:
        if not (settings.EMBEDDED or settings.DEBUG):
            raise CommandError(
                "The demo adds well-known accounts, so it runs only embedded or with DEBUG on."
            )
        began = timezone.now()
        provider = chosen_provider(provider)
        self._say(f"Preparing the database and the provider ({provider}) ...")
        call_command("migrate", verbosity=0, interactive=False)
        folder = settings.DATA_DIR / "demo"
        folder.mkdir(exist_ok=True)
        try:
            password = seed_demo(provider)
            with job_board() as board, demo_servers(provider, job_board=board) as root:
                asyncio.run(self._tell(root, board, password, folder))
        except (ValueError, ApiRefusal, ServerDidNotStart, DomainError) as error:
            raise CommandError(str(error)) from None
        self._show_usage(began)
        self._say(f"\nNow `make run`, and sign in to the console as {ADMIN_EMAIL} with {password}")

    async def _tell(self, root: str, board: str, password: str, folder: Any) -> None:
        async with ApiClient(root) as api:
            await api.sign_in(DEMO_EMAIL, password)
            await Story(api, job_board=board, folder=folder, say=self._say).run()

    def _show_usage(self, since: Any) -> None:
        self._say("\nEvery call, as the usage log has it:")
        heads = ("task", "provider", "model", "try", "status", "in", "out", "source", "cost USD", "ms")
        layout = "   {:22} {:9} {:22} {:>3} {:8} {:>6} {:>5} {:9} {:>14} {:>6}"
        self._say(layout.format(*heads))
        for row in AIProviderUsageLog.objects.filter(created_at__gte=since).order_by("id"):
            cost = "unknown" if row.estimated_cost_usd is None else f"{row.estimated_cost_usd:.6f}"
            self._say(
                layout.format(
                    row.task_type,
                    row.provider_type or "-",
                    row.model_name or "-",
                    row.attempt,
                    row.status if not row.error_kind else row.error_kind[:8],
                    row.input_tokens,
                    row.output_tokens,
                    row.usage_source,
                    cost if row.attempt else "-",
                    row.latency_ms if row.latency_ms is not None else "-",
                )
            )

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
