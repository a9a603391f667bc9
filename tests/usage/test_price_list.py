"""Every known price can be looked up, and says the same as what calls are billed by."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from providers.adapters.base import TokenUsage
from providers.registry import PROVIDER_TYPES
from usage.models import ModelPrice
from usage.price_list import known_prices, list_version, vendors
from usage.pricing import quote

pytestmark = pytest.mark.django_db


def test_the_list_says_what_calls_are_billed_by():
    now = timezone.now()
    billed = compared = 0
    for slug in ("openai", "gemini", "claude"):
        vendor = {"openai": "OpenAI", "gemini": "Google", "claude": "Anthropic"}[slug]
        for line in known_prices(vendor=vendor):
            if line.tier != "standard" or line.hours or line.is_over(now) or (line.valid_from or now) > now:
                continue
            usage = TokenUsage(line.over_input_tokens + 1, 1)
            found = quote(provider_type=slug, model_name=line.model, usage=usage, at=now)
            compared += 1
            if found and found.cost is not None and found.unit_prices["model"] == line.model:
                billed += 1
                assert Decimal(found.unit_prices["input_mtok"]) == line.input, line
                assert Decimal(found.unit_prices["output_mtok"]) == line.output, line
    assert compared > 100
    assert billed > 60


def test_tiers_long_input_and_the_hour_of_the_cache_are_lines_and_columns():
    pro = known_prices(search="gemini-2.5-pro", vendor="Google")
    haiku = known_prices(search="claude-haiku-4-5", vendor="Anthropic")

    assert {0, 200_000} <= {line.over_input_tokens for line in pro}
    assert "batch" in {line.tier for line in haiku}
    assert next(line.cache_write_1h for line in haiku if line.tier == "standard") == 2


def test_the_admins_rows_come_first_with_their_validity():
    until = datetime(2027, 1, 1, tzinfo=UTC)
    row = ModelPrice.objects.create(
        provider_type="openai",
        model_name="gpt-5-mini",
        input_mtok=1,
        output_mtok=2,
        service_tier="batch",
        valid_until=until,
    )

    first = known_prices(search="GPT 5 mini")[0]

    assert (first.override_id, first.vendor, first.tier) == (row.pk, "OpenAI", "batch")
    assert (first.valid_until, first.reasoning) == (until, None)
    assert first.is_over(until)
    assert not first.is_over(until - timedelta(seconds=1))


def test_the_vendors_that_aditus_speaks_to_are_named_first():
    spoken_to = sum(bool(kind.price_id) for kind in PROVIDER_TYPES.values())

    assert set(vendors()[:spoken_to]) == {"OpenAI", "Google", "Anthropic"}
    assert list_version().startswith("genai-prices ")
