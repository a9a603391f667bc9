"""A letter: exact where it must be, grounded elsewhere, and of the length asked for."""

from datetime import date

import pytest

from drafting.facts import read_facts
from drafting.grounding import Grounding
from drafting.language import codes
from drafting.letter import compose_letter
from drafting.options import DraftOptions, Length, Tone
from drafting.relevance import posting_text
from drafting.replies import LetterReply
from extraction.schema import JobData
from tests.drafting.conftest import JOB, letter_reply, load_profile

TRUE = (
    ("work-1.h1", "work-1"),
    "At Vattenkraft AB I cut the nightly load of 1,200 meters from 6 hours to 35 minutes with Apache Spark. "
    "I trained four analysts in SQL.",
)


def write(reply, *, profile="complete", job=JOB, language="en", **options):
    facts, posting = read_facts(load_profile(profile)), JobData.model_validate(job)
    grounding = Grounding(facts, posting=posting_text(posting), language=language, is_translation=False)
    return compose_letter(
        facts,
        LetterReply.model_validate(reply),
        job=posting,
        grounding=grounding,
        options=DraftOptions(**options),
        language=language,
        today=date(2026, 11, 21),
    )


def reasons(letter):
    return [(row["field"], row["reason"]) for row in letter.grounding]


def test_it_names_title_and_employer_exactly_and_fills_in_every_part():
    letter = write(letter_reply(TRUE)).content

    assert letter["subject"] == "Application: Senior Data Engineer, Savanna Grid"
    assert letter["opening"] == (
        "I am writing to apply for the position of Senior Data Engineer at Savanna Grid."
    )
    assert letter["recipient"] == ["Savanna Grid", "Nairobi"]
    assert letter["date_text"] == "21 November 2026"
    assert letter["sender"]["lines"] == [
        "Storgatan 1",
        "2 tr",
        "111 22 Stockholm, Stockholms län",
        "zoe@example.com",
        "+46 70 000 00 00",
        "https://zoe.example.com",
    ]
    assert letter["signature"] == "Zoë Wanjikũ-Ångström"
    assert letter["body"][0]["text"] == TRUE[1]


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("I also led the data team at Google.", "name_not_in_source"),
        ("I saved the company $2,000,000.", "number_not_in_source"),
        ("I hold a doctorate.", "claim_not_in_source"),
        ("My terraform work is well known.", "only_in_posting"),
        ("Please contact me at [Phone Number].", "placeholder"),
        ("See https://evil.example for more.", "link"),
        ("I rescued orphans from burning villages.", "too_far_from_source"),
    ],
)
def test_a_sentence_that_does_not_stand_falls_and_the_rest_stays(sentence, reason):
    letter = write(letter_reply((TRUE[0], f"{TRUE[1]} {sentence}")))

    assert letter.content["body"][0]["text"] == TRUE[1]
    assert ("paragraph-1", reason) in reasons(letter)
    assert sentence not in letter.content["text"]


def test_a_paragraph_without_a_source_falls():
    letter = write(letter_reply((("job", "work-77"), "I am perfect for you.")))

    assert "perfect" not in letter.content["text"]
    assert ("paragraph-1", "unknown_source") in reasons(letter)


def words_of_body(letter):
    parts = [letter["opening"], letter["closing"]]
    for block in letter["body"]:
        parts += [block["text"], *block["points"]]
    return len(" ".join(parts).split())


