"""Cheaper models for the work that was done."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from drafting.models import Draft
from orchestration.models import CallFeedback
from providers.models import AIProviderConfig
from tests.factories import make_config, make_user
from tests.usage.calls import make_calls
from tests.usage.ended import make_call, make_many
from usage.models import AIProviderUsageLog, ModelPrice, WorkRollup
from usage.pruning import prune
from usage.quality import Quality, quality_of
from usage.recommendations import cheaper_models, compared_models
from usage.stats import Period, rollup
from usage.stats.work import work_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)


def price(provider_type, model_name, *, input_mtok, output_mtok):
    ModelPrice.objects.create(
        provider_type=provider_type, model_name=model_name, input_mtok=input_mtok, output_mtok=output_mtok
    )


def local(model_name, **overrides):
    return make_config(
        provider_type="local", base_url="http://127.0.0.1:9/v1", model_name=model_name, **overrides
    )


@pytest.fixture
def dear():
    """1,000 calls of 1,000 tokens in and 100 out, at $2 and $10 a million: $3 in all."""
    price("local", "llama-large", input_mtok=2, output_mtok=10)
    config = local("llama-large")
    make_calls(1_000, config, input_tokens=1_000, output_tokens=100, cost="0.003", at=YESTERDAY)
    return config


def test_it_says_what_the_same_calls_would_have_cost(dear):
    price("local", "llama-small", input_mtok=1, output_mtok=5)
    small = local("llama-small")

    (found,) = cheaper_models(now=NOW)

    pattern = found.pattern
    assert (pattern.model_name, pattern.task_type, pattern.calls) == ("llama-large", "extraction", 1_000)
    assert (pattern.input_tokens, pattern.output_tokens, pattern.cost_usd) == (1_000_000, 100_000, Decimal(3))
    (alternative,) = found.alternatives
    assert (alternative.model_name, alternative.provider_config_id) == ("llama-small", small.pk)
    assert (alternative.estimated_cost_usd, alternative.saving_usd) == (Decimal("1.5"), Decimal("1.5"))
    assert alternative.saving_percent == 50.0
    assert alternative.unit_prices["input_mtok"] == "1"


def test_a_saving_under_a_tenth_is_not_worth_a_word(dear):
    price("local", "llama-other", input_mtok="1.85", output_mtok="9.25")
    local("llama-other")

    assert cheaper_models(now=NOW) == []


def test_a_model_that_can_do_less_is_not_an_alternative():
    price("local", "llava", input_mtok=2, output_mtok=10)
    price("local", "llama-small", input_mtok=1, output_mtok=5)
    sees = local("llava")
    local("llama-small")
    make_calls(100, sees, cost="0.003", at=YESTERDAY)

    assert cheaper_models(now=NOW) == []


def test_a_window_too_small_for_the_largest_call_rules_a_model_out():
    config = make_config(provider_type="claude", model_name="claude-opus-4-5", api_key="sk-ant-0123456789ab")
    make_calls(20, config, input_tokens=150_000, output_tokens=1_000, cost="0.775", at=YESTERDAY)
    fits = {one.model_name for found in cheaper_models(now=NOW) for one in found.alternatives}
    make_calls(1, config, input_tokens=199_500, output_tokens=1_000, cost="1.02", at=YESTERDAY)
    fits_no_more = {one.model_name for found in cheaper_models(now=NOW) for one in found.alternatives}

    assert "claude-haiku-4-5" in fits
    assert "claude-haiku-4-5" not in fits_no_more


def test_the_vendors_own_list_offers_the_three_that_save_most_of_the_same_generation_or_newer():
    config = make_config(model_name="gpt-5", quality_model_name="")
    make_calls(100, config, input_tokens=1_000, output_tokens=1_000, cost="0.01125", at=YESTERDAY)

    (found,) = cheaper_models(now=NOW)

    names = [one.model_name for one in found.alternatives]
    assert len(names) == 3
    assert "gpt-5-nano" in names
    assert all(name.startswith(("gpt-5", "gpt-6")) for name in names)
    savings = [one.saving_usd for one in found.alternatives]
    assert savings == sorted(savings, reverse=True)
    assert all(one.provider_config_id is None for one in found.alternatives)
    nano = next(one for one in found.alternatives if one.model_name == "gpt-5-nano")
    # $0.05 and $0.40 a million: (1,000 x 0.05 + 1,000 x 0.40) / 1,000,000 x 100 calls.
    assert nano.estimated_cost_usd == Decimal("0.045")


def test_models_of_another_vendor_are_offered_only_where_one_is_configured():
    config = make_config(model_name="gpt-5")
    make_calls(100, config, input_tokens=1_000, output_tokens=1_000, cost="0.01125", at=YESTERDAY)
    gemini = make_config(provider_type="gemini", model_name="models/gemini-2.5-flash-lite", priority=1)
    ModelPrice.objects.create(
        provider_type="gemini", model_name="gemini-2.5-flash-lite", input_mtok="0.001", output_mtok="0.001"
    )

    offered = cheaper_models(now=NOW)[0].alternatives[0]
    AIProviderConfig.flag(gemini.pk, "auth")
    without = [one.provider_type for one in cheaper_models(now=NOW)[0].alternatives]

    assert (offered.provider_type, offered.model_name) == ("gemini", "gemini-2.5-flash-lite")
    assert offered.provider_config_id == gemini.pk
    assert "gemini" not in without


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "error", "error_kind": "server"},
        {"cost": None},
        {"cached": True},
        {"at": NOW - timedelta(days=31)},
    ],
    ids=["failed", "unpriced", "from the cache", "long ago"],
)
def test_calls_that_show_no_pattern_are_left_out(fields):
    price("local", "llama-large", input_mtok=2, output_mtok=10)
    price("local", "llama-small", input_mtok=1, output_mtok=5)
    config = local("llama-large")
    local("llama-small")
    make_calls(50, config, **({"cost": "0.003", "at": YESTERDAY} | fields))
    make_calls(9, config, cost="0.003", at=YESTERDAY)

    assert cheaper_models(now=NOW) == []


def by_hand(rows):
    """{(type, model, task): (calls, in, cached, out, cost, largest in, largest out)} of rows, in Python."""
    done = {}
    for row in rows:
        cost = row.estimated_cost_usd or 0
        if row.status == "success" and row.attempt and not row.cached and row.total_tokens and cost:
            done.setdefault((row.provider_type, row.model_name, row.task_type), []).append(row)
    return {
        kind: (
            len(its),
            sum(row.input_tokens for row in its),
            sum(row.cached_tokens for row in its),
            sum(row.output_tokens for row in its),
            sum(row.estimated_cost_usd for row in its),
            max(row.input_tokens for row in its),
            max(row.output_tokens for row in its),
        )
        for kind, its in done.items()
    }


def told(period):
    return {
        (one.provider_type, one.model_name, one.task_type): (
            one.calls, one.input_tokens, one.cached_tokens, one.output_tokens, one.cost_usd,
            one.largest_input_tokens, one.largest_output_tokens,
        )
        for one in work_of(period, rollup.standing())
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("minute", [0, 17])
def test_what_the_rollups_say_of_the_work_is_what_the_rows_say(minute):
    now = datetime(2026, 11, 21, 15, minute, tzinfo=UTC)
    make_many(600, start=now - timedelta(days=5), end=now, configs=[make_config(), None])
    period = Period.last_days(3, now=now)
    within = AIProviderUsageLog.objects.filter(created_at__gte=period.start, created_at__lt=period.end)
    from_rows = told(period)

    rollup.refresh(now=now)

    assert from_rows == by_hand(within.all())
    assert told(period) == from_rows
    make_call(now - timedelta(days=2), input_tokens=99_999, settled_at=now)
    at_once = told(period)
    rollup.refresh(now=now)
    assert at_once == by_hand(within.all()) == told(period)


def test_recommendations_are_the_same_from_rollups(dear):
    price("local", "llama-small", input_mtok=1, output_mtok=5)
    local("llama-small")
    from_rows = cheaper_models(now=NOW)

    rollup.refresh(now=NOW)

    assert WorkRollup.objects.filter(span="hour").get().calls == 1_000
    assert cheaper_models(now=NOW) == from_rows


def rate(config, rating, count, request="r"):
    """`count` users' ratings of as many answers of the config."""
    for n in range(count):
        user = make_user(f"{request}{n}@example.com")
        make_calls(
            1, config, user=user, request_id=f"{request}{n}", cost="0.003", at=YESTERDAY, input_tokens=1_000
        )
        CallFeedback.objects.create(request_id=f"{request}{n}", user=user, rating=rating)
    CallFeedback.objects.update(created_at=YESTERDAY)


