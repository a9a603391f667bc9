import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Plan
from tests.factories import make_user
from tests.usage.attempts import NOON
from usage.models import QuotaCounter, QuotaRule

pytestmark = pytest.mark.django_db


@time_machine.travel(NOON, tick=False)
def test_it_shows_the_plan_and_what_is_used_and_left_of_it(api, user):
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window="day:2026-11-21", used=4_000, reserved=500)
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window="month:2026-11", used=90_000, reserved=500)
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window="day:2026-11-20", used=9_999)

    response = api.get("/api/v1/me")

    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "data": {
            "id": user.pk,
            "email": "alice@example.com",
            "full_name": "",
            "role": "USER",
            "plan": {"slug": "freemium", "name": "Freemium"},
            "quota": {
                "time_zone": "UTC",
                "day": {
                    "limit": 10_000,
                    "used": 4_000,
                    "reserved": 500,
                    "left": 5_500,
                    "resets_at": "2026-11-22T00:00:00+00:00",
                },
                "month": {
                    "limit": None,
                    "used": 90_000,
                    "reserved": 500,
                    "left": None,
                    "resets_at": "2026-12-01T00:00:00+00:00",
                },
                "usd": {"day": None, "month": None},
                "tasks": [],
                "warnings": [],
            },
        },
    }


def test_a_user_who_has_called_nothing_has_everything_left(api, django_assert_num_queries):
    # subscription, default plan, rules, counters
    with django_assert_num_queries(4):
        quota = api.get("/api/v1/me").json()["data"]["quota"]

    assert (quota["day"]["used"], quota["day"]["left"]) == (0, 10_000)


@time_machine.travel(NOON, tick=False)
def test_it_shows_spending_caps_and_the_limits_of_tasks_in_the_users_own_time(user):
    user.time_zone = "Asia/Tokyo"
    user.save()
    Plan.objects.filter(slug="freemium").update(daily_cost_limit_usd="0.5")
    QuotaRule.objects.create(user=user, task="cover_letter", unit="tokens", period="month", limit=2_000)
    own = {"window": "day:2026-11-21", "reserved": 20_000_000_000}
    QuotaCounter.objects.create(scope=f"user-usd:{user.pk}", used=380_000_000_001, **own)
    QuotaCounter.objects.create(scope=f"task:{user.pk}:cover_letter", window="month:2026-11", used=1_600)
    client = APIClient()
    client.force_authenticate(user)

    quota = client.get("/api/v1/me").json()["data"]["quota"]

    tomorrow, next_month = "2026-11-22T00:00:00+09:00", "2026-12-01T00:00:00+09:00"
    assert (quota["time_zone"], quota["day"]["resets_at"]) == ("Asia/Tokyo", tomorrow)
    assert quota["usd"] == {
        "day": {
            "limit": "0.5",
            "used": "0.380000000001",
            "reserved": "0.02",
            "left": "0.099999999999",
            "resets_at": tomorrow,
        },
        "month": None,
    }
    letters = {"task": "cover_letter", "unit": "tokens", "window": "month"}
    assert quota["tasks"] == [
        {**letters, "limit": 2_000, "used": 1_600, "reserved": 0, "left": 400, "resets_at": next_month}
    ]
    assert quota["warnings"] == [
        {
            "scope": "user",
            "task": "",
            "unit": "usd",
            "window": "day",
            "limit": "0.5",
            "used": "0.400000000001",
            "share": 0.8,
            "resets_at": tomorrow,
        },
        {
            "scope": "task",
            **letters,
            "limit": 2_000,
            "used": 1_600,
            "share": 0.8,
            "resets_at": next_month,
        },
    ]


@time_machine.travel(NOON, tick=False)
def test_after_a_move_it_shows_the_window_that_has_less_left(user):
    user.time_zone = "Pacific/Kiritimati"
    user.save()
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window="day:2026-11-21", used=9_000)
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window="day:2026-11-22", used=100)
    client = APIClient()
    client.force_authenticate(user)

    day = client.get("/api/v1/me").json()["data"]["quota"]["day"]

    assert (day["left"], day["resets_at"]) == (1_000, "2026-11-22T00:00:00+00:00")


def test_what_is_left_is_never_below_zero(api, user):
    window = f"day:{timezone.now():%Y-%m-%d}"
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window=window, used=12_000)

    quota = api.get("/api/v1/me").json()["data"]["quota"]

    assert (quota["day"]["used"], quota["day"]["left"]) == (12_000, 0)


def test_a_user_sees_only_their_own_quota(outsider, user):
    window = f"day:{timezone.now():%Y-%m-%d}"
    QuotaCounter.objects.create(scope=f"user:{user.pk}", window=window, used=1)
    client = APIClient()
    client.force_authenticate(outsider)

    assert client.get("/api/v1/me").json()["data"]["quota"]["day"]["used"] == 0


def test_a_paying_user_sees_the_limit_of_their_plan(user):
    client = APIClient()
    client.force_authenticate(make_user("pro@example.com", plan="pro_monthly"))

    data = client.get("/api/v1/me").json()["data"]

    assert (data["plan"]["slug"], data["quota"]["day"]["limit"]) == ("pro_monthly", 1_000_000)


def test_strangers_are_refused():
    response = APIClient().get("/api/v1/me")

    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"
