"""What the model may say: the table of rules in drafting/grounding.py, by example."""

import pytest

from drafting.facts import read_facts
from drafting.grounding import Grounding, Reason
from drafting.relevance import posting_text
from extraction.schema import JobData
from tests.drafting.conftest import JOB, load_profile


def grounding_for(profile, *, language="en", job=JOB, is_translation=False):
    facts = read_facts(load_profile(profile))
    posting = posting_text(JobData.model_validate(job))
    return Grounding(facts, posting=posting, language=language, is_translation=is_translation)


def reason(grounding, source, text):
    refusal = grounding.check(text, grounding.line_scope(source))
    return refusal and refusal.reason


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("work-1.h1", "Cut the nightly load of 1,200 meters from 6 hours to 35 minutes with Apache Spark"),
        (
            "work-1.h1",
            "Using Apache Spark, brought the nightly load of 1200 meters down from 6 hours to 35 minutes",
        ),
        ("work-1.h2", "Led the move from C++ exporters to a Python service; incidents fell by 40 %"),
        ("work-1.h3", "Trained four analysts at Vattenkraft AB in SQL"),
        ("work-2.h2", "Migrated 14 databases to PostgreSQL between 2016 and 2021"),
        ("work-2.h1", "Built and ran the patient registry\u2019s ETL in Airflow"),
    ],
)
def test_it_lets_a_fact_be_said_in_other_words(source, text):
    assert reason(grounding_for("complete"), source, text) is None


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        # numbers
        (
            "work-1.h1",
            "Cut the nightly load from 6 hours to 35 seconds and 99% with Apache Spark",
            Reason.NUMBER,
        ),
        ("work-1.h2", "Replaced C++ exporters by a Python service; incidents fell by 1,200", Reason.NUMBER),
        ("work-1.h2", "Replaced C++ exporters by a Python service; incidents fell by $40", Reason.NUMBER),
        ("work-2.h2", "Moved 14 databases to PostgreSQL in 2023", Reason.NUMBER),
        ("work-2.h2", "Moved 14+ databases to PostgreSQL", Reason.NUMBER),
        ("work-1.h1", "Cut the nightly load of ١٢٣ meters with Apache Spark", Reason.NUMBER),
        # names: employers, schools, tools, acronyms, also where a sentence begins
        ("work-1.h3", "Trained four analysts at Google in SQL", Reason.NAME),
        ("work-1.h3", "Harvard graduate who trained four analysts in SQL", Reason.NAME),
        ("work-2.h1", "Built the patient registry's ETL in Airflow and Snowflake", Reason.NAME),
        ("work-2.h1", "Built the patient registry's ETL in Airflow on AWS", Reason.NAME),
        ("work-2.h1", "Built the patient registry's ETL in Airflow with k8s", Reason.NAME),
        ("work-1.h2", "Replaced JavaScript exporters by a Python service", Reason.NAME),
        # credentials, ranks, spelled-out quantities
        ("work-1.h3", "As a certified trainer, trained four analysts in SQL", Reason.CLAIM),
        ("work-1.h3", "Trained twelve analysts in SQL", Reason.CLAIM),
        ("work-1.h3", "As director, trained four analysts in SQL", Reason.CLAIM),
        # the posting's words are not the applicant's
        ("work-1.h3", "Trained four analysts in SQL and terraform", Reason.POSTING),
        ("work-1.h3", "Trained four analysts in physics", Reason.POSTING),
        # a skill stays with the jobs that mention it
        ("work-2.h2", "Moved 14 databases to PostgreSQL with python", Reason.OTHER_ENTRY),
        # inventions in small letters
        ("work-1.h3", "Rescued orphans from burning villages while singing opera", Reason.TOO_DIFFERENT),
        # form
        ("work-1.h3", "Trained four analysts at [Company] in SQL", Reason.PLACEHOLDER),
        ("work-1.h3", "Trained four analysts at {{company}} in SQL", Reason.PLACEHOLDER),
        ("work-1.h3", "Trained four analysts, see https://evil.example", Reason.LINK),
        ("work-1.h3", "Trained four analysts " + "in SQL " * 12, Reason.REPETITION),
        ("work-1.h3", "   ", Reason.EMPTY),
    ],
)
def test_it_refuses_what_the_source_does_not_say(source, text, expected):
    assert reason(grounding_for("complete"), source, text) is expected


