"""A form sent after its session had ended: kept for its person in its browser, without keys, and not sent."""

import json
import re
from html import unescape

import pytest
from django import forms
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import Plan
from console.providers.forms import RotateKeyForm
from console.security.ended_sessions import MAX_AGE_SECONDS, MOST_LETTERS, WITHOUT_KEYS, is_secret
from tests.accounts.authenticator import enrol, later
from tests.factories import make_user

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]
ADD = "/admin/accounts/plan/add/"
TYPED = {"name": "Typed before the end", "slug": "typed", "requests_per_minute": "17"}


def end_session(client):
    del client.cookies["sessionid"]


def send(client, page=ADD, action=None, **typed):
    return client.post(action or page, TYPED | typed, headers={"Referer": f"http://testserver{page}"})


def come_back(client, person, phone):
    client.force_login(person)
    client.post("/admin/confirm/", {"otp": phone.code()})


def given_back(response):
    found = re.search(
        r'<script id="given-back" type="application/json">(.*?)</script>', response.content.decode()
    )
    return json.loads(unescape(found[1])) if found else None


@pytest.fixture
def seen(console):
    """A browser that the person was in a moment ago, and is no longer."""
    console.get(ADD)
    end_session(console)
    return console


def test_what_was_typed_is_back_after_the_login_and_nothing_is_stored(seen, super_admin, phone):
    sent = send(seen)
    with later(minutes=1):
        come_back(seen, super_admin, phone)
        back = seen.get(ADD)
        again = seen.get(ADD)

    assert (sent.status_code, sent.url) == (302, f"/admin/login/?next={ADD}")
    assert given_back(back)["action"] == ADD
    assert {name: value for name, (value,) in given_back(back)["typed"].items()} == TYPED
    assert "nothing of it was stored yet" in back.content.decode()
    assert given_back(again) is None
    assert not Plan.objects.filter(slug="typed").exists()


def test_it_waits_for_the_page_it_was_typed_on(seen, super_admin, phone):
    send(seen, page="/admin/accounts/plan/add/?_changelist_filters=q%3Dfree")

    with later(minutes=1):
        come_back(seen, super_admin, phone)
        elsewhere = seen.get("/admin/accounts/user/")
        back = seen.get("/admin/accounts/plan/add/?_changelist_filters=q%3Dfree")

    assert given_back(elsewhere) is None
    assert given_back(back) is not None


def test_a_second_factor_that_counts_no_more_loses_no_form_either(console, super_admin, phone):
    with later(hours=13):
        # The session goes on being used, as its cookie lives longer than the code counts.
        come_back_late = Client()
        come_back_late.force_login(super_admin)
        sent = send(come_back_late)
        come_back_late.post(sent.url, {"otp": phone.code()})
        back = come_back_late.get(ADD)

    assert sent.url == f"/admin/confirm/?next={ADD.replace('/', '%2F')}"
    assert given_back(back)["typed"]["name"] == [TYPED["name"]]


@pytest.mark.parametrize("who", ["somebody else", "too late", "never here", "too long"])
def test_nobody_else_gets_it_and_not_for_ever(seen, super_admin, phone, who):
    person, minutes = super_admin, 1
    if who == "somebody else":
        person = make_user("second@example.com", role="SUPER_ADMIN")
        phone = enrol(person)
    elif who == "never here":
        seen = Client()
    elif who == "too late":
        minutes = MAX_AGE_SECONDS // 60 + 1

    send(seen, note="x" * (MOST_LETTERS if who == "too long" else 1))
    with later(minutes=minutes):
        come_back(seen, person, phone)
        back = seen.get(ADD)

    assert given_back(back) is None
    assert TYPED["name"] not in back.content.decode()


def test_who_was_never_here_leaves_no_session_behind(client):
    response = send(client)

    assert "sessionid" not in response.cookies


def test_what_waits_is_sealed_and_without_keys(seen, super_admin, phone):
    send(seen, api_key="sk-canary-0123456789", new_password1="a canary of 12")
    kept = seen.session["held_form"]

    with later(minutes=1):
        come_back(seen, super_admin, phone)
        back = seen.get(ADD)

    assert TYPED["name"] not in kept
    assert set(given_back(back)["typed"]) == set(TYPED)
    assert "canary" not in back.content.decode()
    assert WITHOUT_KEYS in back.content.decode()


@pytest.mark.parametrize(
    "page", ["http://elsewhere.example/admin/accounts/plan/add/", "http://testserver/api/v1/x/", ""]
)
def test_a_page_that_is_not_of_the_console_leads_to_the_front_page(seen, page):
    sent = seen.post("/admin/views/save/", TYPED, headers={"Referer": page} if page else {})

    assert sent.url == "/admin/login/?next=/admin/"


def test_a_script_is_told_that_the_session_has_ended(seen):
    told = seen.post("/admin/providers/aiproviderconfig/check/", {}, headers={"Accept": "application/json"})

    assert (told.status_code, told.json()["error"]["code"]) == (401, "session_ended")


def test_every_field_that_hides_what_is_typed_counts_as_a_secret(super_admin):
    request = RequestFactory().get("/admin/")
    request.user = super_admin
    of_models = [
        one.get_form(request) for one in admin.site._registry.values() if one.has_add_permission(request)
    ]
    hidden = {
        name
        for form in of_models
        for name, field in form.base_fields.items()
        if isinstance(field.widget, forms.PasswordInput)
    }

    assert {"api_key", "new_url", "new_secret", "password1"} <= hidden
    assert {name for name in hidden if not is_secret(name)} == set()
    assert [name for name in RotateKeyForm.base_fields if is_secret(name)] == ["api_key"]
    assert not any(
        map(is_secret, ("key_expires_at", "base_url", "name", "monthly_token_limit", "seen_state"))
    )
