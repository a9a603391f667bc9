from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection

from drafting import versions
from drafting.models import Draft, Kind
from drafting.versions import account_for, save_next_version, series_of
from orchestration.calls.question import GenerationResult
from providers.adapters.base import TokenUsage

RESULT = GenerationResult(
    text="{}",
    parsed=None,
    provider_type="openai",
    provider_config_id=None,
    provider_name="",
    model_name="gpt-5-mini",
    task="cv_draft",
    tier="fast",
    request_id="0" * 32,
    attempts=1,
    usage=TokenUsage(),
    usage_source="vendor",
    cost_usd=Decimal("0.000000000001"),
    latency_ms=1,
)


def draft_of(user, series="a" * 64):
    draft = Draft(
        user=user,
        kind=Kind.CV,
        series=series,
        content={},
        prompt_version="standard",
        parameters={"language": "en"},
    )
    account_for(draft, result=RESULT, cost_usd=RESULT.cost_usd)
    return draft


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_drafts_made_at_the_same_moment_get_one_version_each(user):
    """In threads, because only connections of their own race for the same number."""

    def make(_):
        try:
            return save_next_version(draft_of(user)).version
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=3) as pool:
        made = list(pool.map(make, range(12)))

    assert sorted(made) == list(range(1, 13))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_race_is_lost(user, monkeypatch):
    """The negative control of the test above."""
    monkeypatch.setattr(versions, "_wait_for_turn", lambda user_id: None)

    def make(_):
        try:
            return save_next_version(draft_of(user)).version
        except IntegrityError:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=4) as pool:
        made = list(pool.map(make, range(40)))

    assert None in made


@pytest.mark.django_db
def test_series_are_counted_apart(user, outsider):
    first = save_next_version(draft_of(user))
    second = save_next_version(draft_of(user))
    other = save_next_version(draft_of(user, series="b" * 64))
    theirs = save_next_version(draft_of(outsider))

    assert [draft.version for draft in (first, second, other, theirs)] == [1, 2, 1, 1]


@pytest.mark.django_db
def test_a_cost_is_kept_to_the_last_of_twelve_places(user):
    draft = save_next_version(draft_of(user))

    draft.refresh_from_db()
    assert draft.cost_usd == Decimal("0.000000000001")


def test_a_series_depends_on_kind_posting_profile_and_variant_and_on_nothing_else():
    base = series_of(kind="cv", job=1, profile={"a": 1, "b": 2})

    assert base == series_of(kind="cv", job=1, profile={"a": 1, "b": 2}, variant="")
    assert base != series_of(kind="cv", job=1, profile={"a": 1, "b": 2}, variant="bolder")

    assert base == series_of(kind="cv", job=1, profile={"b": 2, "a": 1})
    assert (
        len(
            {
                base,
                *(
                    series_of(kind=k, job=j, profile=p)
                    for k, j, p in [
                        ("cover_letter", 1, {"a": 1, "b": 2}),
                        ("cv", 2, {"a": 1, "b": 2}),
                        ("cv", 1, 1),
                    ]
                ),
            }
        )
        == 4
    )
