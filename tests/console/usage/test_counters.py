"""Quota counters in the console, by whom they are for."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import Actor
from accounts.personal_tokens import create
from tests.factories import make_config, make_user
from usage.models import QuotaCounter

pytestmark = pytest.mark.django_db
LIST = "/admin/usage/quotacounter/"
DAY = "day:2026-11-21"


def count(*scopes):
    QuotaCounter.objects.bulk_create(QuotaCounter(scope=scope, window=DAY, used=5) for scope in scopes)


def found(console, term):
    return {counter.scope for counter in console.get(LIST, {"q": term}).context["cl"].result_list}


def test_a_person_s_counters_of_every_kind_are_found_by_email_and_nobody_else_s(console):
    person, other = make_user("who@example.com"), make_user("else@example.com")
    token, _ = create(user=person, name="Notebook", tasks=["extraction"], actor=Actor.system())
    own = {
        f"user:{person.pk}", f"user-usd:{person.pk}", f"task:{person.pk}:extraction",
        f"task-usd:{person.pk}:cv_draft", f"access_token:{token.pk}",
    }  # fmt: skip
    count(*own, f"user:{other.pk}", f"task:{other.pk}:extraction")

    assert found(console, "WHO@") == own


def test_a_provider_s_counters_are_found_by_its_name_and_all_by_their_day(console):
    config = make_config(display_name="Main account")
    count(f"provider:{config.pk}", f"provider-usd:{config.pk}", "user:123456")

    assert found(console, "main acc") == {f"provider:{config.pk}", f"provider-usd:{config.pk}"}
    assert len(found(console, "2026-11-21")) == 3


def test_counters_of_people_who_have_left_add_no_query_each(console):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            page = console.get(LIST)
        assert "somebody who has left" in page.content.decode()
        return len(captured)

    count("user:900001")
    queries()
    few = queries()
    count(*(f"user:{number}" for number in range(900_002, 900_022)))

    assert queries() == few


def test_a_phone_says_for_whom_a_counter_is(console):
    QuotaCounter.objects.create(scope="user:1", window="day:2026-11-21", used=1)

    page = console.get(LIST).content.decode()

    assert 'data-label="For">' in page
    assert 'data-label="Select record"' not in page
