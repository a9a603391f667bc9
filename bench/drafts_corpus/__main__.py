"""`python -m bench.drafts_corpus`: check every case and count them by half, label, language and kind."""

from __future__ import annotations

from collections import Counter

from bench.drafts_corpus import HALVES, load


def main() -> None:
    for half in HALVES:
        cases = load(half)
        for label in ("lie", "honest"):
            chosen = [case for case in cases if case.label == label]
            print(f"{half} half, {label}: {len(chosen)}")
            for name in ("language", "kind", "place", "profile"):
                counts = Counter(str(getattr(case, name)) for case in chosen)
                print(f"  {name}: " + ", ".join(f"{value} {count}" for value, count in counts.most_common()))


if __name__ == "__main__":
    main()
