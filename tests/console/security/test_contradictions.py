"""Limits of which one makes another pointless are stored, and told to whoever set them."""

import pytest
from django.urls import reverse

from accounts.models import Plan
from tests.console.security.test_edit_conflicts import opened, page_of
from tests.factories import make_user
from usage.models import QuotaRule

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]


def told(console, address, sent):
    response = console.post(address, sent, follow=True)
    return [str(message) for message in response.context["messages"] if message.level_tag == "warning"]


def test_a_plan_whose_day_is_above_its_month_is_told_so(console):
    plan = Plan.objects.get(slug="paygo")
    fits = opened(console, plan) | {"daily_token_limit": 10, "monthly_token_limit": 300}
    fits |= {"requests_per_minute": 5, "max_concurrent_calls": 5}

    nothing = told(console, page_of(plan), fits)
    wrong = {"daily_token_limit": 900_000, "monthly_token_limit": 1_000, "max_concurrent_calls": 9}
    said = told(console, page_of(plan), opened(console, plan) | wrong)

    plan.refresh_from_db()
    assert nothing == []
    assert [sentence.partition(",")[0] for sentence in said] == [
        "The daily limit of 900",
        "9 calls may be under way",
    ]
    assert plan.daily_token_limit == 900_000


def rule_of(whose, **fields):
    return {"task": "", "unit": "tokens", "period": "day", "note": ""} | whose | fields


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"task": "extraction", "limit": "400"}, []),
        (
            {"task": "extraction", "limit": "700"},
            ["The daily limit of 700 tokens is above the monthly one of 600"],
        ),
        ({"task": "cover_letter", "limit": "400"}, []),
        (
            {"task": "cover_letter", "limit": "1200"},
            [
                "The limit of 1,200 tokens a day for Cover letters is above that of 1,000 for all tasks "
                "together"
            ],
        ),
        ({"task": "cover_letter", "limit": ""}, []),
        ({"task": "cover_letter", "unit": "usd", "limit": "1200"}, []),
    ],
    ids=["fits", "above its month", "fits all tasks", "above all tasks", "lifts the limit", "another unit"],
)
@pytest.mark.parametrize("whose", ["plan", "user"])
def test_a_rule_is_held_against_the_others_of_the_same_people(console, whose, fields, said):
    plan = Plan.objects.get(slug="paygo")
    Plan.objects.filter(pk=plan.pk).update(
        daily_token_limit=1000,
        monthly_token_limit=None,
        daily_cost_limit_usd=None,
        monthly_cost_limit_usd=None,
    )
    owner = {"plan": plan} if whose == "plan" else {"user": make_user("bea@example.com")}
    QuotaRule.objects.create(**owner, task="extraction", unit="tokens", period="month", limit=600)
    if whose == "user":
        QuotaRule.objects.create(**owner, task="", unit="tokens", period="day", limit=1000)
    sent = rule_of({whose: owner[whose].pk}, **fields)

    warnings = told(console, reverse("admin:usage_quotarule_add"), sent)

    assert [sentence.partition(", ")[0].partition(", so")[0] for sentence in warnings] == [
        one.partition(", ")[0] for one in said
    ]
    assert QuotaRule.objects.filter(**owner, task=fields["task"], period="day").exists()
