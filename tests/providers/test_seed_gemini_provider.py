from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from providers.models import AIProviderConfig
from tests.factories import make_config

pytestmark = pytest.mark.django_db

KEY = "AIza-first-0123456789abcdef"
OTHER_KEY = "AIza-second-0123456789abcdef"


@pytest.fixture
def environment(settings):
    """What the process found in its environment."""

    def found(key, fast="gemini-2.5-flash", quality="gemini-2.5-pro"):
        entry = {"api_key": key, "model_fast": fast, "model_quality": quality}
        settings.PROVIDER_ENVIRONMENT = settings.PROVIDER_ENVIRONMENT | {"gemini": entry}

    return found


def seed(*options):
    output = StringIO()
    call_command("seed_gemini_provider", *options, stdout=output)
    return output.getvalue()


def test_it_makes_gemini_the_default_for_every_task(environment):
    environment(KEY)
    openai = make_config(is_default=True)

    output = seed()

    config = AIProviderConfig.objects.get(provider_type="gemini")
    openai.refresh_from_db()
    assert (config.is_default, openai.is_default, config.is_active) == (True, False, True)
    assert config.default_tasks() == {"extraction", "cv_draft", "cover_letter", "extraction_validation"}
    assert (config.model_name, config.quality_model_name) == ("gemini-2.5-flash", "gemini-2.5-pro")
    assert config.api_key_encrypted.reveal() == KEY
    assert "Created the provider Google Gemini" in output
    assert KEY not in output


def test_a_second_run_changes_nothing(environment):
    environment(KEY)
    seed()
    before = AIProviderConfig.objects.values().get()
    environment(OTHER_KEY, fast="gemini-9")

    output = seed()

    assert "nothing to do" in output
    after = AIProviderConfig.objects.values().get()
    assert (after["updated_at"], after["model_name"]) == (before["updated_at"], "gemini-2.5-flash")


def test_force_replaces_key_and_models_and_nothing_else(environment):
    environment(KEY)
    seed()
    AIProviderConfig.objects.update(priority=7, default_for_cv_draft=False, flag_reason="auth")
    environment(OTHER_KEY, fast="gemini-9", quality="gemini-9-pro")

    output = seed("--force")

    config = AIProviderConfig.objects.get()
    assert config.api_key_encrypted.reveal() == OTHER_KEY
    assert (config.model_name, config.quality_model_name) == ("gemini-9", "gemini-9-pro")
    assert (config.priority, config.default_for_cv_draft, config.flag_reason) == (7, False, "")
    assert OTHER_KEY not in output


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("", "GEMINI_API_KEY is not set"), ("short", "does not look like a key of Google Gemini")],
)
def test_it_says_what_to_do_without_a_usable_key(environment, key, sentence):
    environment(key)

    with pytest.raises(CommandError, match=sentence):
        seed()

    assert not AIProviderConfig.objects.exists()
