"""A person's page: what they may use, what they used, and what lets them in."""

import html
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.models import AuditEntry, User
from accounts.tokens import issue_pair, logins_of
from orchestration.models import Experiment
from tests.factories import make_config, make_user
from tests.usage.ended import make_call
from usage.models import QuotaCounter

pytestmark = pytest.mark.django_db


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def person():
    return make_user("who@example.com", plan="pro_monthly", full_name="Wanda Who")


def page_of(person):
    return f"/admin/accounts/user/{person.pk}/change/"


def read(console, person):
    return html.unescape(console.get(page_of(person)).content.decode())


def call_now(person, **fields):
    return make_call(timezone.now() - timedelta(seconds=5), user=person, **fields)


def test_the_page_says_what_the_person_may_use_has_used_and_is_in(console, person):
    QuotaCounter.objects.create(
        scope=f"user:{person.pk}", window=f"day:{timezone.now():%Y-%m-%d}", used=900_000
    )
    call_now(person, model_name="gpt-5-mini", task_type="cv_draft", estimated_cost_usd="1.25")
    experiment = Experiment.objects.create(name="Letters by evidence", task="cover_letter", status="running")
    experiment.arms.create(name="The only arm")

    page = read(console, person)

    for said in (
        "<strong>Pro", "900,000 tokens of 1,000,000 tokens", 'class="warning"', "CV drafting", "1.25",
        "Letters by evidence", "Arm “The only arm”",
    ):  # fmt: skip
        assert said in page, said


def test_nothing_of_django_s_permissions_or_of_the_password_s_hash_is_there(console, person):
    page = read(console, person)

    assert "pbkdf2" not in page
    assert "argon2" not in page
    assert "permissions" not in page.lower()
    assert 'name="groups"' not in page
    assert f"/admin/accounts/user/{person.pk}/password/" in page


def test_a_person_of_whom_nothing_is_known_is_told_so_with_links(console, user):
    page = read(console, user)

    assert "No request yet" in page
    assert "In none that runs" in page
    assert "None at the API" in page


def test_the_number_of_queries_does_not_depend_on_what_the_person_did(console, person):
    call_now(person)
    issue_pair(user=person, verified_at=None)
    personal_tokens.create(user=person, name="One", actor=Actor.system())
    console.get(page_of(person))
    with CaptureQueriesContext(connection) as with_one:
        console.get(page_of(person))
    for number in range(6):
        call_now(person, provider_config=make_config())
        issue_pair(user=person, verified_at=None)
        personal_tokens.create(user=person, name=f"More {number}", actor=Actor.system())

    with CaptureQueriesContext(connection) as with_many:
        console.get(page_of(person))

    assert len(with_many) == len(with_one)


def test_a_device_is_ended_alone(console, person):
    kept, gone = (issue_pair(user=person, verified_at=None) for _ in range(2))
    latest = logins_of(person, now=timezone.now())[0]

    response = console.post(f"/admin/accounts/user/{person.pk}/end-login/{latest.family_id}/")

    assert response.url == page_of(person)
    assert (asked_with(kept), asked_with(gone)) == (200, 401)
    assert len(logins_of(person, now=timezone.now())) == 1
    assert AuditEntry.objects.filter(action="login.ended", target_id=str(person.pk)).count() == 1


def test_an_access_token_is_ended_and_only_one_of_theirs(console, person, user):
    token, _ = personal_tokens.create(user=person, name="Notebook", actor=Actor.system())

    of_another = console.post(f"/admin/accounts/user/{user.pk}/end-token/{token.pk}/")
    console.post(f"/admin/accounts/user/{person.pk}/end-token/{token.pk}/")

    assert of_another.status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_signing_out_everywhere_leaves_no_device(console, person):
    pair = issue_pair(user=person, verified_at=None)

    console.post(f"/admin/accounts/user/{person.pk}/sign-out/")

    assert asked_with(pair) == 401
    assert logins_of(person, now=timezone.now()) == []


@pytest.mark.parametrize(
    "what", ["sign-out", "end-token/1", "end-login/00000000-0000-4000-8000-000000000000"]
)
def test_ending_is_asked_for_by_a_form_and_by_a_super_admin_only(console, client, person, user, what):
    address = f"/admin/accounts/user/{person.pk}/{what}/"

    assert console.get(address).status_code == 405
    client.force_login(user)
    assert client.post(address).status_code in {302, 403}
    assert not AuditEntry.objects.filter(action__in=["login.ended", "user.signed_out_everywhere"]).exists()


def asked_with(pair):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    return client.get("/api/v1/me").status_code


@pytest.mark.parametrize("role", ["STAFF", "SUPER_ADMIN"])
@pytest.mark.parametrize("many", [False, True])
def test_who_helps_to_run_the_installation_is_not_deleted_with_or_without_others(console, person, role, many):
    other = make_user("helps@example.com", role=role, is_staff=True)
    where, data = f"/admin/accounts/user/{other.pk}/delete/", {}
    if many:
        chosen = [person.pk, other.pk]
        where, data = "/admin/accounts/user/", {"action": "delete_selected", "_selected_action": chosen}

    asked = console.post(where, data)
    console.post(where, data | {"post": "yes"})

    assert "Nobody is deleted yet: helps@example.com helps to run" in asked.content.decode()
    assert User.objects.filter(pk__in=[person.pk, other.pk]).count() == 2


def test_several_people_are_deleted_at_once_each_with_an_entry(console, person):
    others = [make_user(f"other{number}@example.com") for number in range(2)]
    chosen = [one.pk for one in (person, *others)]
    data = {"action": "delete_selected", "_selected_action": chosen}

    asked = html.unescape(console.post("/admin/accounts/user/", data).content.decode())
    console.post("/admin/accounts/user/", data | {"post": "yes"})

    assert "Delete 3 people?" in asked
    assert "3 accounts" in asked
    assert not User.objects.filter(pk__in=chosen).exists()
    erased = AuditEntry.objects.filter(action="person.erased", actor_email__contains="@")
    assert {entry.changes["account"][0] for entry in erased} == set(chosen)
