"""What the provider form shows beside its fields: prices of models, and what was used today."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from providers.models import ModelCapability
from tests.factories import make_config
from usage.models import ModelPrice, QuotaCounter

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]


@pytest.fixture
def console(super_admin):
    client = Client()
    client.force_login(super_admin)
    return client


def models_of(console, provider_type):
    answer = console.get(reverse("model_catalogue"), {"provider_type": provider_type}).json()
    return {model["name"]: model for model in answer["models"]}


def test_it_lists_the_vendors_models_with_price_and_abilities(console):
    models = models_of(console, "gemini")

    flash = models["gemini-2.5-flash"]
    assert (flash["input_mtok"], flash["output_mtok"]) == ("0.30", "2.50")
    assert (flash["vision"], flash["structured_output"]) == (True, True)
    assert flash["context_window"] == 1_048_576
    assert not any("embedding" in name or "tts" in name for name in models)


def test_it_shows_the_admins_own_price(console):
    ModelPrice.objects.create(
        provider_type="local", model_name="llama-3.2", input_mtok=Decimal(0), output_mtok=Decimal("0.5")
    )

    llama = models_of(console, "local")["llama-3.2"]

    assert (llama["input_mtok"], llama["output_mtok"]) == ("0.00", "0.50")


def test_it_shows_what_the_capability_matrix_says(console):
    ModelCapability.objects.create(
        provider_type="gemini", model_name="gemini-9-omni", vendor_context_window=5_000_000
    )
    ModelCapability.objects.create(
        provider_type="gemini", model_name="gemini-2.5-flash", vision=False, retired_at=timezone.now()
    )
    ModelCapability.objects.create(provider_type="gemini", model_name="lyria")

    models = models_of(console, "gemini")

    assert (models["gemini-9-omni"]["vision"], models["gemini-9-omni"]["context_window"]) == (True, 5_000_000)
    assert (models["gemini-2.5-flash"]["vision"], models["gemini-2.5-flash"]["is_retired"]) == (False, True)
    assert models["gemini-2.5-pro"]["is_retired"] is False
    assert "lyria" not in models


def test_it_knows_nothing_of_an_unknown_vendor(console):
    assert models_of(console, "bard") == {}


def test_it_tells_what_a_provider_used_today_and_this_month(console):
    config = make_config(daily_token_limit=1000)
    today = timezone.now()
    QuotaCounter.objects.create(
        scope=f"provider:{config.pk}", window=f"day:{today:%Y-%m-%d}", used=400, reserved=50
    )

    day, month = console.get(reverse("provider_use", args=[config.pk])).json()["windows"]

    assert (day["window"], day["used"], day["reserved"], day["limit"]) == ("day", 400, 50, 1000)
    assert (month["window"], month["used"], month["limit"]) == ("month", 0, None)


def test_it_tells_what_a_provider_spent_where_there_is_a_cap(console):
    config = make_config(monthly_cost_limit_usd="12.5")
    QuotaCounter.objects.create(
        scope=f"provider-usd:{config.pk}",
        window=f"month:{timezone.now():%Y-%m}",
        used=10**12,
        reserved=5 * 10**11,
    )

    windows = console.get(reverse("provider_use", args=[config.pk])).json()["windows"]

    assert [(use["unit"], use["window"]) for use in windows] == [
        ("tokens", "day"),
        ("tokens", "month"),
        ("usd", "month"),
    ]
    assert (windows[2]["used"], windows[2]["reserved"], windows[2]["limit"]) == ("1", "0.5", "12.5")


def test_it_is_for_super_admins(client, user):
    client.force_login(user)

    answers = [
        client.get(reverse("model_catalogue"), {"provider_type": "gemini"}),
        client.get(reverse("provider_use", args=[make_config().pk])),
    ]

    assert {answer.status_code for answer in answers} <= {302, 403}
