"""A CV holds the profile's facts whatever the model says, and says what became of each of them."""

from copy import deepcopy
from datetime import date

import pytest
from asgiref.sync import async_to_sync

from drafting.check.judge import Check
from drafting.checking import check_texts
from drafting.cv import compose_cv
from drafting.drafter import cv_texts
from drafting.facts import read_facts, texts_of
from drafting.options import DraftOptions, Length
from drafting.replies import CvReply
from drafting.resume import normalised_resume
from extraction.schema import JobData
from tests.drafting.conftest import JOB, cv_reply


@pytest.fixture
def compose(resume):
    facts = read_facts(resume)
    job = JobData.model_validate(JOB)
    check = Check(facts, job, language="en", profile_language="en", today=date(2026, 11, 21))

    async def nothing(_):
        return []

    async def nobody(_):
        return {}

    def make(reply, length=Length.STANDARD, **options):
        parsed = CvReply.model_validate(reply)
        checked = async_to_sync(check_texts)(check, cv_texts(facts, parsed), repair=nothing, read=nobody)
        return compose_cv(facts, parsed, checked, job=job, options=DraftOptions(length=length, **options))

    return make


def changed(cv, kind):
    return [change["field"] for change in cv.changes if change["kind"] == kind]


def refused(cv):
    return [(row["field"], row["reason"]) for row in cv.grounding]


def test_a_model_that_says_nothing_useful_costs_nothing_but_its_tokens(compose, resume):
    cv = compose(cv_reply())

    expected = deepcopy(resume)
    # Skills are ordered by code, from the posting's own words.
    expected["skills"].reverse()
    expected["skills"][0]["keywords"] = ["Apache Spark", "PostgreSQL", "Airflow", "Kubernetes"]
    assert cv.content == expected
    assert changed(cv, "left_out") == []
    assert changed(cv, "rewritten") == []


def test_a_rewritten_line_takes_the_place_of_its_source(compose, resume):
    text = "Trained four analysts in SQL at Vattenkraft AB"

    cv = compose(cv_reply(lines=[("work-1.h3", text)]))

    assert cv.content["work"][0]["highlights"] == [*resume["work"][0]["highlights"][:2], text]
    assert {
        "kind": "rewritten",
        "field": "work-1.h3",
        "before": "Trained four analysts in SQL",
        "after": text,
    } in cv.changes
    normalised_resume(cv.content)


@pytest.mark.parametrize(
    ("source", "lie", "reason"),
    [
        ("work-1.h3", "Trained four analysts at Google in SQL", "name_not_in_source"),
        ("work-1.h1", "Cut the nightly load of 9,900 meters with Apache Spark", "number_not_in_source"),
        ("work-1.s", "Owns the metering platform and holds a PhD", "credential_not_in_source"),
        ("work-1.s", "Certified owner of the metering platform", "credential_not_in_source"),
        ("project-1.h1", "Used by 3 grid companies, winner of the Turing Award", "name_not_in_source"),
        ("work-1.h3", "Rescued orphans from burning villages", "more_than_its_source"),
        ("work-1.h3", "Trained four analysts and planted trees", "more_than_its_source"),
    ],
)
def test_a_lie_never_reaches_the_draft(compose, resume, source, lie, reason):
    cv = compose(cv_reply(lines=[(source, lie)]))

    assert lie not in list(texts_of(cv.content))
    assert refused(cv) == [(source, reason)]
    assert lie not in str(cv.grounding)
    assert sorted(texts_of(cv.content)) == sorted(texts_of(resume))


def test_a_summary_is_held_to_the_whole_profile(compose, resume):
    true = "Data engineer with ten years of experience."
    false = "Data engineer with twelve years at Google."

    assert compose(cv_reply(summary=true)).content["basics"]["summary"] == true
    assert compose(cv_reply(summary=false)).content["basics"]["summary"] == resume["basics"]["summary"]


def test_an_entry_that_the_profile_does_not_have_is_dropped_with_a_note(compose, resume):
    reply = cv_reply(keep=["work-9", "work-1.h1"], lines=[("work-9.h1", "Trained four analysts in SQL")])

    cv = compose(reply, Length.LONG)

    assert [entry["name"] for entry in cv.content["work"]] == [entry["name"] for entry in resume["work"]]
    assert refused(cv) == [("keep", "unknown_source"), ("lines", "unknown_source")]


def test_employers_titles_dates_degrees_and_certificates_are_copied(compose, resume):
    cv = compose(cv_reply(keep=["work-2.h1"], lines=[("work-2.h1", "Built the patient registry's ETL")]))

    for section, kept in {
        "work": ("name", "position", "startDate", "endDate", "location", "url"),
        "education": ("institution", "studyType", "area", "endDate", "score", "courses"),
        "certificates": ("name", "issuer", "date"),
        "languages": ("language", "fluency"),
    }.items():
        for ours, theirs in zip(cv.content[section], resume[section], strict=True):
            assert {key: ours.get(key) for key in kept} == {key: theirs.get(key) for key in kept}


def test_whatever_is_left_out_is_in_the_changes(compose, resume):
    keep = ["project-3", "work-1.h2"]

    cv = compose(cv_reply(keep=keep))

    assert [project["name"] for project in cv.content["projects"]] == ["choirbook", "metercheck"]
    assert changed(cv, "left_out") == ["work-1.h3", "project-2"]
    lost = set(texts_of(resume)) - set(texts_of(cv.content))
    told = " ".join(str(change["before"]) for change in cv.changes if change["kind"] == "left_out")
    assert lost
    assert all(text in told for text in lost)


def test_a_long_cv_leaves_nothing_out(compose, resume):
    cv = compose(cv_reply(keep=["project-3", "work-1.h2"]), Length.LONG)

    assert sorted(texts_of(cv.content)) == sorted(texts_of(resume))
    assert "projects" in changed(cv, "reordered")
    assert "work-1" in changed(cv, "reordered")


def test_jobs_stay_in_the_profiles_order_and_degrees_always_stay(compose, resume):
    cv = compose(cv_reply(keep=["work-2", "work-2.h1", "project-1"]), Length.SHORT)

    assert [job["name"] for job in cv.content["work"]] == ["Vattenkraft AB", "Hälsodata i Umeå"]
    assert cv.content["education"] == resume["education"]
    assert cv.content["certificates"] == resume["certificates"]


def test_the_profile_itself_is_not_touched(compose, resume):
    before = deepcopy(resume)

    compose(cv_reply(summary="Data engineer in energy.", keep=["project-3"]), Length.SHORT)

    assert resume == before
