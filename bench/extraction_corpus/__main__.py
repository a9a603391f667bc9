"""Checks the labelled set for slips: unknown keys, values of the wrong form, missing words."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from bench.extraction_corpus.cases import CASES, Case, load_case, load_cases


def main(names: list[str]) -> int:
    """The number of problems, each printed with the case's name."""
    cases = [load_case(CASES / Path(name).name) for name in names] if names else list(load_cases())
    problems = [f"{case.name}: {problem}" for case in cases for problem in case.problems()]
    print("\n".join(problems))
    _tell(cases)
    return len(problems)


def _tell(cases: list[Case]) -> None:
    postings = [case for case in cases if case.not_a_posting is None]
    for what, counted in (
        ("language", Counter(case.language for case in cases)),
        ("file", Counter(case.path.suffix for case in cases)),
        ("shape", Counter(case.shape for case in postings)),
        ("author", Counter(case.author for case in cases)),
        ("no posting", Counter(case.not_a_posting for case in cases if case.not_a_posting)),
    ):
        print(f"{what}: " + ", ".join(f"{name} {count}" for name, count in counted.most_common()))
    print(f"{len(cases)} cases, {len(postings)} of them postings")


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 100))
