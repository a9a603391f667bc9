"""Selection is pure, so these tests need neither database nor vendor."""

from hypothesis import given
from hypothesis import strategies as st

from orchestration.routing.candidates import Needs, candidates, missing_everywhere
from orchestration.routing.snapshot import ProviderSnapshot, RoutingSnapshot
from providers.capabilities.facts import Capabilities, CapabilityMatrix, capabilities_of

NOTHING = Needs()
VISION_MODEL, TEXT_MODEL, PLAIN_MODEL = "sandbox-mini", "sandbox-text", "sandbox-plain"
UNKNOWN_MODEL = "never-heard-of-it"


def provider(config_id, **overrides):
    fields = {
        "config_id": config_id,
        "provider_type": "openai",
        "name": f"config {config_id}",
        "fast_model": VISION_MODEL,
        "quality_model": "",
    }
    return ProviderSnapshot(**fields | overrides)


def order(*providers, task="extraction", tier="fast", needs=NOTHING):
    snapshot = RoutingSnapshot(revision=1, providers=providers, tiers={})
    return [c.provider.config_id for c in candidates(snapshot, task=task, tier=tier, needs=needs)]


def missing(*providers, needs):
    snapshot = RoutingSnapshot(revision=1, providers=providers, tiers={})
    return missing_everywhere(snapshot, tier="fast", needs=needs)


def test_it_prefers_the_config_flagged_for_the_task_then_the_default_then_the_rest():
    rest, default = provider(1, priority=9), provider(2, is_default=True)
    flagged = provider(3, tasks=frozenset({"extraction"}))

    assert order(rest, default, flagged) == [3, 2, 1]


def test_it_tries_the_higher_priority_first_within_a_group():
    assert order(provider(1, priority=1), provider(2, priority=5), provider(3, priority=3)) == [2, 3, 1]


def test_it_tries_a_config_whose_key_was_refused_last():
    refused = provider(1, is_flagged=True, is_default=True, tasks=frozenset({"extraction"}))

    assert order(refused, provider(2)) == [2, 1]


def test_it_never_sends_an_image_to_a_text_model():
    text_only = provider(1, fast_model=TEXT_MODEL, is_default=True)

    assert order(text_only, provider(2), needs=Needs(vision=True)) == [2]


def test_it_takes_an_unknown_capability_for_absent():
    unknown = provider(1, fast_model=UNKNOWN_MODEL)

    assert order(unknown, needs=Needs(vision=True)) == []
    assert missing(unknown, needs=Needs(vision=True)) == ("vision",)


def test_it_asks_for_a_form_by_prompt_only_after_every_model_that_fills_forms_itself():
    plain = provider(1, fast_model=PLAIN_MODEL, is_default=True, tasks=frozenset({"extraction"}))
    unknown = provider(2, fast_model=UNKNOWN_MODEL, priority=9)
    refused = provider(3, is_flagged=True)
    snapshot = RoutingSnapshot(revision=1, providers=(plain, unknown, refused, provider(4)), tiers={})

    chosen = candidates(snapshot, task="extraction", tier="fast", needs=Needs(structured_output=True))

    assert [(one.provider.config_id, one.degraded) for one in chosen] == [
        (4, ()),
        (1, ("structured_output",)),
        (2, ("structured_output",)),
        (3, ()),
    ]


def test_nothing_is_degraded_when_no_form_is_asked_for():
    snapshot = RoutingSnapshot(revision=1, providers=(provider(1, fast_model=PLAIN_MODEL),), tiers={})

    [only] = candidates(snapshot, task="extraction", tier="fast", needs=NOTHING)

    assert only.degraded == ()


def test_it_passes_over_a_model_whose_window_is_smaller_than_the_input():
    small = provider(1, fast_model="gpt-4", is_default=True)
    large, unknown = provider(2, fast_model="gpt-4o", priority=1), provider(3, fast_model=UNKNOWN_MODEL)

    assert order(small, large, unknown, needs=Needs(input_tokens=8_192)) == [1, 2, 3]
    assert order(small, large, unknown, needs=Needs(input_tokens=8_193)) == [2, 3]
    assert order(small, large, needs=Needs(input_tokens=128_001)) == []


