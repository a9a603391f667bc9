"""What there is to choose from is offered, and what is stored already is never taken away."""

import re

import pytest
from django.urls import reverse

from accounts.models import User
from tests.factories import make_config
from usage.models import AlertChannel, ModelPrice, QuotaRule

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]


def select_of(page, name):
    found = re.search(rf'<select[^>]* name="{name}".*?</select>', page, re.DOTALL)
    assert found, f"{name} is no select"
    return found[0]


@pytest.mark.parametrize("stored", ["Africa/Nairobi", "EST5EDT"])
def test_time_zones_are_chosen_and_one_that_is_stored_stays(console, user, stored):
    User.objects.filter(pk=user.pk).update(time_zone=stored)
    channel = AlertChannel.objects.create(
        name="c", form="email", recipients="a@example.com", time_zone=stored
    )
    pages = [
        reverse("admin:accounts_user_change", args=[user.pk]),
        reverse("admin:usage_alertchannel_change", args=[channel.pk]),
    ]

    selects = [select_of(console.get(page).content.decode(), "time_zone") for page in pages]

    for select in selects:
        assert f'<option value="{stored}" selected>' in select
        assert '<option value="Europe/Berlin">' in select


@pytest.mark.parametrize(
    ("page", "name", "beside"),
    [
        ("admin:usage_modelprice_add", "model_name", "provider_type"),
        ("admin:orchestration_experiment_add", "arms-0-model_name", "provider_config"),
    ],
)
def test_names_of_models_are_suggested_by_what_stands_beside_them(console, page, name, beside):
    config = make_config(provider_type="gemini")
    shown = console.get(reverse(page)).content.decode()
    field = re.search(rf'<input[^>]* name="{name}"[^>]*>', shown)[0]
    catalogue = re.search(r'data-catalogue="([^"]*)"', field)[1]

    by_type = console.get(catalogue, {"provider_type": "gemini"}).json()
    by_config = console.get(catalogue, {"provider_config": config.pk}).json()
    by_nothing = [console.get(catalogue, {"provider_config": odd}).json() for odd in ("", "x", "9" * 30)]

    assert f'data-models-of="{beside}"' in field
    assert "console/model_names.js" in shown
    assert by_config == by_type
    assert "gemini-2.5-flash" in {model["name"] for model in by_config["models"]}
    assert by_nothing == [{"models": []}] * 3


def test_amounts_stand_in_forms_as_people_type_them(console, user):
    free = ModelPrice.objects.create(
        provider_type="openai", model_name="m", input_mtok="0", output_mtok="12.5"
    )
    rule = QuotaRule.objects.create(user=user, unit="tokens", period="day", limit=5_000)
    pages = {
        reverse("admin:usage_modelprice_change", args=[free.pk]): {"input_mtok": "0", "output_mtok": "12.5"},
        reverse("admin:usage_quotarule_change", args=[rule.pk]): {"limit": "5000"},
    }

    for page, amounts in pages.items():
        shown = console.get(page).content.decode()
        for name, amount in amounts.items():
            field = re.search(rf'<input[^>]* name="{name}"[^>]*>', shown)[0]
            assert f' value="{amount}"' in field


def test_unit_prices_have_two_places_or_as_many_as_they_need(console):
    ModelPrice.objects.create(provider_type="openai", model_name="m", input_mtok="0.3", output_mtok="0.0125")

    shown = console.get(reverse("admin:usage_modelprice_changelist")).content.decode()

    assert ">0.30<" in shown
    assert ">0.0125<" in shown
