"""Drafts after they were made: edited, restored, compared, and written anew in part."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier

import pytest
from django.db import IntegrityError, connection
from docx import Document
from pypdf import PdfReader

from drafting import editing, regenerating, sections, versions
from drafting.editing import edit
from drafting.errors import DraftSuperseded
from drafting.models import Draft, MasterProfile
from extraction.models import JobPosting
from extraction.schema import JobData
from tests.drafting.conftest import JOB, cv_reply, letter_reply

pytestmark = pytest.mark.django_db(transaction=True)

REWORDED = "Trained four analysts in SQL at Vattenkraft AB"
NESTED = json.loads("[" * 400 + '"x"' + "]" * 400)
MINE = "Ran the night shift of the control room"


@pytest.fixture
def profile(user, resume):
    return MasterProfile.objects.create(user=user, name="Main", resume=resume)


@pytest.fixture
def job(user):
    data = JobData.model_validate(JOB).model_dump(mode="json")
    return JobPosting.objects.create(user=user, source_kind="text", content_hash="0" * 64, data=data)


@pytest.fixture
def cv(api, model_says, job, profile):
    model_says(cv_reply(lines=[("work-1.h3", REWORDED)]))
    return post(api, "cv-drafter/draft", job_id=job.pk, profile_id=profile.pk, length="long")


@pytest.fixture
def letter(api, model_says, job, profile):
    model_says(
        letter_reply(
            (["work-1.h3"], "I trained four analysts in SQL.", 1),
            ([], "I would like to bring this to your team.", 2),
        )
    )
    return post(api, "cover-letter/generate", job_id=job.pk, profile_id=profile.pk)


def post(api, path, **body):
    return api.post(f"/api/v1/{path}", body, format="json").json()["data"]


def patch(api, draft, **body):
    return api.patch(f"/api/v1/drafts/{draft['draft_id']}", body, format="json")


def own(draft):
    return {row["field"]: row for row in draft["proofs"] if row["proof"] == "person"}


def places(draft, text):
    """Where in the jobs a line stands."""
    return [
        (number, entry["highlights"].index(text))
        for number, entry in enumerate(draft["content"]["work"])
        if text in entry.get("highlights", [])
    ]


def test_an_edit_is_the_next_version_and_what_the_person_wrote_is_marked_as_theirs(api, cv):
    content = deepcopy(cv["content"])
    [(entry, line)] = places(cv, REWORDED)
    content["work"][entry]["highlights"][line] = MINE
    content["work"][entry]["highlights"].append("Kept the spare parts list")
    content["basics"]["label"] = "Control room engineer"

    edited = patch(api, cv, content=content, title="For Savanna").json()["data"]

    path = f"work/{entry}/highlights"
    marked = own(edited)
    assert (edited["version"], edited["made_by"], edited["made_from"]) == (2, "edit", 1)
    assert edited["title"] == "For Savanna"
    assert edited["content"] == content
    assert set(marked) == {
        f"{path}/{line}",
        f"{path}/{len(content['work'][entry]['highlights']) - 1}",
        "basics/label",
    }
    assert marked[f"{path}/{line}"]["replaces"] == REWORDED
    assert marked[f"{path}/{line}"]["sources"] == ["work-1.h3"]
    assert REWORDED not in [row["text"] for row in edited["proofs"]]
    assert (edited["calls"], edited["cost_usd"], edited["usage"]["source"]) == ([], "0", "none")
    assert api.get(f"/api/v1/drafts/{cv['draft_id']}").json()["data"]["content"] == cv["content"]


def test_an_own_text_stays_own_where_it_is_moved_to_and_a_model_s_own_stays_the_model_s(api, cv):
    content = deepcopy(cv["content"])
    content["work"][0]["highlights"].append(MINE)
    edited = patch(api, cv, content=content).json()["data"]
    content["work"].reverse()
    content["work"][-1]["highlights"].insert(0, content["work"][-1]["highlights"].pop())

    moved = patch(api, edited, content=content).json()["data"]

    [(entry, line)] = places(moved, MINE)
    assert list(own(moved)) == [f"work/{entry}/highlights/{line}"]
    assert REWORDED in [row["text"] for row in moved["proofs"] if row["proof"] == "code"]


def test_a_letter_is_edited_in_parts_and_its_other_sentences_keep_their_proof(api, letter):
    body = deepcopy(letter["content"]["body"])
    number = next(n for n, block in enumerate(body) if "trained four" in block["text"])
    body[number]["text"] += f" {MINE}."
    before = [row for row in letter["proofs"] if row["field"] == f"paragraph-{number + 1}"]

    edited = patch(api, letter, content={"body": body, "opening": "Good morning."}).json()["data"]

    content = edited["content"]
    assert own(edited).keys() == {"opening", f"paragraph-{number + 1}"}
    assert own(edited)[f"paragraph-{number + 1}"]["text"] == f"{MINE}."
    assert all(row in edited["proofs"] for row in before)
    assert f"{MINE}." in content["text"]
    assert "Good morning." in content["text"]
    assert content["word_count"] == sum(
        len(text.split())
        for text in [
            "Good morning.",
            content["closing"],
            *(text for block in content["body"] for text in [block["text"], *block["points"]]),
        ]
    )


def test_a_letter_s_computed_parts_may_come_along_as_they_were_and_not_otherwise(api, letter):
    as_read = letter["content"] | {"subject": "Applying"}

    assert patch(api, letter, content=as_read).json()["data"]["content"]["subject"] == "Applying"
    newest = {"draft_id": Draft.objects.latest("version").pk}
    refused = patch(api, newest, content={"text": "Something else"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_content")
    assert refused.json()["error"]["details"]["errors"][0]["path"] == "text"


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("cv", {}, 400, "invalid_input"),
        ("cv", {"name": "x"}, 400, "invalid_input"),
        ("cv", {"content": "text"}, 400, "invalid_input"),
        ("cv", {"content": {"work": "none"}}, 422, "invalid_content"),
        ("cv", {"content": {"work": [{"startDate": "2020-19"}]}}, 422, "invalid_content"),
        ("cv", {"content": {"basics": {"summary": "x" * 270_000}}}, 422, "invalid_content"),
        ("cv", {"content": {"x": NESTED}}, 400, "parse_error"),
        ("cv", {"content": {"skills": [{"keywords": ["x"] * 5001}]}}, 422, "invalid_content"),
        ("cv", {"title": "x\x00"}, 400, "invalid_input"),
        ("letter", {"content": {"postscript": "x"}}, 400, "invalid_input"),
        ("letter", {"content": {"body": [{"text": "x" * 4001}]}}, 400, "invalid_input"),
        ("letter", {"content": {"body": []}}, 400, "invalid_input"),
    ],
)
def test_an_edit_without_the_form_is_refused(api, request, kind, body, status, code):
    draft = request.getfixturevalue(kind)

    response = patch(api, draft, **body)

    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert Draft.objects.count() == 1


def test_the_files_of_an_edited_draft_hold_the_edit(api, cv, letter):
    content = deepcopy(cv["content"])
    content["work"][0]["highlights"][0] = MINE
    body = [{"text": f"{MINE}.", "points": []}]
    edited = [
        patch(api, cv, content=content).json()["data"],
        patch(api, letter, content={"body": body}).json()["data"],
    ]

    for draft in edited:
        export = f"/api/v1/drafts/{draft['draft_id']}/export?format="
        pdf = PdfReader(io.BytesIO(api.get(f"{export}pdf").content))
        assert MINE in " ".join(" ".join(page.extract_text().split()) for page in pdf.pages)
        word = Document(io.BytesIO(api.get(f"{export}docx").content))
        assert MINE in "\n".join(paragraph.text for paragraph in word.paragraphs)
        for name in ("md", "json", "txt"):
            assert MINE in " ".join(api.get(f"{export}{name}").content.decode().split())


def test_an_old_version_is_restored_as_the_newest(api, cv):
    patch(api, cv, title="Another")

    response = api.post(f"/api/v1/drafts/{cv['draft_id']}/restore")

    restored = response.json()["data"]
    assert response.status_code == 201
    assert (restored["version"], restored["made_by"], restored["made_from"]) == (3, "restore", 1)
    assert (restored["title"], restored["content"]) == (cv["title"], cv["content"])
    assert restored["proofs"] == cv["proofs"]
    again = api.post(f"/api/v1/drafts/{restored['draft_id']}/restore")
    assert (again.status_code, again.json()["data"]["draft_id"]) == (200, restored["draft_id"])


def test_only_the_newest_version_is_edited(api, cv):
    newest = patch(api, cv, title="Another").json()["data"]

    response = patch(api, cv, title="A third")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "draft_superseded")
    assert response.json()["error"]["details"] == {"draft_id": newest["draft_id"], "version": 2}


def test_two_versions_and_the_profile_are_compared_text_by_text(api, cv, letter):
    content = deepcopy(cv["content"])
    first = content["work"][0]["highlights"]
    removed = first.pop(0)
    content["work"][1]["position"] = "Engineer of data"
    content["work"].reverse()
    content["skills"].append({"name": "Ladders"})
    edited = patch(api, cv, content=content).json()["data"]

    diff = f"/api/v1/drafts/{edited['draft_id']}/diff?against="
    rows = api.get(f"{diff}{cv['draft_id']}").json()["data"]["differences"]
    against_profile = api.get(f"{diff}profile").json()["data"]["differences"]
    of_letter = api.get(f"/api/v1/drafts/{letter['draft_id']}/diff?against=profile").json()["data"]

    found = {(row["kind"], row["path"], row["from_path"]) for row in rows}
    assert ("removed", None, "work/0/highlights/0") in found
    assert ("changed", "work/0/position", "work/1/position") in found
    assert ("added", f"skills/{len(content['skills']) - 1}", None) in found
    assert [row["before"] for row in rows if row["kind"] == "removed"] == [removed]
    assert len([row for row in rows if row["kind"] == "moved"]) == 1
    assert len(rows) == 4
    assert REWORDED in [row["after"] for row in against_profile if row["kind"] == "changed"]
    assert {"kind": "changed", "path": "paragraph-1", "from_path": "work/0/highlights/2"}.items() <= next(
        row for row in of_letter["differences"] if "trained four" in row["after"]
    ).items()


def test_what_cannot_be_compared_is_said(api, user, outsider, cv, letter, profile):
    Draft.objects.filter(pk=letter["draft_id"]).update(profile=None)
    diff = f"/api/v1/drafts/{letter['draft_id']}/diff"

    answers = [
        api.get(f"{diff}{query}")
        for query in (
            "",
            "?against=everything",
            f"?against={cv['draft_id']}",
            "?against=profile",
            "?against=999",
        )
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 422, 404, 404]
    assert answers[2].json()["error"]["code"] == "not_comparable"


AGAIN = "Taught SQL to four analysts"


def regenerate(api, draft, section, **body):
    return api.post(
        f"/api/v1/drafts/{draft['draft_id']}/regenerate", {"section": section} | body, format="json"
    )


def test_one_section_is_written_anew_and_all_else_stays(api, cv, model_says):
    content = deepcopy(cv["content"])
    content["basics"]["label"] = "Control room engineer"
    content["work"][0]["highlights"].append(MINE)
    content["work"].reverse()
    edited = patch(api, cv, content=content).json()["data"]
    asked = model_says(
        cv_reply(summary="A surgeon.", lines=[("work-1.h3", AGAIN), ("project-1.s", "Built all")])
    )

    response = regenerate(api, edited, "work")

    again = response.json()["data"]
    expected = deepcopy(content)
    [(entry, line)] = places(edited, REWORDED)
    expected["work"][entry]["highlights"][line] = AGAIN
    assert response.status_code == 201
    assert again["content"] == expected
    assert (again["version"], again["made_by"], again["made_from"]) == (3, "regenerate", 2)
    assert own(again) == own(edited)
    assert [row["text"] for row in again["proofs"] if row["field"] == "work-1.h3"] == [AGAIN]
    assert [call["task"] for call in again["calls"]] == ["cv_draft"]
    assert MINE not in asked[0].partition("read otherwise")[2]
    assert REWORDED.replace("Vattenkraft AB", "") in asked[0].partition("read otherwise")[2]


def test_own_texts_stay_unless_they_are_asked_to_go(api, cv, model_says):
    content = deepcopy(cv["content"])
    [(entry, line)] = places(cv, REWORDED)
    content["work"][entry]["highlights"][line] = MINE
    edited = patch(api, cv, content=content).json()["data"]
    model_says(cv_reply(lines=[("work-1.h3", AGAIN)]))

    kept = regenerate(api, edited, "work").json()["data"]
    replaced = regenerate(api, kept, "work", replace_own=True).json()["data"]

    assert kept["content"] == content
    assert places(replaced, AGAIN) == [(entry, line)]
    assert own(replaced) == {}


def test_what_is_refused_anew_stays_as_it_was(api, cv, model_says):
    model_says(cv_reply(lines=[("work-1.h3", "Trained forty analysts in SQL for google")]))

    again = regenerate(api, cv, "work").json()["data"]

    assert again["content"] == cv["content"]
    assert [row["field"] for row in again["grounding"]] == ["work-1.h3"]
    assert [row["text"] for row in again["proofs"]] == [REWORDED]


def test_a_summary_of_one_s_own_is_nothing_to_write(api, cv, model_says):
    content = cv["content"] | {"basics": cv["content"]["basics"] | {"summary": MINE}}
    edited = patch(api, cv, content=content).json()["data"]
    asked = model_says(cv_reply(summary="Data engineer."))

    refused = regenerate(api, edited, "summary")

    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "nothing_to_write")
    assert asked == []


def test_a_paragraph_is_written_anew_around_the_person_s_own_sentences(api, letter, model_says):
    body = deepcopy(letter["content"]["body"])
    body[0]["text"] += f" {MINE}."
    edited = patch(api, letter, content={"body": body}).json()["data"]
    model_says(
        letter_reply((["work-1.h3"], "I taught SQL to four analysts."), (["work-1.h3"], "I led them all."))
    )

    again = regenerate(api, edited, "paragraph-1").json()["data"]

    assert again["content"]["body"][0]["text"] == f"I taught SQL to four analysts. {MINE}."
    assert again["content"]["body"][1:] == edited["content"]["body"][1:]
    assert f"I taught SQL to four analysts. {MINE}." in again["content"]["text"]
    assert [row["proof"] for row in again["proofs"] if row["field"] == "paragraph-1"] == ["code", "person"]


def test_an_edit_made_while_a_section_is_written_is_not_lost(api, cv, letter, model_says, monkeypatch):
    """Who edits comes between the model's answer and the new version."""
    content = deepcopy(cv["content"])
    content["work"][0]["highlights"].append(MINE)
    body = [{"text": f"{MINE}.", "points": []}, *letter["content"]["body"][1:]]
    edits = {cv["draft_id"]: content, letter["draft_id"]: {"body": body}}
    stored = regenerating.save_after

    def edit_first(base, build):
        if base.pk in edits:
            edit(base, content=edits.pop(base.pk))
        return stored(base, build)

    monkeypatch.setattr(regenerating, "save_after", edit_first)

    model_says(cv_reply(lines=[("work-1.h3", AGAIN)]))
    again = regenerate(api, cv, "work").json()["data"]
    model_says(letter_reply((["work-1.h3"], "I taught SQL to four analysts.")))
    refused = regenerate(api, letter, "paragraph-1")

    assert again["version"] == 3
    assert places(again, AGAIN)
    assert places(again, MINE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "draft_superseded")
    assert MINE in Draft.objects.filter(kind="cover_letter").first().content["text"]


