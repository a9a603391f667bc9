"""`make eval-drafts`: lies and honest texts before the check of drafts. bench/drafts_corpus/README.md has the
texts.

Every text is judged by the check as a draft's would be, with the whole named lines as its quotes, which is
the most that a liar can bring. What the check leaves open goes to a reader: one that knows the labels, none,
one that says yes to everything, one that errs once in twenty. PROVIDER=… lets a real model read instead.
Without one, all texts go through every door of the API, too (`bench.drafts_doors`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

# A provider's key and price are in the installation's own database.
os.environ.setdefault(
    "DJANGO_SETTINGS_MODULE", "aditus.settings" if os.environ.get("PROVIDER") else "tests.settings"
)
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from asgiref.sync import async_to_sync

from accounts.models import User
from bench.drafts_corpus import HALVES, TODAY, Case, load, posting, profile
from bench.drafts_doors import measured, text_of
from bench.stage import scratch_database
from drafting.check.evidence import Claim, Said
from drafting.check.judge import Check, Verdict
from drafting.checking import Reader
from drafting.facts import read_facts
from drafting.masks import Mask
from extraction.schema import JobData
from providers.models import AIProviderConfig

Vouches = Callable[[Case], bool]
READERS: dict[str, Vouches] = {
    "honest reader": lambda case: not case.is_lie,
    "no reader": lambda case: False,
    "lying reader": lambda case: True,
    "one in 20 wrong": lambda case: (not case.is_lie) ^ (_lot(case) < 0.05),
}


def _lot(case: Case) -> float:
    """The same number from 0 to 1 for the same case at every run."""
    return int.from_bytes(hashlib.sha256(case.id.encode()).digest()[:4]) / 2**32


def _check(case: Case) -> Check:
    return Check(
        read_facts(profile(case.profile)),
        JobData.model_validate(posting(case.profile)),
        language=case.language,
        profile_language=case.profile.rpartition("_")[2],
        today=TODAY,
    )


def verdict_of(case: Case) -> Verdict:
    """What the check says of a case, quoted as well as can be."""
    check = _check(case)
    facts = check.ground.facts
    claims = tuple(Claim(case.text, quote) for source in case.sources if (quote := text_of(source, facts)))
    return check.judge(Said(case.id, case.place, case.text, case.sources, claims))


def stored(case: Case, verdict: Verdict, reader: Vouches) -> bool:
    """Whether the text would stand in the draft."""
    return verdict.refusal is None and (verdict.proof is not None or reader(case))


def report(title: str, cases: list[Case], verdicts: dict[str, Verdict]) -> dict[str, float]:
    """Print the four figures of these cases by kind and language; returns those of the last line."""
    lies, honest = [c for c in cases if c.is_lie], [c for c in cases if not c.is_lie]
    print(f"\n{title}: {len(lies)} lies, {len(honest)} honest texts")
    counts = {
        name: (
            sum(stored(case, verdicts[case.id], reader) for case in lies),
            sum(stored(case, verdicts[case.id], reader) for case in honest),
        )
        for name, reader in READERS.items()
    }
    for name, (wrong, right) in counts.items():
        print(f"  {name:16} lies stored {_share(wrong, len(lies))}  honest kept {_share(right, len(honest))}")
    for label, chosen in (("lies", lies), ("honest", honest)):
        for attribute in ("language", "kind"):
            print(f"  {label} by {attribute}, stored: honest reader / no reader / lying reader, of all")
            for value, some in sorted(_grouped(chosen, attribute).items()):
                row = [sum(stored(c, verdicts[c.id], READERS[n]) for c in some) for n in list(READERS)[:3]]
                print(f"    {value:20} {row[0]:3} / {row[1]:3} / {row[2]:3} of {len(some)}")
    return {
        "lies": len(lies),
        "lies_stored": counts["honest reader"][0],
        "lies_stored_without_reader": counts["no reader"][0],
        "lies_stored_lying_reader": counts["lying reader"][0],
        "honest": len(honest),
        "honest_kept": round(counts["honest reader"][1] / max(len(honest), 1), 4),
        "honest_kept_without_reader": round(counts["no reader"][1] / max(len(honest), 1), 4),
    }


def _share(part: int, whole: int) -> str:
    return f"{part:4} ({100 * part / max(whole, 1):5.1f} %)"


def _grouped(cases: Iterable[Case], attribute: str) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[getattr(case, attribute)].append(case)
    return groups


def explain(cases: list[Case], verdicts: dict[str, Verdict]) -> None:
    """Every text on which the check alone is wrong, and the reasons why texts were refused."""
    for case in cases:
        verdict = verdicts[case.id]
        said = verdict.proof or (verdict.refusal and verdict.refusal.reason) or "doubtful"
        is_wrong = verdict.refusal is None if case.is_lie else verdict.proof is None
        if is_wrong:
            words = verdict.refusal.words if verdict.refusal else ()
            print(f"{case.label:6} {case.kind:18} {said:26} {case.id:12} {case.text} {list(words)}")
    reasons = Counter(v.refusal.reason for v in verdicts.values() if v.refusal)
    print(", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))


def doors(cases: list[Case]) -> dict[str, dict[str, object]]:
    """The same texts in drafts that come in by each door, in a database of their own."""
    found = {}
    with scratch_database():
        for door, figures in measured(cases):
            print(
                f"  by {door:8} lies stored {figures['lies_stored']} of {figures['lies']}  "
                f"honest kept {figures['honest_stored']} of {figures['honest']}",
                flush=True,
            )
            if ids := figures.pop("ids"):
                print(f"    {ids}", flush=True)
            found[door] = figures
    return found


async def read_by_provider(cases: list[Case], verdicts: dict[str, Verdict], name: str) -> dict[str, bool]:
    """What a configured provider vouches for among the doubtful texts, asked as a draft's reader would be."""
    config = await AIProviderConfig.objects.aget(display_name=name)
    user = await User.objects.filter(is_active=True).afirst()
    if user is None:
        raise SystemExit("There is no user to ask for; make one with `manage.py createsuperuser`.")
    answers: dict[str, bool] = {}
    doubtful = [case for case in cases if verdicts[case.id].is_doubtful]
    for some in _grouped(doubtful, "profile").values():
        ground = _check(some[0]).ground
        reader = Reader(user, ground, Mask(ground.facts.resume), writer=None)
        refusals = await reader.read([verdicts[case.id].said for case in some])
        if any(call.provider_config_id != config.pk for call in reader.calls):
            raise SystemExit(
                f"Another provider answered. Make {name} the default for the fact check of drafts."
            )
        answers |= {said_id: refusal is None for said_id, refusal in refusals.items()}
    return answers


def main() -> None:
    everything = load()
    verdicts = {case.id: verdict_of(case) for case in everything}
    if name := os.environ.get("PROVIDER"):
        answers = async_to_sync(read_by_provider)(everything, verdicts, name)
        READERS[f"reader {name}"[:16]] = lambda case: answers.get(case.id, False)
    if "--explain" in sys.argv:
        halves = [half for half in HALVES if half in sys.argv] or list(HALVES)
        explain([case for case in everything if case.half in halves], verdicts)
    for half in HALVES:
        if cases := [case for case in everything if case.half == half]:
            report(f"The {half} half", cases, verdicts)
    figures: dict[str, object] = dict(report("Both halves", everything, verdicts))
    if not name:
        figures["doors"] = doors(everything)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