def test_it_blames_the_length_of_the_input_only_where_a_shorter_one_would_do():
    blind, seeing = provider(1, fast_model="o3-mini"), provider(2, fast_model="gpt-4o")

    assert missing(blind, seeing, needs=Needs(vision=True, input_tokens=150_000)) == ("input_window",)
    assert missing(blind, needs=Needs(vision=True, input_tokens=250_000)) == ("input_window", "vision")
    assert missing(needs=Needs(vision=True)) == ()


def test_what_not_one_model_can_do_is_missing_and_what_some_can_is_not():
    small, large = provider(1, fast_model="gpt-4"), provider(2, fast_model="o3-mini")

    assert missing(small, large, needs=Needs(vision=True, input_tokens=10_000)) == ("vision",)


def test_what_is_missing_is_missing_from_the_models_of_the_tier():
    blind = provider(1, fast_model="gpt-4o", quality_model="o3-mini")
    snapshot = RoutingSnapshot(revision=1, providers=(blind,), tiers={})

    def missing_at(tier):
        return missing_everywhere(snapshot, tier=tier, needs=Needs(vision=True))

    assert (missing_at("quality"), missing_at("fast")) == (("vision",), ())


def test_what_the_matrix_says_of_a_model_decides():
    sees = CapabilityMatrix({("openai", UNKNOWN_MODEL): Capabilities(vision=True, context_window=100)})
    snapshot = RoutingSnapshot(
        revision=1, providers=(provider(1, fast_model=UNKNOWN_MODEL),), tiers={}, capabilities=sees
    )

    def chosen(needs):
        return list(candidates(snapshot, task="extraction", tier="fast", needs=needs))

    assert [one.capabilities.vision for one in chosen(Needs(vision=True))] == [True]
    assert chosen(Needs(vision=True, input_tokens=101)) == []


def test_it_uses_the_quality_model_only_for_the_quality_tier():
    both = provider(1, quality_model="sandbox-large")
    snapshot = RoutingSnapshot(revision=1, providers=(both,), tiers={("pro_monthly", "cv_draft"): "quality"})

    def model_for(plan):
        tier = snapshot.tier_for(plan, "cv_draft")
        return candidates(snapshot, task="cv_draft", tier=tier, needs=Needs())[0].model_name

    assert (model_for("pro_monthly"), model_for("freemium")) == ("sandbox-large", VISION_MODEL)


def test_it_falls_back_to_the_fast_model_where_no_quality_model_is_set():
    assert provider(1).model_for("quality") == VISION_MODEL


providers_strategy = st.lists(
    st.builds(
        lambda i, model, default, priority, flagged, tasks: provider(
            i, fast_model=model, is_default=default, priority=priority, is_flagged=flagged, tasks=tasks
        ),
        st.integers(1, 10_000),
        st.sampled_from([VISION_MODEL, TEXT_MODEL, PLAIN_MODEL, UNKNOWN_MODEL]),
        st.booleans(),
        st.integers(-5, 5),
        st.booleans(),
        st.frozensets(st.sampled_from(["extraction", "cv_draft"])),
    ),
    unique_by=lambda p: p.config_id,
    max_size=8,
)


@given(providers_strategy, st.booleans(), st.booleans())
def test_it_only_selects_capable_models_and_always_in_the_same_order(providers, vision, structured):
    needs = Needs(vision=vision, structured_output=structured)
    snapshot = RoutingSnapshot(revision=1, providers=tuple(providers), tiers={})

    chosen = candidates(snapshot, task="extraction", tier="fast", needs=needs)

    assert all(
        needs.missing_from(capabilities_of("openai", candidate.model_name)) == () for candidate in chosen
    )
    shuffled = RoutingSnapshot(revision=1, providers=tuple(reversed(providers)), tiers={})
    assert list(chosen) == list(candidates(shuffled, task="extraction", tier="fast", needs=needs))
    assert all(
        bool(one.degraded) == (structured and not one.capabilities.structured_output) for one in chosen
    )
    if not vision:
        assert len(chosen) == len(providers)