@pytest.fixture
def small():
    price("local", "llama-small", input_mtok=1, output_mtok=5)
    return local("llama-small")


def only(found):
    return next(one for one in found if one.pattern.model_name == "llama-large")


def test_a_model_that_never_did_the_task_is_for_an_experiment_and_one_that_did_to_switch_to(dear, small):
    before = only(cheaper_models(now=NOW)).alternatives[0]
    make_calls(30, small, input_tokens=1_000, cost="0.0015", at=YESTERDAY, latency_ms=400)

    after = only(cheaper_models(now=NOW)).alternatives[0]

    assert (before.advice, before.quality.answers, before.quality.p95_latency_ms) == ("experiment", 0, None)
    assert (after.advice, after.quality.answers, after.quality.unparsable_percent) == ("switch", 30, 0.0)
    assert after.quality.p95_latency_ms == pytest.approx(400, rel=0.03)


def test_a_model_whose_replies_cannot_be_read_is_not_recommended(dear, small):
    make_calls(30, small, input_tokens=1_000, cost="0.0015", at=YESTERDAY)
    make_calls(5, small, status="error", error_kind="unparsable", at=YESTERDAY)

    found = only(compared_models(now=NOW))

    assert found.alternatives == ()
    assert found.compared[0].model_name == "llama-small"
    (reason,) = [one.reason for one in found.ruled_out]
    assert "14.3 % of its replies could not be read" in reason
    assert found.reason


