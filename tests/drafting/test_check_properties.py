"""Whatever the text: less in the profile never lets more pass, and a word from nowhere never passes by
itself."""

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.drafts_corpus import load, posting, profile
from drafting.check.evidence import Claim, Said
from drafting.check.judge import Check
from drafting.facts import read_facts
from extraction.schema import JobData
from tests.drafting.test_check import TODAY

pytestmark = pytest.mark.slow

CASES = [case for case in load() if case.place in ("line", "evidence")]
# Words of all sorts that no profile of the corpus has.
STRANGERS = [
    "zeppelin",
    "quarks",
    "Zanzibar",
    "glaciers",
    "47",
    "volcano",
    "Xanadu",
    "CQRS",
    "violins",
    "1887",
]
UNTOLD = {"work", "volunteer", "education", "certificates", "skills", "languages"}


def passes(case, resume, text):
    facts = read_facts(resume)
    known = [one for one in case.sources if one in facts.line_by_id or one in facts.entry_by_id]
    quotes = [
        facts.line_by_id[o].text if o in facts.line_by_id else facts.entry_by_id[o].header for o in known
    ]
    check = Check(
        facts,
        JobData.model_validate(posting(case.profile)),
        language=case.language,
        profile_language=case.profile.rpartition("_")[2],
        today=TODAY,
    )
    claims = tuple(Claim(text, quote) for quote in quotes)
    return check.judge(Said(case.id, case.place, text, case.sources, claims)).proof is not None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from(sorted(UNTOLD)), st.integers(0, 5))
def test_taking_a_fact_from_the_profile_never_makes_a_text_pass(case, section, index):
    whole = profile(case.profile)
    less = deepcopy(whole)
    entries = less.get(section, [])
    if section in ("work", "volunteer"):
        # Lines keep their ids when one is emptied.
        lines = [(entry, n) for entry in entries for n in range(len(entry.get("highlights", [])))]
        if lines:
            entry, number = lines[index % len(lines)]
            entry["highlights"][number] = ""
    elif entries:
        del entries[index % len(entries)]

    assert not (passes(case, less, case.text) and not passes(case, whole, case.text))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CASES), st.sampled_from(STRANGERS), st.integers(0, 30))
def test_a_word_that_is_in_no_source_never_makes_a_text_pass(case, word, place):
    words = case.text.split()
    place %= len(words)
    longer = " ".join([*words[:place], word, *words[place:]])

    assert not passes(case, profile(case.profile), longer)
