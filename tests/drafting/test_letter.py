"""A letter: exact where it must be, proven elsewhere, and of the length asked for."""

from datetime import date

import pytest
from asgiref.sync import async_to_sync

from bench.drafts_corpus import posting, profile
from drafting.check.judge import Check, Proof
from drafting.checking import check_texts
from drafting.drafter import letter_texts
from drafting.facts import match, read_facts
from drafting.language import codes
from drafting.letter import compose_letter
from drafting.options import DraftOptions, Length, Tone
from drafting.replies import LetterReply
from extraction.schema import JobData
from tests.drafting.conftest import JOB, letter_reply, load_profile

TRUE = (
    ("work-1.h1",),
    "At Vattenkraft AB I cut the nightly load of 1,200 meters from 6 hours to 35 minutes with Apache Spark.",
)
TODAY = date(2026, 11, 21)
NOBODY = object()


def write(reply, *, resume=None, job=JOB, language="en", profile_language="en", vouched=False, **options):
    facts, wanted = read_facts(resume or load_profile("complete")), JobData.model_validate(job)
    parsed = LetterReply.model_validate(reply)
    check = Check(facts, wanted, language=language, profile_language=profile_language, today=TODAY)

    async def nothing(_):
        return []

    async def read(doubtful):
        return {said.id: None for said in doubtful} if vouched else {}

    checked = async_to_sync(check_texts)(check, letter_texts(parsed), repair=nothing, read=read)
    return compose_letter(
        facts,
        parsed,
        checked,
        job=wanted,
        report=match(facts, wanted),
        options=DraftOptions(**options),
        language=language,
        today=TODAY,
    )


def reasons(letter):
    return [(row["field"], row["reason"]) for row in letter.grounding]


def body_of(letter):
    return [block["text"] for block in letter.content["body"]]


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
    assert letter["body"][0]["text"].startswith(TRUE[1])


@pytest.mark.parametrize(
    ("sources", "sentence", "reason"),
    [
        (["work-1.h3"], "I won a prize for training analysts.", "award_not_in_source"),
        (["work-1.h3"], "I trained four analysts at Google.", "name_not_in_source"),
        (["work-1.h3"], "I saved the company $2,000,000.", "number_not_in_source"),
        (["work-1.h3"], "I hold a doctorate.", "credential_not_in_source"),
        (["work-1.h3"], "My terraform work is well known.", "only_in_posting"),
        (["work-1.h3"], "Please contact me at [Phone Number].", "placeholder"),
        (["work-1.h3"], "See https://evil.example for more.", "link"),
        (["work-1.h3"], "I rescued orphans from burning villages.", "more_than_its_source"),
        (["work-1.h3"], "Sure, I can help with that.", "not_part_of_a_draft"),
        (["job", "work-77"], "I am perfect for you.", "quote_not_in_source"),
        ([], "I would like to lead a team again, as I did at Google.", "claims_the_past"),
    ],
)
def test_a_sentence_that_does_not_stand_falls_and_the_rest_stays(sources, sentence, reason):
    letter = write(letter_reply(TRUE, (sources, sentence)))

    assert letter.content["body"][0]["text"].startswith(TRUE[1])
    assert ("sentence-2", reason) in reasons(letter)
    assert sentence not in letter.content["text"]


def test_what_code_cannot_prove_stands_only_when_the_reader_vouches_for_it():
    text = "My colleagues in the analysis group learned SQL from me."
    reply = letter_reply((("work-1.h3",), text))

    unread, read = write(reply), write(reply, vouched=True)

    assert text not in unread.content["text"]
    assert ("sentence-1", "not_read") in reasons(unread)
    assert text in read.content["text"]
    assert {"field": "paragraph-1", "text": text, "proof": "reader", "sources": ["work-1.h3"]} in read.proofs


def test_every_sentence_of_the_body_says_what_vouches_for_it():
    letter = write(letter_reply(TRUE))

    told = [row["text"] for row in letter.proofs]
    assert " ".join(told) == " ".join(
        part for block in letter.content["body"] for part in (block["text"], *block["points"])
    )
    assert {row["proof"] for row in letter.proofs} == {Proof.CODE, Proof.OWN_WORDS}