def test_pages_are_not_counted_while_others_wait_to_store_a_draft(api, cv, model_says, monkeypatch):
    held, count = [], sections.cv_pages

    def counting(*args):
        held.append(connection.in_atomic_block)
        return count(*args)

    monkeypatch.setattr(sections, "cv_pages", counting)
    model_says(cv_reply(lines=[("work-1.h3", AGAIN)]))

    assert regenerate(api, cv, "work").status_code == 201
    assert held == [False]


def test_the_same_key_writes_a_section_once(api, cv):
    url, body = f"/api/v1/drafts/{cv['draft_id']}/regenerate", {"section": "work"}

    first = api.post(url, body, format="json", headers={"Idempotency-Key": "k-1"})
    second = api.post(url, body, format="json", headers={"Idempotency-Key": "k-1"})

    assert (first.status_code, second.json()) == (201, first.json())
    assert Draft.objects.count() == 2


def test_what_a_draft_was_made_from_is_sent_along_where_it_is_not_kept(api, cv, resume):
    JobPosting.objects.all().delete()
    MasterProfile.objects.all().delete()

    needed = regenerate(api, cv, "work")
    again = regenerate(api, cv, "work", job_data=JOB, master_profile=resume)
    unknown = regenerate(api, again.json()["data"], "education")
    superseded = regenerate(api, cv, "work")

    assert needed.json()["error"]["code"] == "source_needed"
    assert needed.json()["error"]["details"] == {"fields": ["job_data", "master_profile"]}
    assert again.status_code == 201
    assert unknown.json()["error"]["code"] == "unknown_section"
    assert "summary" in unknown.json()["error"]["details"]["sections"]
    assert superseded.json()["error"]["code"] == "draft_superseded"


