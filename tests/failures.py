"""What went wrong in a run, a line each, kept where `make test` can say it again after the last suite."""

import os
from pathlib import Path

import pytest

LONGEST_LINE = 300
FILE_VARIABLE = "ADITUS_TEST_FAILURES"


class Failures:
    """A pytest plugin for the process that hears of every test; the workers' own would say all twice."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _keep(self, line: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(" ".join(line.split())[:LONGEST_LINE] + "\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            self._keep(f"{report.nodeid} ({report.when}): {crash.message if crash else report.longrepr}")

    def pytest_internalerror(self, excrepr) -> None:
        """Of a worker, the text is its whole traceback, whose end says what happened."""
        self._keep("INTERNAL ERROR: " + " | ".join(str(excrepr).splitlines()[-3:]))

    def pytest_testnodedown(self, node, error: object | None) -> None:
        if error:
            self._keep(f"worker {node.gateway.id} is down: {error}")


def register(config: pytest.Config) -> None:
    path = os.environ.get(FILE_VARIABLE)
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures(Path(path)), "aditus-failures")
