"""Mutants before the tests: those that come by a changed line are run until one notices.

pytest collects once and makes the test database once; then a child is forked for each mutant, which takes the
mutated function into its own memory. So a mutant costs what its tests cost and no start of Django. This
process has no threads, for a fork would not take them along.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from _pytest.runner import runtestprotocol
from django.db import connection

from bench.mutants.children import in_child
from bench.mutants.genes import Genes, lines_with
from bench.mutants.making import KILLED, SURVIVED, TIMEOUT, UNTRIED, Mutant
from bench.mutants.seen import Seen

# Seconds that a mutant may take beyond several times what its tests took without it.
PATIENCE, SLOWER = 30.0, 4.0
_ENDED = {0: SURVIVED, 1: KILLED, None: TIMEOUT}
# The tracer may know a statement of many lines by its first one only.
_LONGEST_STATEMENT = 12


class Trials:
    """A pytest plugin that tries `mutants` instead of running the tests once, and says of each to `tell` how
    it went and which test noticed. A mutant meets at most `seconds` worth of tests. `modules`: all that the
    tests are looked at for."""

    def __init__(
        self,
        mutants: list[Mutant],
        *,
        modules: list[str],
        tell: Callable[[Mutant, str, str], None],
        seconds: float,
    ) -> None:
        self._mutants, self._modules, self._tell, self._seconds = mutants, modules, tell, seconds
        self._items: list[pytest.Item] = []
        # By function: how many of its mutants a test noticed. Such a test is tried first.
        self._noticed: dict[str, Counter[int]] = {}
        self.failing: list[str] = []

    def pytest_configure(self, config: pytest.Config) -> None:
        """Here is one process, without the plugin that knows this marker."""
        config.addinivalue_line("markers", "xdist_group: tests that one of several processes has to run")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._session, self._items = session, session.items
        self._prime()
        self._seen = Seen(self._items, self._modules, self._fails)
        self._seen.look()
        self.failing = self._seen.failing
        self._genes = Genes({mutant.path for mutant in self._mutants})
        gc.freeze()
        for mutant in self._mutants:
            chosen = self._tests_of(mutant)
            if not chosen:
                self._tell(mutant, SURVIVED, "no test comes by")
                continue
            patience = PATIENCE + SLOWER * sum(self._seen.takes[one] for one in chosen)
            outcome, said = in_child(partial(self._try, mutant, chosen), patience=patience)
            if said.isdigit():
                self._noticed.setdefault(mutant.function, Counter())[int(said)] += 1
                said = self._items[int(said)].nodeid
            self._tell(mutant, _ENDED.get(outcome, UNTRIED), said)
        return True

    def _prime(self) -> None:
        """Make what lasts for the session, by a test of nothing."""
        first = self._items[0]
        item = pytest.Function.from_parent(first.parent, name="nothing", callobj=_nothing)
        item.add_marker(pytest.mark.django_db)
        reports = runtestprotocol(item, log=False, nextitem=first)
        if any(report.failed for report in reports):
            raise RuntimeError("\n".join(report.longreprtext for report in reports if report.failed))
        connection.close()

    def _tests_of(self, mutant: Mutant) -> list[int]:
        """Those that come by its lines, the quickest first, for as many seconds as it is given."""
        first, last = mutant.lines
        wanted = range(first, last + 1) if mutant.function else lines_with(mutant)
        tests = self._seen.tests_at(mutant.path, wanted)
        if mutant.function:
            for line in range(first - 1, first - _LONGEST_STATEMENT, -1):
                tests = tests or self._seen.tests_at(mutant.path, [line])
        noticed = self._noticed.get(mutant.function, Counter[int]())
        chosen: list[int] = []
        left = self._seconds
        for test in sorted(tests, key=lambda one: (-noticed[one], self._seen.costs[one])):
            left -= self._seen.costs[test]
            if chosen and left < 0:
                break
            chosen.append(test)
        return chosen

    def _try(self, mutant: Mutant, chosen: list[int]) -> tuple[int, str] | int:
        try:
            if not self._genes.take_in(mutant):
                return 2
        except Exception as error:  # noqa: BLE001 - whatever a changed constant raises
            return 1, f"it cannot be imported: {error}"
        for test in chosen:
            if self._fails(test):
                return 1, str(test)
        return 0

    def _fails(self, test: int) -> bool:
        """What lasts for the session stays, since the primer's module is always said to follow."""
        item = self._items[test]
        self._session._setupstate.teardown_exact(item)
        following = next((one for one in self._items if one.parent is not item.parent), self._items[0])
        reports = runtestprotocol(item, log=False, nextitem=following)
        return any(report.failed for report in reports)


def _nothing() -> None:
    """Only its fixtures matter."""
