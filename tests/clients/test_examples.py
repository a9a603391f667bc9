"""The examples of docs/examples.md, run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from playwright._impl._driver import compute_driver_executable

from extraction.models import JobPosting
from tests.clients.conftest import PASSWORD
from tests.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.any_database]

PAGE = Path(settings.BASE_DIR, "docs", "examples.md")
BLOCKS = dict(
    re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)


@pytest.fixture
def run(served, tmp_path):
    """Runs the page's block in a language; returns what it printed."""

    def run_block(language, command, *, suffix, **environment):
        script = tmp_path / f"example{suffix}"
        script.write_text(BLOCKS[language], encoding="utf-8")
        known = {"ADITUS_URL": served, "EMAIL": "alice@example.com", "PASSWORD": PASSWORD, "NO_PROXY": "*"}
        done = subprocess.run(
            [*command, str(script)],
            env=os.environ | known | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run_block


def node():
    """The Node that comes with playwright, which strips types."""
    return str(compute_driver_executable()[0])


def test_the_page_has_an_example_in_each_language():
    assert BLOCKS.keys() == {"bash", "python", "typescript"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
def test_curl(run):
    printed = run("bash", ["bash"], suffix=".sh")

    assert '"title":"Backend Engineer"' in printed
    assert '"code":"not_found"' in printed
    assert JobPosting.objects.count() == 1


def test_python(run, generated):
    printed = run("python", [sys.executable], suffix=".py", PYTHONPATH=str(generated.folder))

    title, draft, code = printed.splitlines()
    assert (title, code) == ("Backend Engineer", "not_found")
    assert draft.endswith(" 1")


def test_typescript(run):
    printed = run("typescript", [node()], suffix=".mts")

    assert printed.splitlines() == ["Backend Engineer", "not_found"]
