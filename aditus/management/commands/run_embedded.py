"""The whole product on one machine, with no server beside it."""

import sys
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from aditus.demo.servers import MODEL_SERVERS
from aditus.supervisor import Supervisor
from providers.models import AIProviderConfig

# Servers a provider may point at that we can run ourselves: port -> (name, how Python runs it).
OWN_SERVERS = {port: (name, command) for name, (command, port, _) in MODEL_SERVERS.items()}


class Command(BaseCommand):
    help = "Run the web server, the worker with its clock, and the model server the providers point at."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        with Supervisor() as supervisor:
            for name, command in _programs(host, port).items():
                supervisor.start(name, [sys.executable, *command])
            self.stdout.write(f"Aditus is at http://{host}:{port}/admin/ and /api/docs/. Ctrl-C stops it.")
            call_command("make_super_admin", if_none=True, stdout=self.stdout)
            if not _anything_configured():
                self.stdout.write("No provider is configured yet: add one in the console, or run seed_demo.")
            ended = supervisor.wait()
            status = ended and supervisor.exit_status(ended)
        if ended:
            raise CommandError(f"The {ended} ended with status {status}, so everything was stopped.")
        self.stdout.write("Stopped.")


def _programs(host: str, port: int) -> dict[str, list[str]]:
    programs = {
        "web server": ["-m", "aditus.web", "--host", host, "--port", str(port)],
        "worker": ["-m", "celery", "-A", "aditus", "worker", "--beat", "--loglevel", "INFO"],
    }
    for server_port in sorted(_own_servers_in_use()):
        name, command = OWN_SERVERS[server_port]
        programs[f"{name} server"] = [*command, "--port", str(server_port)]
    return programs


def _own_servers_in_use() -> set[int]:
    addresses = AIProviderConfig.objects.active().exclude(base_url="").values_list("base_url", flat=True)
    parts = [urlsplit(address) for address in addresses]
    return {part.port for part in parts if part.hostname == "127.0.0.1" and part.port} & OWN_SERVERS.keys()


def _anything_configured() -> bool:
    in_environment = any(entry["api_key"] for entry in settings.PROVIDER_ENVIRONMENT.values())
    return in_environment or AIProviderConfig.objects.active().exists()
