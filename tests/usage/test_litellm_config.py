"""Moving models, keys, fallbacks and prices in from a configuration of LiteLLM's proxy."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry
from providers.models import AIProviderConfig
from tests.factories import make_config
from usage.models import ModelPrice
from usage.moving_in.litellm import import_config
from usage.moving_in.litellm_file import UnreadableConfig

pytestmark = pytest.mark.django_db

KEY, CLAUDE_KEY = "sk-litellm-0123456789abcdef", "sk-ant-0123456789abcdef"
ENVIRONMENT = {"ANTHROPIC_KEY_OF_OURS": CLAUDE_KEY, "OPENAI_API_KEY": "sk-of-the-environment-0123"}
CONFIG = f"""
model_list:
  - model_name: quick
    litellm_params:
      {{model: openai/gpt-5-mini, api_key: {KEY}, rpm: 480, timeout: 300, weight: 3, order: 2, tpm: 100000}}
  - model_name: quick
    litellm_params: {{model: gpt-5-nano, order: 1}}
  - model_name: good
    litellm_params:
      model: anthropic/claude-sonnet-4-5
      api_key: os.environ/ANTHROPIC_KEY_OF_OURS
      input_cost_per_token: 0.0000028
      output_cost_per_token: 1.4e-05
    model_info: {{id: ours, cache_read_input_token_cost: 2.8e-7}}
  - model_name: at-home
    litellm_params: {{model: ollama/llama3.2, api_base: "http://127.0.0.1:11434"}}
  - model_name: their-cloud
    litellm_params: {{model: azure/gpt-5, api_key: os.environ/AZURE_KEY, api_base: "https://x.example.org"}}
  - model_name: keyless
    litellm_params: {{model: gemini/gemini-2.5-pro, api_key: os.environ/NOWHERE}}
  - model_name: vectors
    litellm_params: {{model: openai/text-embedding-3-small}}
    model_info: {{mode: embedding}}
  - {{model_name: all, litellm_params: {{model: "openai/*"}}}}
router_settings:
  fallbacks: [{{good: [quick, at-home]}}]
