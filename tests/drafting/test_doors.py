"""Texts of the corpus through every door that a draft comes in by; `make eval-drafts` sends all of them."""

import pytest

from bench import drafts_doors
from bench.drafts_corpus import load

pytestmark = [pytest.mark.any_database, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PROFILE, MOST = "nurse_en", 12


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("orchestration.celery_tasks.work_batch.apply_async", lambda **_: None)


def some(label):
    """Texts for a line and for a letter, in the language of the profile."""
    cases = [case for case in load() if (case.profile, case.language, case.label) == (PROFILE, "en", label)]
    places = {place: [case for case in cases if case.place == place] for place in ("line", "evidence")}
    return [case for mine in places.values() for case in mine[: MOST // 2]]


def test_no_lie_of_the_corpus_is_stored_by_any_door_and_honest_texts_are():
    lies, honest = some("lie"), some("honest")

    found = dict(drafts_doors.measured([*lies, *honest]))

    assert set(found) == {"stream", "alone", "batch", "edited"}
    for door, figures in found.items():
        assert (figures["lies"], figures["lies_stored"]) == (len(lies), 0), (door, figures["ids"])
        assert figures["honest_stored"] > len(honest) / 2, door


def test_a_lie_that_the_reader_vouches_for_is_found_in_the_draft(monkeypatch):
    """Shows that the test above can find one."""
    lies = some("lie")
    monkeypatch.setattr("drafting.check.judge.FLOOR", ())
    monkeypatch.setattr(
        drafts_doors.Teller,
        "_verdicts",
        lambda _, prompt: (
            {"id": match["id"], "supported": True, "unsupported": [], "claims_past": False}
            for match in drafts_doors._SENTENCE.finditer(prompt)
        ),
    )

    found = dict(drafts_doors.measured(lies))

    assert all(figures["lies_stored"] > 0 for figures in found.values()), found
