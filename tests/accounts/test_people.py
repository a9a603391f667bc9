"""Users, roles, plans and subscriptions as rows."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import NoDefaultPlan, Plan, Subscription, User, plan_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "is_staff", "is_superuser"),
    [("USER", False, False), ("STAFF", True, False), ("SUPER_ADMIN", True, True)],
)
def test_the_role_decides_both_flags(role, is_staff, is_superuser):
    person = make_user("someone@example.com", role=role)

    person.refresh_from_db()
    assert (person.is_staff, person.is_superuser) == (is_staff, is_superuser)


def test_losing_a_role_by_update_fields_takes_the_flags_along(super_admin):
    super_admin.role = "USER"
    super_admin.save(update_fields=["role"])

    super_admin.refresh_from_db()
    assert (super_admin.is_staff, super_admin.is_superuser) == (False, False)


def test_one_address_is_one_account(user):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ALICE@example.com", "whatever it takes")


def test_the_database_itself_refuses_upper_case(user):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(email="Alice@example.com")


def test_a_user_needs_an_email():
    with pytest.raises(ValueError, match="email"):
        User.objects.create_user("", "whatever it takes")


def test_the_plans_hold_the_published_limits():
    limits = dict(Plan.objects.values_list("slug", "daily_token_limit"))

    assert limits == {"freemium": 10_000, "paygo": None, "pro_monthly": 1_000_000, "pro_annual": 1_000_000}


def test_without_a_subscription_the_default_plan_applies(user):
    assert plan_of(user.pk).slug == "freemium"


def test_the_current_subscription_decides():
    subscriber = make_user("pro@example.com", plan="pro_annual")

    assert plan_of(subscriber.pk).slug == "pro_annual"


@pytest.mark.parametrize("change", ["ended", "cancelled"])
def test_a_subscription_that_is_over_no_longer_counts(change):
    subscriber = make_user("pro@example.com", plan="pro_monthly")
    if change == "ended":
        subscriber.subscriptions.update(current_period_end=timezone.now() - timedelta(seconds=1))
    else:
        subscriber.subscriptions.update(status=Subscription.Status.CANCELLED)

    assert plan_of(subscriber.pk).slug == "freemium"


def test_a_user_has_one_active_subscription():
    subscriber = make_user("pro@example.com", plan="pro_monthly")

    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(user=subscriber, plan=Plan.objects.get(slug="paygo"))


def test_there_is_one_default_plan():
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.filter(slug="paygo").update(is_default=True)


def test_no_default_plan_is_said_plainly(user):
    Plan.objects.update(is_default=False)

    with pytest.raises(NoDefaultPlan) as caught:
        plan_of(user.pk)

    assert caught.value.status == 503
