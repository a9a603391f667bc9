"""What a provider's page says its models cost, and by whose word."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.factories import make_config
from usage.models import ModelPrice

pytestmark = pytest.mark.django_db
LISTED, UNLISTED = "gpt-5-mini", "nobody-lists-this"


def price_of(model_name=LISTED, **fields):
    given = {"provider_type": "openai", "input_mtok": 7, "output_mtok": 9}
    return ModelPrice.objects.create(model_name=model_name, **given | fields)


def shown(console, model_name=LISTED):
    config = make_config(provider_type="openai", model_name=model_name, quality_model_name="")
    page = console.get(reverse("admin:providers_aiproviderconfig_prices", args=[config.pk]))
    return page.context["models"][0], page.content.decode()


def change_of(row):
    return reverse("admin:usage_modelprice_change", args=[row.pk])


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_until": timezone.now() - timedelta(days=1)},
        {"valid_from": timezone.now() + timedelta(days=365)},
        {"is_ceiling": True},
        {"service_tier": "batch"},
        {"over_input_tokens": 200_000},
    ],
    ids=["over", "to-come", "ceiling", "another-tier", "longer-input"],
)
def test_a_row_that_prices_no_ordinary_call_is_not_named_as_the_source(console, fields):
    row = price_of(**fields)

    model, page = shown(console)

    assert model.override is None
    assert model.prices["Input"] != "7"
    assert "From the shipped list." in page
    assert change_of(row) not in page


def test_of_several_rows_the_one_in_force_is_named_and_led_to(console):
    begun = price_of(valid_from=timezone.now() - timedelta(days=1))
    others = [price_of(), price_of(valid_from=timezone.now() + timedelta(days=1), input_mtok=8)]

    model, page = shown(console)

    assert (model.override, model.prices["Input"]) == (begun, "7")
    assert "Set in the console." in page
    assert change_of(begun) in page
    assert not [row for row in others if change_of(row) in page]


def test_a_price_for_every_date_of_a_model_is_the_source_for_a_dated_one(console):
    row = price_of("gpt-5-mini")

    model, _ = shown(console, "gpt-5-mini-2025-08-07")

    assert model.override == row


def test_without_a_price_the_page_says_what_a_cap_does(console):
    _, refused = shown(console, UNLISTED)
    ceiling = price_of(UNLISTED, is_ceiling=True)
    model, held = shown(console, UNLISTED)

    assert "a spending cap refuses them" in refused
    assert (model.prices, model.override, model.ceiling) == ({}, None, ceiling)
    assert "a spending cap refuses them" not in held
    assert change_of(ceiling) in held