def test_each_fact_is_told_once():
    again = "With Apache Spark I cut the nightly load of 1,200 meters from 6 hours to 35 minutes."
    letter = write(letter_reply(TRUE, (("work-1.h1",), again)))

    assert letter.content["text"].count("1,200") == 1
    assert ("sentence-2", "repetition") in reasons(letter)


def words_of_body(letter):
    parts = [letter["opening"], letter["closing"]]
    for block in letter["body"]:
        parts += [block["text"], *block["points"]]
    return len(" ".join(parts).split())


@pytest.mark.parametrize("name", ["developer_en", "nurse_en", "electrician_de", "accountant_de", "cook_fr",
                                  "communication_fr", "receptionist_es", "teacher_es", "warehouse_pt",
                                  "engineer_pt", "cooperative_sw", "driver_sw"])  # fmt: skip
@pytest.mark.parametrize("length", list(Length))
def test_own_words_alone_make_a_letter_of_the_length_asked_for_as_far_as_the_profile_goes(name, length):
    language = name.rpartition("_")[2]
    letter = write(
        letter_reply(),
        resume=profile(name),
        job=posting(name),
        language=language,
        profile_language=language,
        length=length,
    )

    target = letter.content["word_target"]
    assert letter.content["word_count"] == words_of_body(letter.content)
    assert letter.content["word_count"] <= target * 1.1
    is_short = letter.content["word_count"] < target * 0.9
    assert (("length", "length_not_reached") in reasons(letter)) == is_short
    if length is Length.SHORT:
        assert not is_short
    sentences = [row["text"] for row in letter.proofs]
    assert len(sentences) == len(set(sentences))


def test_own_words_read_like_a_letter():
    letter = write(
        letter_reply(), resume=profile("developer_en"), job=posting("developer_en"), length=Length.SHORT
    )

    text = " ".join(body_of(letter))
    assert "At Baobab Books, I " in text
    assert "I cut hosting costs by 40% by moving 12 services to containers." in text
    assert "I built REST APIs in Python for the booking team." in text


def test_a_letter_that_is_too_long_is_cut_at_a_sentence():
    facts = [(("work-1.h3",), f"I trained four analysts in SQL{' and so' * n}.") for n in range(40)]
    letter = write(letter_reply(*facts), length=Length.SHORT).content

    assert letter["word_count"] <= 132
    assert all(block["text"].endswith((".", ":")) for block in letter["body"])


def test_a_line_that_makes_no_sentence_is_listed_as_it_is():
    resume = load_profile("complete")
    resume["work"][0]["highlights"] = ["Metering, planning, night shifts", "Pipelines of the grid"]
    letter = write(letter_reply(), resume=resume, length=Length.LONG)

    points = [point for block in letter.content["body"] for point in block["points"]]
    assert "Metering, planning, night shifts" in points
    assert "In short, this is what I have done:" in " ".join(body_of(letter))


def test_the_note_of_the_user_is_printed_as_it_is():
    letter = write(letter_reply(TRUE), note="I move to Nairobi in May.")

    assert letter.content["body"][0]["text"] == "I move to Nairobi in May."
    assert letter.proofs[0]["proof"] == "user"


@pytest.mark.parametrize("language", codes())
@pytest.mark.parametrize("tone", list(Tone))
@pytest.mark.parametrize("missing", [None, "title", "hiring_organization"])
def test_every_language_and_tone_makes_a_letter_without_gaps(language, tone, missing):
    job = {key: value for key, value in JOB.items() if key != missing}

    letter = write(letter_reply(), language=language, job=job, tone=tone).content

    for name in ("title", "hiring_organization"):
        assert (JOB[name] in letter["opening"]) == (name != missing)
    for part in ("subject", "salutation", "opening", "closing", "sign_off", "signature", "date_text"):
        assert letter[part].strip()
    assert "{" not in letter["text"]
    assert "None" not in letter["text"]


def test_a_title_with_braces_is_only_a_title():
    letter = write(letter_reply(TRUE), job=JOB | {"title": "Engineer {company} {0}"}).content

    assert "position of Engineer {company} {0} at Savanna Grid" in letter["opening"]