def test_no_model_is_recommended_that_never_gave_a_readable_reply_but_of_free_ones_nobody_knows(dear, small):
    price("local", "llama-free", input_mtok=0, output_mtok=0)
    free = local("llama-free")
    for config in (small, free):
        make_calls(30, config, status="error", error_kind="unparsable", at=YESTERDAY)

    found = only(compared_models(now=NOW))

    assert [one.model_name for one in found.alternatives] == ["llama-free"]
    assert "none is known that could" in found.ruled_out[0].reason


def test_a_model_whose_answers_are_rated_lower_is_not_recommended(dear, small):
    rate(dear, 5, 30, "a")
    rate(small, 3, 30, "b")

    found = only(compared_models(now=NOW))

    assert (found.quality.rating, found.quality.ratings) == (5.0, 30)
    assert [one.reason for one in found.ruled_out] == ["its answers are rated 3.0, those in use 5.0"]


def test_a_few_ratings_say_nothing_against_a_model(dear, small):
    rate(dear, 5, 3, "a")
    rate(small, 1, 3, "b")

    assert only(cheaper_models(now=NOW)).alternatives[0].model_name == "llama-small"


def test_what_speaks_against_a_configured_model_is_said(dear):
    local("llama-unpriced")
    local("no-such-model")
    price("local", "llama-dear", input_mtok=9, output_mtok=9)
    local("llama-dear")

    found = only(compared_models(now=NOW))

    reasons = {one.model_name: one.reason for one in found.ruled_out}
    assert reasons["llama-unpriced"] == "no price is known for it"
    assert reasons["llama-dear"].endswith("% more")
    assert "no-such-model" in reasons


def test_too_few_calls_make_no_pattern_and_say_so():
    make_calls(3, make_config(model_name="gpt-5"), cost="0.01", at=YESTERDAY)

    (found,) = compared_models(now=NOW)

    assert (found.alternatives, found.compared) == ((), ())
    assert "3 of at least 10 calls" in found.reason


def test_replies_that_could_not_be_read_are_set_against_the_answers_of_the_same_days(dear, tmp_path):
    old = NOW - timedelta(days=70)
    for at, read, unread in ((old, 60, 20), (YESTERDAY, 0, 500)):
        make_calls(read, dear, input_tokens=1_000, cost="0.003", at=at)
        make_calls(unread, dear, status="error", error_kind="unparsable", at=at)
    with_rows = compared_models(now=NOW, days=30)[0].quality.unparsable_percent

    assert prune(older_than_days=62, directory=tmp_path, now=NOW).rows == 80
    (found,) = compared_models(now=NOW, days=90)

    assert found.pattern.calls == 1_060
    assert found.quality.unparsable_percent == with_rows == 33.3


def test_drafts_with_refused_texts_are_counted_by_model_and_task():
    user = make_user("writer@example.com")
    refused = {"field": "summary", "reason": "number", "message": "", "words": []}
    spoken = {"field": "language", "reason": "translated", "message": "", "words": []}
    for version, grounding in enumerate(([], [refused], [spoken], [spoken, refused])):
        Draft.objects.create(
            user=user,
            kind="cv",
            series="s",
            version=version,
            content={},
            grounding=grounding,
            prompt_version="1",
            provider_type="openai",
            model_name="gpt-5",
            request_id="r",
            latency_ms=1,
            attempts=1,
        )
    now = timezone.now()

    known = quality_of(Period.last_days(1, now=now + timedelta(minutes=1)), answers={})

    assert known["openai", "gpt-5", "cv_draft"] == Quality(drafts=4, ungrounded=2)
