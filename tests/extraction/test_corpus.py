"""The labelled set is well formed, and what it is published for holds on it."""

import pytest

from bench.extraction_corpus.cases import load_cases
from bench.extraction_corpus.scoring import score
from bench.extraction_eval import perfect, run_case

CASES = list(load_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_well_formed(case):
    assert list(case.problems()) == []


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.shape == "structured" and not case.not_a_posting],
    ids=lambda case: case.name,
)
async def test_a_page_that_states_its_job_as_data_takes_no_call_and_no_other_job(case):
    outcome = await run_case(case, perfect)

    assert (outcome.refused, outcome.calls) == (None, 0)
    assert score(case, outcome.data).wrong_job == 0
    assert outcome.data.title is not None


def test_a_score_tells_right_wrong_and_missing():
    case = next(case for case in CASES if case.name == "a-en-greenhouse")

    nothing = score(case, None).whole

    assert (nothing.right, nothing.wrong) == (0, 0)
    assert (nothing.precision, nothing.recall) == (1.0, 0.0)
