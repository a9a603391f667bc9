"""`make eval-extraction`: how far extraction reads the labelled set of `bench/extraction_corpus` as a careful
reader does.

Printed per field are precision, recall and F1 of: pages that state their job as data (no model is asked, and
the calls that would be are counted); the others with a perfect model, which copies the labelled words that it
was shown, so that what is lost is lost by our code (the ceiling); and, where one is named, with a real model:
`MODELS="sandbox local"`. `-v` prints what differs. The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django

django.setup()

from accounts.errors import DomainError
from bench.extraction_corpus.cases import CASES, Case, load_cases
from bench.extraction_corpus.scoring import Score, score
from extraction.errors import NotAPosting
from extraction.fetching import page_of
from extraction.findings import Findings
from extraction.images import prepare
from extraction.pdf.reader import read_pdf
from extraction.pictures import put_from_picture
from extraction.prompts import (
    MOST_CHARACTERS,
    FactsAnswer,
    ImageAnswer,
    ModelAnswer,
    PostingPrompt,
    prompt_about,
)
from extraction.reading import Reading, put_known, put_rest, read_document, read_pasted
from extraction.schema import JobData
from extraction.verification import put_answer
from extraction.vocabulary import comparable

Asker = Callable[[Case, PostingPrompt, Findings], Awaitable[FactsAnswer]]
# What the labelled set calls a field whose words a model is asked for by another name.
_ASKED_AS = {
    "base_salary": "salary",
    "job_location_type": "work_mode",
    "applicant_location_requirements": "applicant_location",
}


class Outcome:
    """What became of one case: its record, or why it was refused; the calls it took."""

    def __init__(self) -> None:
        self.data: JobData | None = None
        self.refused: str | None = None
        self.calls = 0


async def run_case(case: Case, ask: Asker, most_characters: int = MOST_CHARACTERS) -> Outcome:
    """Read a case as `extract` does, with `ask` in the place of the model."""
    outcome, findings = Outcome(), Findings()
    try:
        if case.path.suffix in {".png", ".jpg"}:
            prepare(case.content)
            await _from_picture(case, findings, outcome)
        elif case.path.suffix == ".pdf":
            pdf = await read_pdf(case.content)
            if pdf.text:
                await _from_reading(case, read_pasted(pdf.text), findings, ask, outcome, most_characters)
            else:
                await _from_picture(case, findings, outcome)
        else:
            reading = _reading(case)
            await _from_reading(case, reading, findings, ask, outcome, most_characters)
    except NotAPosting as refusal:
        outcome.refused = str(refusal.details["reason"])
        return outcome
    except DomainError as refusal:
        outcome.refused = refusal.code
        return outcome
    outcome.data = findings.data
    return outcome


def _reading(case: Case) -> Reading:
    if case.url is None and case.path.suffix == ".txt":
        return read_pasted(case.content.decode("utf-8"))
    declared = case.header.partition(";")[0].strip()
    page = page_of(
        case.content,
        url=case.url or "https://jobs.example/",
        declared=declared,
        header=case.header or None,
    )
    return read_document(page)


async def _from_reading(
    case: Case, reading: Reading, findings: Findings, ask: Asker, outcome: Outcome, most: int
) -> None:
    put_known(findings, reading)
    if reading.needs_model:
        outcome.calls += 1
        prompt = prompt_about(reading.page, findings, most)
        put_answer(findings, await ask(case, prompt, findings), reading.page, prompt)
    put_rest(findings, reading)


async def _from_picture(case: Case, findings: Findings, outcome: Outcome) -> None:
    """A perfect model reads the picture; others are not held to it here."""
    outcome.calls += 1
    answer = perfect_answer(case, case.transcript or "")
    is_posting = case.not_a_posting is None
    put_from_picture(
        findings,
        ImageAnswer(
            **answer.model_dump(),
            text=case.transcript,
            is_readable=bool(case.transcript),
            is_job_posting=is_posting,
        ),
    )


async def perfect(case: Case, prompt: PostingPrompt, _: Findings) -> FactsAnswer:
    return perfect_answer(case, prompt.text)


def perfect_answer(case: Case, shown: str) -> ModelAnswer:
    """What a model would say that copies the labelled words, as far as it was shown them."""
    seen = comparable(shown)

    def words_of(name: str, value: Any) -> str | None:
        written = case.words.get(name) or (value if isinstance(value, str) else None)
        return written if written and comparable(written) in seen else None

    answer: dict[str, Any] = {}
    for name, value in case.expected.items():
        if name == "job_locations":
            spans = _place_words(case, seen)
            answer["job_location"], answer["further_locations"] = (spans or [None])[0], spans[1:]
        elif name in {"employment_type", "applicant_location_requirements"}:
            written = words_of(name, value[0] if len(value) == 1 else None)
            answer[_ASKED_AS.get(name, name)] = written
        elif isinstance(value, list):
            answer[name] = [item for item in value if comparable(item) in seen]
        elif name not in {"is_closed", "apply_url"}:
            answer[_ASKED_AS.get(name, name)] = words_of(name, value)
    return ModelAnswer.model_validate({k: v for k, v in answer.items() if k in ModelAnswer.model_fields})


def _place_words(case: Case, seen: str) -> list[str]:
    if written := case.words.get("job_locations"):
        spans = [written] if comparable(written) in seen else written.split("; ")
    else:
        spans = [place.get("locality") or place.get("region", "") for place in case.expected["job_locations"]]
    return [span for span in spans if span and comparable(span) in seen]


async def measure(cases: list[Case], ask: Asker, most: int = MOST_CHARACTERS) -> tuple[Score, int]:
    """The score over the cases, and the calls they took."""
    total, calls = Score(), 0
    for case in cases:
        outcome = await run_case(case, ask, most)
        calls += outcome.calls
        total.add(score(case, outcome.data))
        if outcome.refused:
            total.notes.append(f"{case.name}: refused as {outcome.refused}")
    return total, calls


def report(title: str, total: Score, calls: int, cases: int) -> None:
    whole = total.whole
    print(f"\n{title}: {cases} pages, {calls} calls")
    print(f"  {'field':34} {'P':>6} {'R':>6} {'F1':>6} {'values':>7}")
    for name, tally in sorted(total.fields.items()):
        values = tally.right + tally.missing
        print(f"  {name:34} {tally.precision:6.3f} {tally.recall:6.3f} {tally.f1:6.3f} {values:7}")
    print(f"  {'all':34} {whole.precision:6.3f} {whole.recall:6.3f} {whole.f1:6.3f}")


async def refusals(cases: list[Case]) -> tuple[int, int, list[str]]:
    """Pages refused before a call that are no posting; postings that were refused; what went wrong."""
    right = wrong = 0
    notes = []
    for case in cases:
        outcome = await run_case(case, perfect)
        if case.not_a_posting is not None:
            is_picture = case.path.suffix in {".png", ".jpg"}
            right += outcome.refused is not None and (is_picture or not outcome.calls)
            if outcome.refused != case.not_a_posting:
                notes.append(f"{case.name}: is {case.not_a_posting}, refused as {outcome.refused}")
        elif outcome.refused:
            wrong += 1
            notes.append(f"{case.name}: a posting, refused as {outcome.refused}")
    return right, wrong, notes


def tell_refusals(postings: list[Case], nothing: list[Case]) -> tuple[float | None, int, list[str]]:
    """Print how many pages that are no posting were refused; their share, the postings refused, the slips."""
    # What a picture shows nobody knows before a model has looked.
    pictures = [case for case in nothing if case.path.suffix in {".png", ".jpg"}]
    readable = [case for case in nothing if case not in pictures]
    right, wrong, notes = asyncio.run(refusals([*postings, *readable]))
    seen, _, picture_notes = asyncio.run(refusals(pictures))
    print(f"\nNo postings: {right} of {len(readable)} refused before a call; {wrong} postings refused")
    print(f"Pictures of something else: {seen} of {len(pictures)} refused, after the call that looks at them")
    reasons = Counter(case.not_a_posting for case in readable)
    print("  " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))
    return round(right / len(readable), 4) if readable else None, wrong, notes + picture_notes


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    cases = [case for case in load_cases(arguments.cases) if arguments.only in case.name]
    if arguments.author:
        cases = [case for case in cases if case.author == arguments.author]
    postings = [case for case in cases if case.not_a_posting is None]
    structured = [case for case in postings if case.shape == "structured"]
    others = [case for case in postings if case.shape == "unstructured"]
    nothing = [case for case in cases if case.not_a_posting is not None]
    by_data, data_calls = asyncio.run(measure(structured, perfect))
    ceiling, ceiling_calls = asyncio.run(measure(others, perfect))
    report("Stated as data", by_data, data_calls, len(structured))
    report("Stated in words, perfect model (the ceiling)", ceiling, ceiling_calls, len(others))
    for name in arguments.models:
        from bench.extraction_models import asker

        with asker(name) as (ask, most):
            # A picture needs a model that sees; neither of these does.
            readable = [case for case in others if case.path.suffix not in {".png", ".jpg"}]
            total, calls = asyncio.run(measure(readable, ask, most))
        report(f"Stated in words, {name}", total, calls, len(readable))
        if arguments.verbose:
            print("\n".join(total.notes))
    share, wrong, notes = tell_refusals(postings, nothing)
    if arguments.verbose:
        print("\n".join([*by_data.notes, *ceiling.notes, *notes]))
    return {
        "structured_f1": round(by_data.whole.f1, 4),
        "structured_calls": data_calls,
        "ceiling_f1": round(ceiling.whole.f1, 4),
        "not_postings_refused": share,
        "postings_refused": wrong,
        "wrong_job": by_data.wrong_job + ceiling.wrong_job,
        "cases": len(cases),
        "languages": len({case.language for case in cases}),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=[], choices=["sandbox", "local"])
    parser.add_argument("--cases", type=Path, default=CASES, help="another folder of cases")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--author", choices=["a", "b"], help="only one half of the set")
    parser.add_argument("-v", "--verbose", action="store_true")
    started = time.perf_counter()
    figures = main(parser.parse_args())
    print(f"{time.perf_counter() - started:.0f} s", file=sys.stderr)
    print(json.dumps(figures))