"""


def taken(text=CONFIG, **options):
    return import_config(text, environment=ENVIRONMENT, **options)


def listing(**params):
    fields = ", ".join(f"{name}: {value}" for name, value in params.items())
    return f"model_list: [{{model_name: one, litellm_params: {{{fields}}}}}]"


def test_a_file_is_taken_with_keys_limits_order_and_prices():
    outcome = taken()

    assert outcome.moved == ["1. quick", "2. quick", "3. good", "4. at-home"]
    quick, nano, good, home = AIProviderConfig.objects.order_by("pk")
    assert (quick.provider_type, quick.model_name, quick.requests_per_minute) == ("openai", "gpt-5-mini", 480)
    assert (quick.timeout, quick.weight, quick.api_key_encrypted.reveal()) == (300, 3, KEY)
    assert (nano.model_name, nano.api_key_encrypted.reveal()) == ("gpt-5-nano", ENVIRONMENT["OPENAI_API_KEY"])
    assert (good.provider_type, good.api_key_encrypted.reveal()) == ("claude", CLAUDE_KEY)
    assert (home.provider_type, home.base_url) == ("local", "http://127.0.0.1:11434/v1")
    assert good.priority > nano.priority > quick.priority > home.priority
    price = ModelPrice.objects.get()
    assert (price.provider_type, price.model_name) == ("claude", "claude-sonnet-4-5")
    assert (price.input_mtok, price.output_mtok, price.cache_read_mtok) == (
        Decimal("2.8"), Decimal(14), Decimal("0.28"),
    )  # fmt: skip


def test_what_is_not_taken_is_named_with_its_reason():
    outcome = taken()

    assert outcome.not_taken == {
        "5. their-cloud": "a vendor that Aditus has no adapter for: azure",
        "6. keyless": "the environment has no NOWHERE",
        "7. vectors": "it is for embedding, which nothing here asks for",
        "8. all": "no single model",
    }
    assert outcome.noticed == {"1. quick": ["tokens a minute (tpm) are no limit here"]}


def test_models_come_in_the_order_of_the_fallbacks():
    fallbacks = "{a: [b, c]}, {b: [c]}, {c: [a]}"
    models = ", ".join(
        f"{{model_name: {name}, litellm_params: {{model: openai/gpt-5, api_key: {KEY}}}}}" for name in "cba"
    )

    taken(f"{{model_list: [{models}], litellm_settings: {{fallbacks: [{fallbacks}]}}}}")

    names = AIProviderConfig.objects.order_by("-priority").values_list("display_name", flat=True)
    assert list(names) == ["a", "b", "c"]


def test_a_second_run_changes_nothing_and_leaves_alone_what_was_changed_here():
    taken()
    AIProviderConfig.objects.filter(display_name="good").update(display_name="Better")
    AIProviderConfig.objects.filter(display_name="at-home").delete()
    entries = AuditEntry.objects.count()

    outcome = taken()

    assert (outcome.moved, len(outcome.known), outcome.prices) == ([], 4, [])
    assert AIProviderConfig.objects.filter(display_name="Better").count() == 1
    assert (AIProviderConfig.objects.count(), ModelPrice.objects.count()) == (3, 1)
    assert AuditEntry.objects.count() == entries


def test_a_dry_run_says_the_same_and_writes_nothing():
    outcome = taken(dry_run=True)

    assert outcome == taken()
    assert AIProviderConfig.objects.count() == 4


def test_a_dry_run_alone_leaves_no_row():
    taken(dry_run=True)

    assert not AIProviderConfig.objects.exists()
    assert not ModelPrice.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_price_that_is_here_stays():
    ModelPrice.objects.create(
        provider_type="claude", model_name="claude-sonnet-4-5", input_mtok=1, output_mtok=2
    )

    outcome = taken()

    assert outcome.noticed["3. good"] == ["its model has a price here already, which stays"]
    assert ModelPrice.objects.get().input_mtok == 1


def test_a_default_that_is_here_stays_the_default():
    mine = make_config(is_default=True)

    taken()

    assert AIProviderConfig.objects.get(is_default=True) == mine


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"model": "openai/gpt-5", "api_key": "short"}, "does not look like a key"),
        ({"model": "anthropic/claude-haiku-4-5"}, "Enter the API key"),
        ({"model": "anthropic/claude-haiku-4-5", "api_base": "https://x.example.org"}, "Enter the API key"),
        ({"model": "ollama/llama3"}, "base URL"),
        ({"model": "openai/gpt-5", "api_key": KEY, "api_base": "http://169.254.169.254/v1"}, "metadata"),
        ({"model": "openai/gpt-5", "api_key": KEY, "input_cost_per_token": "dear"}, "is no number"),
        ({"model": "openai/gpt-5", "api_key": KEY, "output_cost_per_token": -1}, "cannot be a price"),
        ({"model": "bedrock/anthropic.claude-3"}, "no adapter for: bedrock"),
        ({"model": "vertex_ai/gemini-2.5-pro"}, "no adapter for: vertex_ai"),
        ({"model": "some-model"}, "none is named"),
        ({"api_key": KEY}, "no model"),
    ],
)
def test_a_deployment_that_cannot_work_is_not_taken(params, reason):
    outcome = taken(listing(**params))

    assert reason in outcome.not_taken["1. one"]
    assert KEY not in str(outcome.not_taken)
    assert not AIProviderConfig.objects.exists()


@pytest.mark.any_database
@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
        "model_list: {}",
        "model_list: [",
        "\x00",
        "!!python/object/apply:os.system [ls]",
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_configuration_is_refused(text):
    with pytest.raises(UnreadableConfig):
        taken(text)


@pytest.mark.any_database
def test_entries_of_any_shape_are_reported_and_never_expanded():
    bomb = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    text = (
        f"l0: &l0 [lol]\n{bomb}\nmodel_list: [1, null, {{model_name: *l29, litellm_params: {{model: *l29}}}}]"
    )

    outcome = taken(text)

    assert list(outcome.not_taken.values()) == ["no litellm_params", "no litellm_params", "no model"]


def test_the_vendors_key_of_the_environment_goes_to_no_other_address():
    taken(listing(model="openai/gpt-5", api_base="https://api.openai.com.example.org/v1"))

    config = AIProviderConfig.objects.get()
    assert (config.provider_type, config.api_key_encrypted.reveal()) == ("local", "")


def test_signs_that_no_database_keeps_are_left_out():
    taken(f'model_list: [{{model_name: "a\\0b", litellm_params: {{model: openai/gpt-5, api_key: {KEY}}}}}]')

    assert AIProviderConfig.objects.get().display_name == "ab"


def test_the_command_tells_what_it_did_and_no_key(tmp_path, capsys, monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)

    with pytest.raises(CommandError) as refused:
        call_command("import_litellm_config", str(path))

    told = capsys.readouterr().out
    assert refused.value.returncode == 2
    assert "4 moved, 0 known already, 4 not taken; 1 prices moved" in told
    assert not any(key in told for key in (KEY, CLAUDE_KEY, ENVIRONMENT["OPENAI_API_KEY"]))
    entries = AuditEntry.objects.filter(actor_email="manage.py import_litellm_config")
    assert set(entries.values_list("action", flat=True)) == {"provider.created", "modelprice.created"}
    assert not any(KEY in str(entry.changes) for entry in entries)
