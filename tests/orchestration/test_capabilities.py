"""The capability matrix at work in a call: what is passed over, what is made up for, and how it is told."""

import pytest
from pydantic import BaseModel

from orchestration.errors import InputTooLong, NoCapableProvider, ProviderFailed
from providers.models import ModelCapability
from providers.registry import PROVIDER_TYPES
from tests.contract.questions import png
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.any_database, pytest.mark.django_db(transaction=True)]

PROMPT = "Title: Welder\nCompany: Acme\n"


class Posting(BaseModel):
    title: str | None = None
    company: str | None = None


def say(provider_type, model_name, **facts):
    return ModelCapability.objects.create(provider_type=provider_type, model_name=model_name, **facts)


@pytest.mark.parametrize("provider_type", sorted(PROVIDER_TYPES))
def test_a_model_without_structured_output_serves_by_prompt_and_the_result_says_so(
    config_at, ask, sandbox, provider_type
):
    config_at("sandbox-plain", provider_type=provider_type)

    result = ask(PROMPT, response_model=Posting)

    assert result.parsed == Posting(title="Welder", company="Acme")
    assert result.degraded == ("structured_output",)
    assert (result.attempts, sandbox.hits()["by_status"]) == (1, {"200": 1})


def test_a_model_that_fills_forms_itself_is_asked_first(config_at, ask):
    config_at("sandbox-plain", is_default=True, default_for_extraction=True)
    config_at("sandbox-mini", priority=-5)

    result = ask(PROMPT, response_model=Posting)

    assert (result.model_name, result.degraded) == ("sandbox-mini", ())


def test_where_those_fail_the_others_make_up_for_them(config_at, ask):
    config_at("sandbox-mini@auth", is_default=True)
    config_at("sandbox-plain")

    result = ask(PROMPT, response_model=Posting)

    assert (result.model_name, result.degraded, result.attempts) == (
        "sandbox-plain",
        ("structured_output",),
        2,
    )


def test_a_form_by_prompt_that_cannot_be_read_is_unparsable_as_ever(config_at, ask):
    config_at("sandbox-plain@broken_json")

    with pytest.raises(ProviderFailed) as raised:
        ask(PROMPT, response_model=Posting)

    kinds = [attempt["error_kind"] for attempt in raised.value.details["attempts"]]
    assert kinds == ["unparsable", "unparsable"]
    assert AIProviderUsageLog.objects.filter(error_kind="unparsable").count() == 2


def test_vision_is_never_made_up_for(config_at, ask, sandbox):
    config_at("sandbox-text")

    with pytest.raises(NoCapableProvider) as raised:
        ask("What is this?", images=[png()], response_model=Posting)

    assert raised.value.details == {"missing": ["vision"]}
    assert sandbox.hits()["total"] == 0


def test_an_override_is_used_by_the_very_next_call(config_at, ask):
    config_at("sandbox-mini")
    before = ask(PROMPT, response_model=Posting)
    row = say("openai", "sandbox-mini", structured_output=False)
    during = ask(f"{PROMPT}\n", response_model=Posting)
    row.delete()

    after = ask(f"{PROMPT}\n\n", response_model=Posting)

    degraded = [result.degraded for result in (before, during, after)]
    assert degraded == [(), ("structured_output",), ()]


def test_a_long_input_goes_past_a_model_that_is_too_small_for_it(config_at, ask):
    say("openai", "sandbox-mini", context_window=2_000)
    config_at("sandbox-mini", is_default=True)
    config_at("sandbox-large")

    short, long = ask(PROMPT), ask("word " * 3_000)

    assert (short.model_name, long.model_name) == ("sandbox-mini", "sandbox-large")
    assert long.attempts == 1


def test_an_input_too_long_for_every_model_is_refused_before_anything_is_spent(config_at, ask, sandbox):
    say("openai", "sandbox-mini", vendor_context_window=2_000)
    config_at("sandbox-mini")

    with pytest.raises(InputTooLong):
        ask("word " * 3_000)

    assert sandbox.hits()["total"] == 0
    [row] = AIProviderUsageLog.objects.all()
    assert (row.error_kind, row.total_tokens, row.attempt) == ("input_too_long", 0, 0)
