"""Who is believed about a model, and what a vendor's list does to what is known."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import IntegrityError, connection

from providers.adapters.base import ListedModel
from providers.capabilities import matrix
from providers.capabilities.facts import capabilities_of
from providers.capabilities.matrix import (
    Fact,
    Learned,
    facts_of,
    learn,
    load_matrix,
    note_refused,
    retired_models,
)
from providers.models import AIProviderConfig, ModelCapability, RoutingRevision
from tests.factories import make_config
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def learned(config, *models, now=NOW):
    return learn(provider_type=config.provider_type, lists={config.pk: models}, now=now)


def row_of(name):
    return ModelCapability.objects.get(model_name=name)


def test_the_admin_is_believed_before_the_vendor_and_the_vendor_before_the_rules():
    ModelCapability.objects.create(
        provider_type="openai",
        model_name="gpt-4o",
        vision=False,
        vendor_vision=True,
        vendor_context_window=99,
    )

    can = load_matrix().of("openai", "gpt-4o")

    assert (can.vision, can.context_window) == (False, 99)
    assert (can.structured_output, can.max_output_tokens) == (True, 16_384)
    assert facts_of(row_of("gpt-4o")) == {
        "vision": Fact(False, "admin"),
        "structured_output": Fact(True, "rule"),
        "streaming": Fact(True, "rule"),
        "context_window": Fact(99, "vendor"),
        "max_output_tokens": Fact(16_384, "rule"),
    }


def test_what_nobody_says_of_a_model_is_not_known_and_counts_as_no():
    row = ModelCapability.objects.create(provider_type="openai", model_name="new", structured_output=True)

    can = load_matrix().of("openai", "new")

    assert facts_of(row)["vision"] == Fact(None, "")
    assert (can.vision, can.structured_output, can.context_window) == (False, True, None)


def test_a_row_that_says_nothing_leaves_the_rules_as_they_are():
    ModelCapability.objects.create(provider_type="openai", model_name="gpt-4o", seen_at=NOW)

    assert load_matrix().known == {}
    assert load_matrix().of("openai", "gpt-4o") == capabilities_of("openai", "gpt-4o")


def test_the_matrix_is_one_query(django_assert_num_queries):
    ModelCapability.objects.create(provider_type="openai", model_name="gpt-4o", vision=False)

    with django_assert_num_queries(1):
        loaded = load_matrix()
    with django_assert_num_queries(0):
        loaded.of("openai", "gpt-4o")


def test_a_list_adds_models_and_describes_them_anew():
    config = make_config()
    first = learned(config, ListedModel("org/Large", vision=True), ListedModel("small"))

    second = learned(config, ListedModel("org/Large", vision=True, context_window=500), ListedModel("small"))

    assert first == Learned(added=("org/Large", "small"))
    assert second == Learned(changed=("org/Large",))
    assert load_matrix().of("openai", "ORG/large").context_window == 500


def test_a_list_does_not_touch_what_an_admin_said():
    config = make_config()
    ModelCapability.objects.create(provider_type="openai", model_name="large", vision=False, note="Tried it.")

    learned(config, ListedModel("large", vision=True, structured_output=True))

    row = row_of("large")
    assert (row.vision, row.vendor_vision, row.note, row.seen_at) == (False, True, "Tried it.", NOW)
    assert load_matrix().of("openai", "large").structured_output is True


def test_a_list_that_says_the_same_moves_no_revision_but_remembers_when():
    config, models = make_config(), (ListedModel("large", vision=True), ListedModel("small"))
    learned(config, *models)
    before = RoutingRevision.current()

    again = learned(config, *models, now=NOW + timedelta(days=1))

    assert again == Learned()
    assert RoutingRevision.current() == before
    assert row_of("small").seen_at == NOW + timedelta(days=1)


def test_a_list_that_says_something_else_moves_the_revision():
    config = make_config()
    learned(config, ListedModel("large", vision=False))
    before = RoutingRevision.current()

    learned(config, ListedModel("large", vision=True))

    assert RoutingRevision.current() > before


def test_a_model_that_left_the_list_is_retired_and_still_known_and_may_come_back():
    config = make_config()
    learned(config, ListedModel("old", vision=True), ListedModel("new"))

    gone = learned(config, ListedModel("new"))
    during = retired_models("openai"), load_matrix().of("openai", "old").vision
    back = learned(config, ListedModel("old", vision=True), ListedModel("new"))

    assert (gone, back) == (Learned(retired=("old",)), Learned(returned=("old",)))
    assert during == ({"old"}, True)
    assert retired_models("openai") == frozenset()


def test_a_model_the_vendor_lists_as_retired_is_retired():
    config = make_config(provider_type="claude")

    learned(config, ListedModel("claude-2", is_retired=True), ListedModel("claude-opus-5"))

    assert retired_models("claude") == {"claude-2"}


def test_a_row_an_admin_wrote_is_not_retired_by_a_list_that_never_had_it():
    ModelCapability.objects.create(provider_type="openai", model_name="ours", vision=True)

    learned(make_config(), ListedModel("large"))

    assert retired_models("openai") == frozenset()


def test_an_empty_list_says_nothing():
    config = make_config()
    learned(config, ListedModel("large"))

    assert learned(config) == Learned()
    assert retired_models("openai") == frozenset()


def test_one_keys_list_retires_nothing_that_another_key_may_see():
    one, other = make_config(), make_config()
    both = {one.pk: [ListedModel("large")], other.pk: [ListedModel("ft:large:acme")]}
    learn(provider_type="openai", lists=both, now=NOW)

    learned(one, ListedModel("large"))
    kept = retired_models("openai")
    learn(provider_type="openai", lists={**both, other.pk: [ListedModel("other")]}, now=NOW)

    assert kept == frozenset()
    assert retired_models("openai") == {"ft:large:acme"}


def test_a_key_that_was_refused_holds_nothing_up():
    config = make_config()
    AIProviderConfig.flag(make_config().pk, "auth")
    make_config(is_active=False)
    learned(config, ListedModel("old"), ListedModel("new"))

    assert learned(config, ListedModel("new")) == Learned(retired=("old",))


def test_where_two_servers_differ_the_more_cautious_word_counts():
    wide, narrow = make_config(provider_type="local"), make_config(provider_type="local")
    lists = {
        wide.pk: [ListedModel("llama", vision=True, context_window=32_768, max_output_tokens=100)],
        narrow.pk: [ListedModel("llama", vision=False, context_window=4_096)],
    }
    learn(provider_type="local", lists=lists, now=NOW)

    alone = learned(wide, *lists[wide.pk])

    can = load_matrix().of("local", "llama")
    assert (can.vision, can.context_window, can.max_output_tokens) == (False, 4_096, 100)
    assert alone == Learned()


def test_a_name_too_long_for_a_config_is_left_out():
    learned(make_config(), ListedModel("x" * 201), ListedModel(""), ListedModel("large"))

    assert [row.model_name for row in ModelCapability.objects.all()] == ["large"]


def learn_at_once(config, threads=4):
    """How many of the threads that bring the same new list together failed to write it."""
    together = Barrier(threads, timeout=PATIENCE_SECONDS)
    models = [ListedModel(f"model-{number}") for number in range(50)]

    def bring(number):
        try:
            together.wait()
            learned(config, *models)
        except IntegrityError:
            return 1
        finally:
            connection.close()
        return 0

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(bring, range(threads)))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_lists_that_come_at_once_are_written_one_after_the_other():
    assert learn_at_once(make_config()) == 0
    assert ModelCapability.objects.count() == 50


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_holding_the_revision_they_are_not(monkeypatch):
    """Shows that the test above can fail."""
    # Every thread has looked for rows before any of them writes one.
    read, plain_add = Barrier(4, timeout=PATIENCE_SECONDS), matrix._add
    monkeypatch.setattr(RoutingRevision, "hold", lambda: None)
    monkeypatch.setattr(matrix, "_add", lambda *given: (read.wait(), plain_add(*given))[1])

    assert learn_at_once(make_config()) > 0


def refuse_at_once(*parameters):
    """What the row has after each of these was noted by a thread of its own, all together."""
    ModelCapability.objects.create(provider_type="local", model_name="llama")
    together = Barrier(len(parameters), timeout=PATIENCE_SECONDS)

    def note(parameter):
        try:
            together.wait()
            note_refused(provider_type="local", model_name="LLAMA", parameter=parameter)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(parameters)) as pool:
        list(pool.map(note, parameters))
    return set(ModelCapability.objects.get().refused_parameters)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_refusals_that_are_noted_at_once_none_is_lost():
    assert refuse_at_once("form", "effort", "limit") == {"form", "effort", "limit"}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_holding_the_revision_one_is(monkeypatch):
    """Shows that the test above can fail."""
    # Every thread has read the row before any of them writes it.
    read, plain = Barrier(3, timeout=PATIENCE_SECONDS), matrix.still_held
    monkeypatch.setattr(RoutingRevision, "hold", lambda: None)
    monkeypatch.setattr(matrix, "still_held", lambda *given, **day: (read.wait(), plain(*given, **day))[1])

    assert len(refuse_at_once("form", "effort", "limit")) < 3