def test_nobody_touches_the_drafts_of_another(api, outsider, cv):
    Draft.objects.filter(pk=cv["draft_id"]).update(user=outsider)
    at = f"/api/v1/drafts/{cv['draft_id']}"

    answers = [
        api.patch(at, {"title": "Mine"}, format="json"),
        api.post(f"{at}/restore"),
        api.get(f"{at}/diff?against=profile"),
        api.post(f"{at}/regenerate", {"section": "work"}, format="json"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert Draft.objects.get().title != "Mine"


@pytest.mark.postgres
def test_of_two_edits_of_one_version_one_is_told_of_the_other(cv):
    """In threads, because only connections of their own race for the same number."""
    draft = Draft.objects.get()

    def change(number):
        try:
            return edit(draft, title=f"Title {number}").version
        except DraftSuperseded:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        made = list(pool.map(change, range(8)))

    assert sorted(filter(None, made)) == [2]
    assert sorted(Draft.objects.values_list("version", flat=True)) == [1, 2]


@pytest.mark.postgres
def test_without_the_lock_both_edits_pass_the_check(cv, monkeypatch):
    """The negative control of the test above: two edits that are let past the check together."""
    draft, passed = Draft.objects.get(), Barrier(2)
    check = editing.require_newest

    def check_and_wait(draft, newest=None):
        check(draft, newest)
        if newest:
            passed.wait(timeout=30)

    def change(number):
        try:
            return edit(draft, title=f"Title {number}").version
        except IntegrityError:
            return None
        finally:
            connection.close()

    monkeypatch.setattr(versions, "_wait_for_turn", lambda user_id: None)
    monkeypatch.setattr(editing, "require_newest", check_and_wait)
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = list(pool.map(change, range(2)))

    assert set(made) == {None, 2}
