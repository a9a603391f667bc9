"""Which lines each test comes by and how long it takes, kept for as long as neither it nor they change."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import coverage
import pytest

from bench.mutants.children import in_child

KEPT = Path("var/mutants/seen.json")
PATIENCE = 3600.0
# Tests in one child, so that a run that is broken off has kept what it saw.
_AT_ONCE = 50


@dataclass
class Seen:
    """`runs`: runs a test and says whether it fails; `modules`: paths of what the tests may come by."""

    items: list[pytest.Item]
    modules: list[str]
    runs: Callable[[int], bool]
    # Seconds of the clock, and of a processor: the machine may be busy with something else.
    takes: dict[int, float] = field(default_factory=dict)
    costs: dict[int, float] = field(default_factory=dict)
    passing_by: dict[str, dict[int, set[int]]] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Run, unchanged, the tests that are new."""
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        hashes = {path: _hash(path) for path in self.modules}
        of = {path: _hash(path) for path in {str(item.path) for item in self.items}}

        def is_known(item: pytest.Item) -> bool:
            one = kept.get(item.nodeid)
            return bool(one) and one["of"] == of[str(item.path)] and hashes.items() <= one["modules"].items()

        new = [number for number, item in enumerate(self.items) if not is_known(item)]
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(new), _AT_ONCE):
            report = KEPT.with_suffix(".new")
            in_child(partial(self._look, new[start : start + _AT_ONCE], report), patience=PATIENCE)
            for number, found in json.loads(report.read_text()).items():
                item = self.items[int(number)]
                kept[item.nodeid] = found | {"of": of[str(item.path)], "modules": hashes}
            KEPT.write_text(json.dumps(kept))
            report.unlink()
        self._learn(kept)

    def tests_at(self, path: str, lines: Iterable[int]) -> set[int]:
        known = self.passing_by.get(path, {})
        return {test for line in lines for test in known.get(line, ())}

    def _learn(self, kept: dict[str, Any]) -> None:
        for number, item in enumerate(self.items):
            found = kept[item.nodeid]
            if found["fails"]:
                self.failing.append(item.nodeid)
                continue
            self.takes[number], self.costs[number] = found["takes"], found["costs"]
            for path, lines in found["lines"].items():
                for line in lines:
                    self.passing_by.setdefault(path, {}).setdefault(line, set()).add(number)

    def _look(self, numbers: list[int], report: Path) -> int:
        files = {str(Path(path).resolve()): path for path in self.modules}
        cover = coverage.Coverage(data_file=None, include=list(files), config_file=False)
        found: dict[int, dict[str, Any]] = {}
        cover.start()
        for number in numbers:
            cover.switch_context(str(number))
            started, worked = time.perf_counter(), time.process_time()
            fails = self.runs(number)
            takes, costs = time.perf_counter() - started, time.process_time() - worked
            found[number] = {"fails": fails, "takes": takes, "costs": costs, "lines": {}}
        cover.stop()
        data = cover.get_data()
        for name in data.measured_files():
            for line, tests in data.contexts_by_lineno(name).items():
                for test in filter(None, tests):
                    found[int(test)]["lines"].setdefault(files[name], []).append(line)
        report.write_text(json.dumps(found))
        return 0


def _hash(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