# Some 50 words each.
PARAGRAPHS = [
    (
        ("work-1", "work-1.h1"),
        "At Vattenkraft AB I own the metering platform as its lead data engineer. There I cut the nightly "
        "load of 1,200 meters from 6 hours to 35 minutes with Apache Spark. I also replaced C++ exporters by "
        "a Python service, and the incidents fell by 40%. I trained four analysts in SQL.",
    ),
    (
        ("work-2", "work-2.h1", "work-2.h2"),
        "Before that I was a data engineer at Hälsodata i Umeå, where I built the ETL of the patient "
        "registry in Airflow. I moved 14 databases to PostgreSQL there. This was work on which patients "
        "depended, and it has made me careful with data that belongs to other people.",
    ),
    (
        ("project-1", "volunteer-1"),
        "In my own time I am the author of metercheck, an application that finds gaps in time series and is "
        "used by 3 grid companies. I also taught 60 adults to program in evening classes as a teacher with "
        "Kod för alla, because I enjoy it when people learn something that they can use.",
    ),
]


@pytest.mark.parametrize(
    ("length", "low", "high", "paragraphs"),
    [
        ("short", 108, 132, PARAGRAPHS[:1]),
        ("short", 108, 132, PARAGRAPHS[:2]),
        ("short", 108, 132, PARAGRAPHS),
        ("standard", 180, 220, PARAGRAPHS),
        ("standard", 180, 220, PARAGRAPHS * 2),
    ],
)
def test_it_keeps_to_the_length_asked_for(length, low, high, paragraphs):
    letter = write(letter_reply(*paragraphs), length=Length(length))

    assert low <= words_of_body(letter.content) <= high
    assert letter.content["word_count"] == words_of_body(letter.content)
    assert ("length", "length_not_reached") not in reasons(letter)


@pytest.mark.parametrize("length", list(Length))
def test_it_is_never_longer_than_asked_for_and_says_when_it_is_shorter(length):
    letter = write(letter_reply(TRUE), length=length)

    target = letter.content["word_target"]
    assert letter.content["word_count"] <= target * 1.1
    assert (("length", "length_not_reached") in reasons(letter)) == (
        letter.content["word_count"] < target * 0.9
    )


def test_a_letter_that_is_too_long_is_cut_at_a_sentence():
    sentence = "At Vattenkraft AB I trained four analysts in SQL, number {}."
    facts = [f"I trained analysts in SQL {'very ' * n}well." for n in range(40)]
    letter = write(letter_reply((("work-1",), " ".join(facts))), length=Length.SHORT).content

    assert letter["word_count"] <= 132
    assert letter["body"][-1]["text"].endswith(".")
    assert sentence not in letter["text"]


def test_a_profile_too_small_for_the_length_is_said_so():
    letter = write(letter_reply(), profile="german", language="de", length=Length.LONG)

    assert ("length", "length_not_reached") in reasons(letter)


def test_without_a_usable_sentence_the_profiles_own_lines_make_the_letter():
    letter = write(letter_reply((("work-1",), "As an AI language model I love [Company].")))

    points = letter.content["body"][0]["points"]
    assert letter.content["body"][0]["text"] == "In short, this is what I have done:"
    assert "Cut the nightly load of 1,200 meters from 6 hours to 35 minutes with Apache Spark" in points
    assert [change["field"] for change in letter.changes] == letter.content["body"][0]["sources"]


@pytest.mark.parametrize("language", codes())
@pytest.mark.parametrize("tone", list(Tone))
@pytest.mark.parametrize("missing", [None, "title", "hiring_organization"])
def test_every_language_and_tone_makes_a_letter_without_gaps(language, tone, missing):
    job = {key: value for key, value in JOB.items() if key != missing}

    letter = write(letter_reply(TRUE), language=language, job=job, tone=tone).content

    for name in ("title", "hiring_organization"):
        assert (JOB[name] in letter["opening"]) == (name != missing)
    for part in ("subject", "salutation", "opening", "closing", "sign_off", "signature", "date_text"):
        assert letter[part].strip()
    assert "{" not in letter["text"]
    assert "None" not in letter["text"]


def test_a_title_with_braces_is_only_a_title():
    letter = write(letter_reply(TRUE), job=JOB | {"title": "Engineer {company} {0}"}).content

    assert "position of Engineer {company} {0} at Savanna Grid" in letter["opening"]
