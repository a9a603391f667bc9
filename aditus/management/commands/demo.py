"""Everything once, on real input: for a first look, and as proof that an installation works."""

import asyncio
from argparse import ArgumentParser
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import User
from aditus.demo import local_job
from aditus.demo.client import ApiClient, ApiRefusal
from aditus.demo.seeds import ADMIN_EMAIL, DEMO_EMAIL, SMALL_PLAN_EMAIL, chosen_provider, seed_demo
from aditus.demo.servers import ServerDidNotStart, Servers
from aditus.demo.site import job_board
from aditus.demo.story import Story
from aditus.demo.troubles import Troubles
from usage.models import AIProviderUsageLog


class Command(BaseCommand):
    help = (
        "Extract postings, draft a CV and a letter, and show what every call cost. Without a vendor's key: "
        "with a stand-in for three vendors at their list prices, which also fails, lies and is refused, and "
        "one question to the model that runs on this machine."
    )
    # They load the whole product once more, and `make lint` makes them.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        choices = ["auto", "sandbox", *settings.PROVIDER_ENVIRONMENT]
        parser.add_argument("--provider", choices=choices, default="auto")

    def handle(self, *args: Any, provider: str, **options: Any) -> None:
        if not (settings.EMBEDDED or settings.DEBUG):
            raise CommandError(
                "The demo adds well-known accounts, so it runs only embedded or with DEBUG on."
            )
        began = timezone.now()
        provider = chosen_provider(provider)
        self._say(f"Preparing the database and the provider ({provider}) ...")
        with job_board() as board, Servers() as servers:
            try:
                self._show(provider, board, servers)
            except (ValueError, ApiRefusal, ServerDidNotStart, DomainError) as error:
                raise CommandError(str(error)) from None
        self._show_usage(began)
        self._say(f"\nNow `make run`, and sign in to the console as {ADMIN_EMAIL} with {self._password}")

    def _show(self, provider: str, board: str, servers: Servers) -> None:
        with_stand_in = provider == "sandbox"
        # All at once: on a busy machine one after the other would take several times as long.
        servers.start_api(job_board=board)
        if with_stand_in:
            servers.start_models("sandbox")
            local_job.start(servers)
        call_command("migrate", verbosity=0, interactive=False)
        self._password = seed_demo(provider)
        sandbox = servers.root_of("sandbox") if with_stand_in else ""
        asyncio.run(self._tell(servers.root_of("API"), board, sandbox))
        if with_stand_in:
            self._ask_a_real_model(servers)

    async def _tell(self, root: str, board: str, sandbox: str) -> None:
        folder = settings.DATA_DIR / "demo"
        folder.mkdir(exist_ok=True)
        async with AsyncExitStack() as clients:
            api = await self._signed_in(clients, root, DEMO_EMAIL)
            story = Story(api, job_board=board, folder=folder, say=self._say)
            choice = await story.records()
            if not sandbox:
                await story.more_records()
            await story.drafts(choice)
            if sandbox:
                small = await self._signed_in(clients, root, SMALL_PLAN_EMAIL)
                await Troubles(story, sandbox=sandbox, api=api, small=small).run(choice)

    async def _signed_in(self, clients: AsyncExitStack, root: str, email: str) -> ApiClient:
        api = await clients.enter_async_context(ApiClient(root))
        await api.sign_in(email, self._password)
        return api

    def _ask_a_real_model(self, servers: Servers) -> None:
        self._say(
            "\nUntil here a stand-in answered, which has the vendors' protocols and prices but no model. Now "
            "one question to a real one, on this machine's own processor ..."
        )
        try:
            result = local_job.ask(User.objects.get(email=DEMO_EMAIL), servers)
        except local_job.Skipped as skipped:
            self._say(f"   skipped: {skipped}")
            return
        self._say(f"   {result.model_name} says, right or wrong: “{' '.join(result.text.split())}”")
        self._say(f"   {result.usage.total_tokens} tokens in {result.latency_ms / 1000:.1f} s")

    def _show_usage(self, since: datetime) -> None:
        self._say("\nEvery call, as the usage log has it:")
        heads = ("task", "provider", "model", "try", "status", "in", "out", "source", "cost USD", "ms")
        layout = "   {:22} {:9} {:22} {:>3} {:12} {:>6} {:>5} {:9} {:>12} {:>6}"
        self._say(layout.format(*heads))
        bill: dict[str, list[Decimal | None]] = defaultdict(list)
        for row in AIProviderUsageLog.objects.filter(created_at__gte=since).order_by("id"):
            if row.attempt:
                bill[row.provider_type].append(row.estimated_cost_usd)
            self._say(
                layout.format(
                    row.task_type,
                    row.provider_type or "-",
                    row.model_name or "-",
                    row.attempt,
                    row.error_kind or row.status,
                    row.input_tokens,
                    row.output_tokens,
                    row.usage_source,
                    _usd(row.estimated_cost_usd) if row.attempt else "-",
                    row.latency_ms if row.latency_ms is not None else "-",
                )
            )
        self._show_bill(bill)

    def _show_bill(self, bill: dict[str, list[Decimal | None]]) -> None:
        self._say("\nThe bill:")
        layout = "   {:9} {:>3} requests {:>12} USD"
        together = [cost for costs in bill.values() for cost in costs]
        for provider, costs in [*bill.items(), ("together", together)]:
            known = sum((cost for cost in costs if cost is not None), Decimal(0))
            unknown = f", and {costs.count(None)} of unknown price" if None in costs else ""
            self._say(layout.format(provider, len(costs), _usd(known)) + unknown)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _usd(cost: Decimal | None) -> str:
    return "unknown" if cost is None else f"{cost:.6f}"
