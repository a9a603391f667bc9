"""Do the tests notice? Change the core rules one place at a time and run the tests that come by it.

    make mutants                            all groups; hours on one core
    make mutants ARGS="calls pricing"       some
    make mutants ARGS="calls --fresh"       also what was killed in an earlier run

What was killed is kept in var/mutants/ and not tried again as long as neither the change nor its surroundings
differ; what survived is. On SQLite, in one process. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

os.environ["DATABASE_URL"] = os.environ["REDIS_URL"] = ""

from bench.mutants.groups import GROUPS, Group
from bench.mutants.making import KILLED, SURVIVED, TIMEOUT, UNTRIED, Mutant, mutants_of

KEPT = Path("var/mutants")
LEFT_OUT = "not (postgres or browser or embedded or local_model or processes or slow)"


@dataclass
class Results:
    """Of one group: by a mutant's key how it ended, and who noticed."""

    path: Path
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def kept(cls, group: str, *, fresh: bool) -> Results:
        path = KEPT / f"{group}.json"
        ended = {} if fresh or not path.exists() else json.loads(path.read_text())
        return cls(path, {key: tuple(end) for key, end in ended.items()})

    def is_open(self, mutant: Mutant) -> bool:
        return self.ended.get(mutant.key, ("", ""))[0] not in {KILLED, TIMEOUT}

    def add(self, mutant: Mutant, end: str, who: str) -> None:
        self.ended[mutant.key] = end, who
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(self.ended, indent=0))
        new.replace(self.path)


def mutants_in(group: Group, asked: argparse.Namespace) -> list[Mutant]:
    chosen = [path.resolve() for path in paths_of(group) if asked.only in str(path)]
    return [mutant for path in chosen for mutant in mutants_of(path, root=Path.cwd())]


def paths_of(group: Group) -> list[Path]:
    """FileNotFoundError for a pattern that no module has any more."""
    found = {pattern: sorted(Path().glob(pattern)) for pattern in group.modules}
    if gone := [pattern for pattern, paths in found.items() if not paths]:
        raise FileNotFoundError(f"No module is called {', '.join(gone)}. Mend bench/mutants/groups.py.")
    return [path for paths in found.values() for path in paths]


def try_group(name: str, asked: argparse.Namespace) -> None:
    """Try those mutants of the group that nobody has noticed yet."""
    import pytest

    from bench.mutants.trying import Trials

    group, results = GROUPS[name], Results.kept(name, fresh=asked.fresh)
    mutants = mutants_in(group, asked)
    known = {mutant.key for mutant in mutants} & results.ended.keys()
    sampled = {mutant.key for mutant in mutants[:: asked.every]}
    # Survivors of an earlier run first: a test was added for them.
    waiting = [mutant for mutant in mutants if results.is_open(mutant) and mutant.key in known | sampled]
    waiting.sort(key=lambda mutant: mutant.key not in known)
    print(f"{name}: {len(mutants)} mutants, {len(waiting)} to try", flush=True)
    if not waiting:
        return

    def tell(mutant: Mutant, end: str, who: str) -> None:
        results.add(mutant, end, who)
        if end not in {KILLED, TIMEOUT}:
            place = f"{mutant.path} {mutant.function or mutant.constant}"
            print(f"{end}: {place} {who}\n{mutant.diff}\n", flush=True)

    trials = Trials(waiting, modules=modules_beside(group), tell=tell, seconds=asked.seconds)
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist"]
    status = pytest.main([*options, "-s", "-m", LEFT_OUT, *group.tests], plugins=[trials])
    if trials.failing:
        print("Left out, for they fail without any mutant:", *trials.failing, sep="\n  ")
    if status != pytest.ExitCode.OK:
        sys.exit(f"pytest ended with status {int(status)}")


def modules_beside(group: Group) -> list[str]:
    """Also those of groups that share a test with it, so that each test is looked at once."""
    beside = [one for one in GROUPS.values() if set(one.tests) & set(group.tests)]
    return sorted({str(path) for one in beside for path in paths_of(one)})


def counted(name: str, asked: argparse.Namespace) -> Counter[tuple[str, str]]:
    """How many mutants of each module ended how, as far as they have been tried."""
    results = Results.kept(name, fresh=False)
    mutants = [mutant for mutant in mutants_in(GROUPS[name], asked) if mutant.key in results.ended]
    return Counter((mutant.path, results.ended[mutant.key][0]) for mutant in mutants)


ENDS = (KILLED, TIMEOUT, SURVIVED, UNTRIED)


def report(found: Counter[tuple[str, str]]) -> None:
    print(f"{'module':40}", *(f"{end:>9}" for end in (*ENDS, "share")))
    for path in sorted({path for path, _ in found}):
        print_line(path, Counter({end: number for (of, end), number in found.items() if of == path}))
    whole = Counter[str]()
    for (_, end), number in found.items():
        whole[end] += number
    noticed, tried = print_line("all", whole)
    print(json.dumps({"mutants": tried, "killed": noticed, "share": round(noticed / max(1, tried), 3)}))


def print_line(name: str, ends: Counter[str]) -> tuple[int, int]:
    """Returns how many were noticed, and of how many: one that never ends is noticed by whoever waits."""
    noticed, tried = ends[KILLED] + ends[TIMEOUT], ends.total() - ends[UNTRIED]
    print(f"{name:40}", *(f"{ends[end]:9}" for end in ENDS), f"{noticed / max(1, tried):9.1%}")
    return noticed, tried


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="group", help=", ".join(GROUPS))
    parser.add_argument("--fresh", action="store_true", help="try again what was killed before")
    parser.add_argument("--seconds", type=float, default=20.0, help="of tests for one mutant (20)")
    parser.add_argument("--only", default="", help="modules whose path holds this")
    parser.add_argument(
        "--every", type=int, default=1, help="one mutant of so many, to look over a group (1)"
    )
    asked = parser.parse_args()
    names = asked.groups or list(GROUPS)
    if len(names) == 1:
        try_group(names[0], asked)
    else:
        # pytest and Django are started once a process.
        options = [option for option in sys.argv[1:] if option not in names]
        for name in names:
            subprocess.run([sys.executable, "-m", "bench.mutants", name, *options], check=False)
    report(sum((counted(name, asked) for name in names), Counter()))


if __name__ == "__main__":
    main()
