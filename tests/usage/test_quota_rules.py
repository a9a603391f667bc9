"""Quotas for single tasks and single users: which holds, who hears of it, and how the console sets it."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Plan
from providers.models import RoutingRevision
from tests.factories import make_user
from tests.usage.attempts import capped
from usage.models import QuotaRule
from usage.quotas import RuleBook

pytestmark = pytest.mark.django_db

LIST = "/admin/usage/quotarule/"


def make_rule(**fields):
    defaults = {"task": "extraction", "unit": "tokens", "period": "day", "limit": 1_000}
    return QuotaRule.objects.create(**(defaults | fields))


@pytest.fixture
def freemium():
    return Plan.objects.get(slug="freemium")


def test_a_users_own_rule_stands_before_the_plans_of_the_same_kind_only(user, outsider, freemium):
    make_rule(plan=freemium, limit=1_000)
    make_rule(plan=freemium, unit="usd", limit="0.25")
    make_rule(user=user, limit=5_000)
    book = RuleBook.load()

    def limit(person, unit="tokens", period="day"):
        return book.within_task(user_id=person.pk, plan=freemium, task="extraction", unit=unit, period=period)

    assert (limit(user), limit(outsider)) == (5_000, 1_000)
    assert (limit(user, unit="usd"), limit(user, period="month")) == (250_000_000_000, None)


def test_over_all_tasks_the_plans_columns_hold_until_a_user_has_a_rule(user, outsider):
    plan = capped(daily=10_000, monthly_usd=Decimal(2))
    make_rule(user=user, task="", limit=None)
    make_rule(user=user, task="", unit="usd", period="month", limit=3)
    book = RuleBook.load(user_ids=[user.pk, outsider.pk])

    def limits(person):
        return [
            book.over_all_tasks(user_id=person.pk, plan=plan, unit=unit, period=period)
            for unit, period in (("tokens", "day"), ("usd", "month"))
        ]

    assert limits(outsider) == [10_000, 2 * 10**12]
    assert limits(user) == [None, 3 * 10**12]


def test_a_rule_without_a_limit_lifts_the_plans_for_that_user(user, freemium):
    make_rule(plan=freemium, limit=0)
    make_rule(user=user, limit=None)

    book = RuleBook.load()

    assert (
        book.within_task(user_id=user.pk, plan=freemium, task="extraction", unit="tokens", period="day")
        is None
    )
    assert book.of_plans["freemium", "extraction", "tokens", "day"] == 0


def test_the_tasks_a_user_has_limits_for_are_the_plans_and_their_own(user, outsider, freemium):
    make_rule(plan=freemium)
    make_rule(user=user, task="cv_draft")
    make_rule(user=user, task="")
    make_rule(plan=Plan.objects.get(slug="paygo"), task="cover_letter")
    book = RuleBook.load()

    assert book.tasks_limited_for(user_id=user.pk, plan=freemium) == {"extraction", "cv_draft"}
    assert book.tasks_limited_for(user_id=outsider.pk, plan=freemium) == {"extraction"}


def test_a_rule_says_whose_and_what_it_is(user, freemium):
    of_plan = make_rule(plan=freemium, unit="usd", period="month")
    of_user = make_rule(user=user, task="")

    assert str(of_plan) == "Freemium: Job extraction, USD a month"
    assert str(of_user) == "alice@example.com: all tasks, Tokens a day"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rule: rule.save(), id="save"),
        pytest.param(lambda rule: rule.delete(), id="delete"),
        pytest.param(lambda rule: QuotaRule.objects.update(limit=1), id="update"),
    ],
)
def test_every_change_of_a_rule_is_news_to_all_processes(user, change):
    rule = make_rule(user=user)
    before = RoutingRevision.current()

    change(rule)

    assert RoutingRevision.current() > before


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        pytest.param({}, "either a plan or a user", id="nobody"),
        pytest.param({"user": True, "plan": True}, "either a plan or a user", id="both"),
        pytest.param({"plan": True, "task": ""}, "on the plan itself", id="a plan over all tasks"),
        pytest.param({"user": True, "limit": Decimal("1.5")}, "Tokens are whole", id="half a token"),
        pytest.param({"user": True, "limit": Decimal(-1)}, "greater than or equal to 0", id="negative"),
        pytest.param({"user": True, "task": "poetry"}, "not a valid choice", id="no such task"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(user, freemium, fields, complaint):
    known = {"user": user, "plan": freemium}
    filled = {name: known.get(name) if value is True else value for name, value in fields.items()}
    defaults = {"task": "extraction", "unit": "tokens", "period": "day", "limit": 10}

    with pytest.raises(ValidationError, match=complaint):
        QuotaRule(**(defaults | filled)).full_clean()


@pytest.mark.parametrize("task", ["", "extraction"])
def test_there_is_one_rule_of_a_kind(user, task):
    make_rule(user=user, task=task)

    with pytest.raises(IntegrityError, match="quota_rules"), transaction.atomic():
        make_rule(user=user, task=task)

    assert QuotaRule.objects.count() == 1


# --- Console ----------------------------------------------------------------------------------------------


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


def test_a_rule_is_made_and_changed_in_the_console_and_both_are_in_the_audit_trail(console, freemium):
    form = {"plan": "freemium", "user": "", "task": "cv_draft", "unit": "usd", "period": "month"}
    form |= {"limit": "0.25", "note": "trial"}

    made = console.post(LIST + "add/", form)
    rule = QuotaRule.objects.get()
    changed = console.post(f"{LIST}{rule.pk}/change/", form | {"limit": "0.5"})

    assert (made.status_code, changed.status_code) == (302, 302)
    rule.refresh_from_db()
    assert (rule.plan, rule.task) == (freemium, "cv_draft")
    assert (rule.limit, rule.amount) == (Decimal("0.5"), 5 * 10**11)
    entries = AuditEntry.objects.filter(action__startswith="quotarule.").order_by("number")
    assert [entry.action for entry in entries] == ["quotarule.created", "quotarule.changed"]
    assert entries[1].changes == {"limit": ["0.2500", "0.5000"]}


def test_the_form_says_what_is_wrong(console, user):
    make_rule(user=user)
    form = {"user": user.pk, "task": "extraction", "unit": "tokens", "period": "day", "limit": "5"}

    again = console.post(LIST + "add/", form).content.decode()
    nobody = console.post(LIST + "add/", form | {"user": ""}).content.decode()

    assert "This user has a rule for this task, unit and period already." in again
    assert "Choose either a plan or a user." in nobody
    assert "Empty: all tasks together." in nobody


def test_the_list_reads_like_sentences(console, user, freemium):
    make_rule(plan=freemium, limit=1_500)
    make_rule(user=user, task="", unit="usd", limit="2.50")
    make_rule(user=user, task="cv_draft", limit=None)

    page = console.get(LIST).content.decode()

    whose = ("plan Freemium", "alice@example.com", "all tasks")
    for words in (*whose, "1,500 tokens", "$2.5", "no limit (Tokens)"):
        assert words in page
    assert reverse("admin:usage_quotarule_changelist") in page


def test_ten_more_rules_add_no_query(console, user, django_assert_num_queries):
    make_rule(user=user)
    console.get(LIST)
    with CaptureQueriesContext(connection) as with_one:
        console.get(LIST)
    for number in range(10):
        make_rule(user=make_user(f"u{number}@example.com"))

    with django_assert_num_queries(len(with_one)):
        page = console.get(LIST)

    assert len(page.context["cl"].result_list) == 11


def test_staff_without_the_permission_see_no_rules(client, user):
    client.force_login(user)

    assert client.get(LIST).status_code == 302