def test_a_figure_is_not_moved_from_one_achievement_to_another():
    grounding = grounding_for("complete")

    assert reason(grounding, "work-1.h3", "Trained four analysts in SQL, by 40%") is Reason.NUMBER


def test_a_month_is_not_a_quantity():
    """work-1 began in 2021-04: that does not make "04" or "4" a figure that may be used."""
    grounding = grounding_for("complete")

    assert reason(grounding, "work-1.h3", "Trained four analysts in SQL for 4 months") is Reason.NUMBER


def test_the_refusal_names_the_words_at_fault_and_not_the_text():
    grounding = grounding_for("complete")

    refusal = grounding.check(
        "Trained four analysts at Google and Netflix in SQL", grounding.line_scope("work-1.h3")
    )

    assert refusal.words == ("Google", "Netflix")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Niliongoza kuandaa hesabu za mwaka za vyama 32 vya wakulima wa kahawa", None),
        ("Niliandaa hesabu za mwaka za vyama 45 vya wakulima wa kahawa", Reason.NUMBER),
        ("Niliandaa hesabu za mwaka za vyama 32 vya wakulima wa Vodacom", Reason.NAME),
        ("Niliandaa hesabu za mwaka za vyama kumi vya wakulima wa kahawa", Reason.CLAIM),
        ("Niliandaa hesabu za mwaka za vyama 32 nikiwa mkurugenzi", Reason.CLAIM),
    ],
)
def test_it_reads_swahili(text, expected):
    assert reason(grounding_for("swahili", language="sw"), "work-1.h1", text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Entwicklung und Betreuung eines Zahlungssystems mit Python und Django für 30 Filialen", None),
        ("Verantwortung für die Entwicklung des Zahlungssystems mit Django und Python", None),
        ("Entwicklung eines Zahlungssystems mit Python und Django bei Siemens", Reason.NAME),
        ("Entwicklung eines Zahlungssystems mit Python und Django für zwölf Filialen", Reason.CLAIM),
    ],
)
def test_it_reads_german_with_its_capitals(text, expected):
    assert reason(grounding_for("german", language="de"), "work-1.h1", text) is expected


def test_scripts_without_capitals_are_held_to_more_of_the_source():
    resume = {
        "basics": {"name": "山田太郎"},
        "work": [{"name": "東京電力", "highlights": ["決済システムを開発し、処理時間を40%短縮した"]}],
    }
    grounding = Grounding(read_facts(resume), posting="", language="en", is_translation=False)

    faithful = reason(grounding, "work-1.h1", "決済システムを開発し、処理時間を40%短縮")
    number = reason(grounding, "work-1.h1", "決済システムを開発し、処理時間を90%短縮した")
    invented = reason(grounding, "work-1.h1", "東京大学で博士号を取得し、物理学を教えた")

    assert faithful is None
    assert number is Reason.NUMBER
    assert invented is Reason.TOO_DIFFERENT


def test_a_translation_may_use_new_words_but_no_new_facts():
    grounding = grounding_for("complete", language="fr", is_translation=True)

    fine = reason(grounding, "work-1.h2", "J'ai remplacé les exportateurs C++ par un service Python, -40%")
    name = reason(grounding, "work-1.h2", "J'ai remplacé les exportateurs chez Airbus par un service Python")
    number = reason(grounding, "work-1.h2", "J'ai réduit les incidents de 55%")

    assert fine is None
    assert name is Reason.NAME
    assert number is Reason.NUMBER


def test_title_and_employer_of_the_posting_may_be_quoted_where_code_vouches_for_them():
    grounding = grounding_for("complete")
    scope = grounding.prose_scope(["work-1.h3"])
    text = "At Savanna Grid I would train analysts in SQL, as I have trained four."

    assert grounding.check(text, scope).reason is Reason.NAME
    assert grounding.check(text, scope, quoting=("Savanna Grid",)) is None
