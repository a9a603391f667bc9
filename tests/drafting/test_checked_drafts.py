"""What a draft says of itself over HTTP: proofs, repairs, the match with the posting, pages."""

import json

import pytest

from tests.drafting.conftest import JOB, cv_reply, letter_reply

pytestmark = pytest.mark.django_db(transaction=True)

CV = "/api/v1/cv-drafter/draft"
LETTER = "/api/v1/cover-letter/generate"


def post(api, url, **body):
    return api.post(url, body, format="json")


UNPROVEN = "My colleagues in the analysis group learned SQL from me."


@pytest.mark.parametrize(
    ("reader", "proof"), [({"vouches": True}, "reader"), ({}, None), ({"reader_fails": True}, None)], ids=str
)
def test_what_code_cannot_prove_needs_a_reader_and_a_reader_that_fails_vouches_for_nothing(
    api, model_says, resume, reader, proof
):
    asked = model_says(letter_reply((("work-1.h3",), UNPROVEN)), **reader)

    data = post(api, LETTER, job_data=JOB, master_profile=resume).json()["data"]

    assert [row["proof"] for row in data["proofs"] if row["text"] == UNPROVEN] == [proof] * bool(proof)
    assert (UNPROVEN in data["content"]["text"]) is bool(proof)
    assert UNPROVEN in asked[-1]
    assert "Trained four analysts in SQL" in asked[-1]


def test_what_was_refused_is_written_again_once_and_judged_again(api, model_says, resume):
    text = "I trained four analysts in SQL."
    claims = [{"words": text, "quote": "Trained four analysts in SQL"}]
    repaired = {"id": "sentence-1", "text": text, "sources": ["work-1.h3"], "claims": claims}
    again = {
        "id": "sentence-2",
        "text": "I trained ninety analysts.",
        "sources": ["work-1.h3"],
        "claims": claims,
    }
    asked = model_says(
        letter_reply(
            (("work-1.h3",), "I trained four analysts at Google in SQL."),
            (("work-1.h3",), "I trained fifty analysts."),
        ),
        repairs=[repaired, again],
    )

    data = post(api, LETTER, job_data=JOB, master_profile=resume).json()["data"]

    assert len(asked) == 2
    assert "A name is not in the lines the text was said to rest on. Google" in asked[1]
    assert text in data["content"]["text"]
    assert "ninety" not in data["content"]["text"]
    assert [call["task"] for call in data["calls"]] == ["cover_letter", "cover_letter"]


def test_a_language_that_cannot_be_checked_keeps_the_profiles_own_text_and_says_so(api, model_says, resume):
    italian = "Sviluppo di servizi per il team delle prenotazioni dell'azienda elettrica di Stoccolma"
    resume["basics"]["summary"] = "Sviluppatrice con dieci anni di esperienza nelle reti elettriche italiane."
    resume["work"] = [
        {"name": "Enel", "position": "Sviluppatrice", "startDate": "2016", "highlights": [italian]}
    ]
    for section in ("volunteer", "projects", "publications", "education", "references"):
        resume.pop(section)
    model_says(cv_reply(summary="Developer at Google."))

    data = post(api, CV, job_data=JOB, master_profile=resume, language="en").json()["data"]

    assert data["content"]["work"][0]["highlights"] == [italian]
    assert data["content"]["basics"]["summary"] == resume["basics"]["summary"]
    assert data["grounding"][0]["reason"] == "language_of_profile_kept"


def test_a_draft_says_what_the_posting_asks_and_what_the_profile_has(api, model_says, resume):
    model_says(cv_reply())

    report = post(api, CV, job_data=JOB, master_profile=resume).json()["data"]["report"]

    rows = {row["asked"]: row for row in report["match"]}
    assert rows["Python"]["is_skill"]
    assert not rows["Terraform"]["is_supported"]
    assert rows["Run the metering platform"]["facts"] == ["work-1.s"]
    assert rows["Train analysts"]["facts"][0] == "work-1.h3"
    assert report["pages"] == 2
    assert report["warnings"] == []


def test_a_cv_keeps_to_its_pages_and_to_what_the_user_pinned_and_hid(api, model_says, resume):
    job = resume["work"][1]
    resume["work"] += [
        job | {"name": f"Employer {n}", "startDate": f"{2003 - n}", "endDate": f"{2004 - n}",
               "highlights": [f"Kept the paper archive of ward {n}", f"Counted meters in town {n}"]}
        for n in range(11)
    ]  # fmt: skip
    model_says(cv_reply())

    long = post(api, CV, job_data=JOB, master_profile=resume).json()["data"]
    short = post(
        api,
        CV,
        job_data=JOB,
        master_profile=resume,
        pages=2,
        pinned=["work-9.h2"],
        hidden=["work-2.h2", "project-2"],
        sections=["skills"],
    ).json()["data"]

    assert long["report"]["pages"] > 2 == short["report"]["pages"]
    assert [entry["name"] for entry in short["content"]["work"]] == [
        entry["name"] for entry in resume["work"]
    ]
    assert "Counted meters in town 6" in short["content"]["work"][8]["highlights"]
    assert "Moved 14 databases to PostgreSQL" not in json.dumps(short["content"])
    assert "gardenbot" not in json.dumps(short["content"])
    assert short["parameters"]["pages"] == 2
    markdown = api.get(f"/api/v1/drafts/{short['draft_id']}/export?format=md").content.decode()
    assert markdown.index("## Skills") < markdown.index("## Work")


def test_several_letters_for_one_posting_are_series_of_their_own(api, model_says, resume):
    model_says(letter_reply())

    made = [
        post(api, LETTER, job_data=JOB, master_profile=resume, **chosen).json()["data"]
        for chosen in ({}, {"variant": "bolder"}, {"variant": "bolder"})
    ]

    assert [draft["version"] for draft in made] == [1, 1, 2]
