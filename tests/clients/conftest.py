"""Our server over real HTTP for programs that others write, and the provider that it asks."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from django.core.management import call_command

from accounts.models import Plan
from tests.door.conftest import root
from tests.factories import make_config

__all__ = ["root"]

PASSWORD = "correct horse battery"
POSTING = (
    "Job title: Backend Engineer\nCompany: Jua Logistics\nLocation: Nairobi\n"
    "You write Python and Django and know PostgreSQL well. You run the services that track our lorries."
)

CONFIG = Path(settings.BASE_DIR, "clients", "python.yaml")


class Generated(NamedTuple):
    """`told` is what the generator printed."""

    folder: Path
    told: str


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """The Python client that is generated from the schema; its package `aditus_client` can be imported."""
    folder = tmp_path_factory.mktemp("client")
    schema = folder / "openapi.yaml"
    call_command("spectacular", "--file", str(schema))
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(schema)]
    options = ["--config", str(CONFIG), "--meta", "none", "--output-path", str(folder / "aditus_client")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    sys.path.insert(0, str(folder))
    yield Generated(folder, done.stdout + done.stderr)
    sys.path.remove(str(folder))


@pytest.fixture
def served(root, sandbox, user):
    """The server's address. It asks the sandbox, and Alice, whose password is PASSWORD, has no quota."""
    Plan.objects.update(daily_token_limit=None)
    make_config(model_name="sandbox-mini", base_url=sandbox.openai, is_default=True)
    return root
