"""What the database itself refuses, whatever code writes to it."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from tests.usage.attempts import NOON
from usage.models import AIProviderUsageLog, ModelPrice, QuotaCounter

pytestmark = pytest.mark.django_db


def make_row(**overrides):
    fields = {
        "task_type": "extraction",
        "request_id": "0" * 32,
        "status": "success",
        "input_tokens": 10,
        "output_tokens": 5,
        "total_tokens": 15,
        "estimated_cost_usd": Decimal("0.01"),
        "created_at": NOON,
    }
    return AIProviderUsageLog.objects.create(**(fields | overrides))


@pytest.mark.parametrize(
    ("constraint", "wrong"),
    [
        ("usage_total_is_sum", {"total_tokens": 16}),
        ("usage_cost_not_negative", {"estimated_cost_usd": Decimal("-0.008907")}),
        ("usage_parts_within_whole", {"cached_tokens": 6, "cache_write_tokens": 5}),
        ("usage_parts_within_whole", {"reasoning_tokens": 6}),
        ("usage_no_silent_zero_cost", {"estimated_cost_usd": Decimal(0)}),
    ],
)
def test_a_row_that_does_not_add_up_is_refused(constraint, wrong):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_row(**wrong)

    assert not AIProviderUsageLog.objects.exists()


@pytest.mark.parametrize(
    "right",
    [
        pytest.param({"estimated_cost_usd": None}, id="the price is not known"),
        pytest.param({"estimated_cost_usd": Decimal(0), "is_free": True}, id="the price is zero"),
        pytest.param({"estimated_cost_usd": Decimal(0), "cached": True}, id="nothing was bought"),
        pytest.param(
            {"estimated_cost_usd": Decimal(0), "input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
            id="nothing was used",
        ),
        pytest.param({"estimated_cost_usd": Decimal("0.000000000001")}, id="the smallest amount"),
    ],
)
def test_a_row_without_a_cost_says_why(right):
    row = make_row(**right)

    assert AIProviderUsageLog.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    ("constraint", "make"),
    [
        (
            "quota_counters_reserved_not_negative",
            lambda: QuotaCounter(scope="user:1", window="day:x", reserved=-1),
        ),
        (
            "model_prices_not_negative",
            lambda: ModelPrice(provider_type="openai", model_name="m", input_mtok=1, output_mtok=-1),
        ),
        (
            "model_prices_not_negative",
            lambda: ModelPrice(
                provider_type="openai", model_name="m", input_mtok=1, output_mtok=1, cache_read_mtok=-1
            ),
        ),
    ],
)
def test_negative_counters_and_prices_are_refused(constraint, make):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make().save()
