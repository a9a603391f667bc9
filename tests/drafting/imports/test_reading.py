"""A model's answer about a CV: only what the CV says of that entry is kept."""

import pytest

from bench.imports import MODELS, Score, lying, perfect, reviewed
from bench.imports_corpus import load
from drafting.imports.contacts import Person
from drafting.imports.dates import read_date
from drafting.imports.documents import read_document
from drafting.imports.errors import NotACv
from drafting.imports.forms import CvAnswer

CV = """Curriculum Vitae
Jane Wanjiru Otieno
jane.otieno@mail.example | +254 711 987 654

Experience
Savanna Grid
Data Engineer 2019 - 2022
• Helped to cut the nightly run
of the meters. No overtime.
Data Analyst 2017 - 2019
Assistant to the Head of Finance, Lakeside Bank, 03/04/2016 - present

Skills
Python, SQL, no Java

References
Marabou Stork, 0722 555 444
"""


def read(**answer):
    return reviewed(Person(CV), CvAnswer.model_validate({"skills": [{"name": "Python"}]} | answer))


def whys(rows):
    return {(row["path"], row["why"]) for row in rows}


async def scored(languages, model):
    score = Score()
    for cv in load(languages=frozenset(languages)):
        document = await read_document(cv.content)
        if document.review is None:
            person = Person(document.text)
            score.add(cv, reviewed(person, CvAnswer.model_validate(model(cv, person))).resume, document.text)
    return score


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de", "ja"])
async def test_nothing_that_a_perfect_model_copies_is_lost(language):
    score = await scored([language], perfect)

    assert (score.lost, score.invented, score.elsewhere) == ([], [], [])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
async def test_no_lie_and_nothing_of_another_entry_is_kept(language):
    score = await scored([language], lying)

    assert (score.invented, score.elsewhere) == ([], [])
    assert score.true > score.wanted / 3


@pytest.mark.slow
async def test_what_the_lying_sandbox_invents_is_nowhere_in_the_profile():
    score = await scored(["en", "de"], MODELS["lying sandbox"])

    assert score.invented == []


def test_a_firm_over_several_jobs_is_the_firm_of_each():
    jobs = [
        {"name": "Savanna Grid", "position": "Data Engineer", "startDate": "2019", "endDate": "2022"},
        {"name": "Savanna Grid", "position": "Data Analyst", "startDate": "2017", "endDate": "2019"},
    ]

    review = read(work=jobs)

    assert review.resume["work"] == jobs


def test_a_title_cut_out_of_a_larger_one_is_not_kept():
    review = read(work=[{"position": "Head of Finance", "name": "Lakeside Bank"}])

    assert review.resume["work"] == [{"name": "Lakeside Bank"}]
    assert ("work/0/position", "part_of_a_phrase") in whys(review.unsure)


def test_a_line_is_kept_whole_where_the_model_cut_it():
    job = {"position": "Data Engineer", "highlights": ["cut the nightly run of the meters"]}

    review = read(work=[job])

    assert review.resume["work"][0]["highlights"] == ["Helped to cut the nightly run of the meters."]


def test_an_end_that_the_model_left_out_is_read_by_code():
    review = read(work=[{"position": "Data Engineer", "startDate": "2019"}])

    assert review.resume["work"][0]["endDate"] == "2022"


def test_of_a_date_that_means_two_days_the_year_is_kept():
    review = read(work=[{"position": "Assistant to the Head of Finance", "startDate": "03/04/2016"}])

    assert review.resume["work"][0]["startDate"] == "2016"
    assert ("work/0/startDate", "day_or_month_first") in whys(review.unsure)


def test_what_is_denied_and_who_is_a_referee_is_not_in_the_profile():
    review = read(skills=[{"name": "SQL"}, {"name": "Java"}], work=[{"name": "Marabou Stork"}])

    assert [one["name"] for one in review.resume["skills"]] == ["SQL"]
    assert ("skills/1/name", "denied") in whys(review.unsure)
    assert ("references", "not_read") in whys(review.unsure)
    assert "0722 555 444" not in str(review.resume)
    assert review.dropped == [{"path": "work/0/name", "value": "Marabou Stork", "why": "not_in_source"}]


def test_every_value_names_the_line_it_was_read_from():
    review = read(work=[{"position": "Data Analyst", "startDate": "2017", "endDate": "2019"}])

    quotes = {row["path"]: row["quote"] for row in review.found}
    assert quotes["work/0/startDate"] == "Data Analyst 2017 - 2019"
    assert quotes["basics/email"] == "jane.otieno@mail.example | +254 711 987 654"


def test_an_answer_of_which_nothing_holds_is_no_profile():
    with pytest.raises(NotACv) as refused:
        reviewed(Person(CV), CvAnswer.model_validate({"work": [{"name": "Google"}]}))

    assert refused.value.details == {"reason": "nothing_found"}


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("März 2019", "2019-03"),
        ("seit 2018", "2018"),
        ("2021年4月", "2021-04"),
        ("31.12.2019", "2019-12-31"),
        ("Summer", ""),
        ("Mar 2019 to Jun 2020", ""),
        ("13/2019", "2019"),
    ],
)
def test_dates_are_read_from_their_words(words, value):
    assert read_date(words).value == value
