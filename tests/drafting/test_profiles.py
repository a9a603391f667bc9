"""Profiles: JSON Resume in, the same JSON Resume out, and nothing kept that is not one."""

import json

import pytest

from drafting.models import MasterProfile
from drafting.resume import InvalidProfile, normalised_resume
from tests.drafting.conftest import load_profile
from tests.odd_values import with_odd_values

pytestmark = pytest.mark.django_db

URL = "/api/v1/profiles"


def keep(user, resume, name="Main"):
    return MasterProfile.objects.create(user=user, name=name, resume=resume)


@pytest.mark.parametrize("fixture", ["complete", "swahili", "german"])
def test_it_gives_back_exactly_what_was_sent(api, fixture):
    resume = load_profile(fixture)

    created = api.post(URL, {"name": "Main", "resume": resume}, format="json")
    read = api.get(f"{URL}/{created.json()['data']['profile_id']}")

    assert created.status_code == 201
    assert read.json()["data"]["resume"] == resume


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"work": "Acme"}, "work"),
        ({"work": [{"name": "Acme", "startDate": "last spring"}]}, "work/0/startDate"),
        ({"basics": {"name": "A", "email": "not an address"}}, "basics/email"),
        ({"work": [{"name": "Acme", "startDate": "2021-19"}]}, "work/0/startDate"),
        ({"work": [{"name": "Acme", "startDate": "2021-05", "endDate": "2020"}]}, "work/0/endDate"),
        ({"hobbies": 7}, "interests"),
        ({"basics": {"name": "A", "profiles": 5}}, "basics/profiles"),
        ({"skills": [{"name": "Python\x00"}]}, ""),
        ({"basics": {"name": "A", "summary": "x" * 300_000}}, ""),
    ],
)
def test_it_refuses_what_is_not_a_json_resume_and_stores_nothing(api, change, path):
    body = json.dumps({"name": "Main", "resume": {"basics": {"name": "A"}} | change})

    response = api.post(URL, body, content_type="application/json")

    assert response.status_code == 422
    assert response.json()["error"]["code"] == "invalid_profile"
    assert [error["path"] for error in response.json()["error"]["details"]["errors"]] == [path]
    assert not MasterProfile.objects.exists()


def test_whatever_stands_in_a_place_of_a_resume_is_read_or_refused(resume):
    refused = set()
    first = {name: value[:1] if isinstance(value, list) else value for name, value in resume.items()}
    for path, odd in with_odd_values(first):
        try:
            normalised_resume(odd)
        except InvalidProfile:
            refused.add(path)

    assert {(), ("basics",), ("work",), ("work", 0, "startDate")} <= refused


@pytest.mark.parametrize(
    ("written", "read", "change"),
    [
        (
            {"work": [{"company": "A", "website": "a.example", "startDate": "2023-9-28", "endDate": ""}]},
            {"work": [{"name": "A", "url": "https://a.example", "startDate": "2023-09-28"}]},
            {"path": "work/0/company", "change": "renamed", "to": "name"},
        ),
        (
            {"volunteer": [{"organization": "A", "endDate": None, "highlights": ["", "Taught"]}]},
            {"volunteer": [{"organization": "A", "highlights": ["Taught"]}]},
            {"path": "volunteer/0/endDate", "change": "dropped", "to": "absent"},
        ),
        (
            {"work": [{"name": "Acme", "endDate": "Present", "highlights": "Built things"}]},
            {"work": [{"name": "Acme", "highlights": ["Built things"]}]},
            {"path": "work/0/endDate", "change": "dropped", "to": "goes on"},
        ),
        ({"hobbies": [{"name": "Chess"}]}, {"interests": [{"name": "Chess"}]}, None),
        ({"awards": [], "skills": None}, {}, None),
        (
            {"patents": [{"n": ""}]},
            {"patents": [{"n": ""}]},
            {"path": "patents", "change": "kept", "to": "not printed"},
        ),
        ({"work": [{"name": "A", "startDate": 2021}]}, {"work": [{"name": "A", "startDate": "2021"}]}, None),
        ({"basics": {"name": "A", "email": "", "url": "a.example/me"}},
         {"basics": {"name": "A", "url": "https://a.example/me"}}, None),
    ],
)  # fmt: skip
def test_it_reads_resumes_as_people_write_them_and_says_how_it_read_them(api, written, read, change):
    resume = {"basics": {"name": "A"}} | written

    created = api.post(URL, {"name": "Main", "resume": resume}, format="json").json()["data"]

    assert created["resume"] == {"basics": {"name": "A"}} | read
    assert change is None or change in created["changes"]


def test_an_error_does_not_repeat_what_was_sent(api):
    resume = {"basics": {"name": "A", "email": "private words"}}

    response = api.post(URL, {"name": "Main", "resume": resume}, format="json")

    assert "private words" not in response.content.decode()


def test_it_refuses_unknown_fields(api, resume):
    response = api.post(URL, {"name": "Main", "resume": resume, "colour": "red"}, format="json")

    assert response.status_code == 400
    assert "colour" in response.json()["error"]["details"]["fields"]
    assert not MasterProfile.objects.exists()


def test_it_replaces_changes_and_deletes(api, user, resume):
    profile = keep(user, resume)

    replaced = api.put(
        f"{URL}/{profile.pk}", {"name": "Other", "resume": {"basics": {"name": "B"}}}, format="json"
    )
    renamed = api.patch(f"{URL}/{profile.pk}", {"name": "Third"}, format="json")
    deleted = api.delete(f"{URL}/{profile.pk}")

    assert replaced.json()["data"]["resume"] == {"basics": {"name": "B"}}
    assert renamed.json()["data"]["name"] == "Third"
    assert renamed.json()["data"]["resume"] == {"basics": {"name": "B"}}
    assert deleted.json()["data"] == {"drafts_deleted": 0, "drafts_kept": 0}
    assert not MasterProfile.objects.exists()


def test_a_bad_change_leaves_the_profile_as_it_was(api, user, resume):
    profile = keep(user, resume)

    response = api.patch(f"{URL}/{profile.pk}", {"resume": {"work": 7}}, format="json")

    assert response.status_code == 422
    profile.refresh_from_db()
    assert profile.resume == resume


def test_it_shows_a_user_their_own_profiles_only(api, user, outsider, resume):
    mine, theirs = keep(user, resume, "Mine"), keep(outsider, resume, "Theirs")

    listed = api.get(URL).json()["data"]["results"]

    assert [row["profile_id"] for row in listed] == [mine.pk]
    assert "resume" not in listed[0]
    for method in ("get", "put", "patch", "delete"):
        assert getattr(api, method)(f"{URL}/{theirs.pk}", {}, format="json").status_code == 404
    assert MasterProfile.objects.filter(pk=theirs.pk).exists()


def test_ten_more_profiles_add_no_query(api, user, resume, django_assert_num_queries):
    keep(user, resume)
    with django_assert_num_queries(2):  # count, page
        api.get(URL)
    for number in range(10):
        keep(user, resume, f"Profile {number}")

    with django_assert_num_queries(2):
        api.get(URL)
