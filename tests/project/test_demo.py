"""What a newcomer types first."""

import re

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from aditus.demo.seeds import ADMIN_EMAIL, DEMO_EMAIL, chosen_provider
from drafting.models import MasterProfile
from drafting.resume import check_resume
from extraction.models import JobPosting
from providers.models import AIProviderConfig


@pytest.fixture(autouse=True)
def embedded(settings):
    """The shape in which the demo runs, whatever database this suite is on."""
    settings.EMBEDDED = True


@pytest.mark.django_db
def test_seeding_adds_people_a_profile_a_posting_and_a_default_provider_once(capsys):
    call_command("seed_demo", "--provider", "sandbox")
    first = capsys.readouterr().out
    call_command("seed_demo", "--provider", "sandbox")

    assert capsys.readouterr().out == first, "the second run changes nothing, the password included"
    assert User.objects.get(email=ADMIN_EMAIL).is_superuser
    plans = [user.subscriptions.get().plan_id for user in User.objects.exclude(email=ADMIN_EMAIL)]
    assert sorted(plans) == ["freemium", "paygo", "pro_annual", "pro_monthly"]
    assert check_resume(MasterProfile.objects.get(user__email=DEMO_EMAIL).resume)
    assert JobPosting.objects.get(user__email=DEMO_EMAIL).title == "Data Analyst"
    config = AIProviderConfig.objects.get(is_default=True)
    assert (config.model_name, len(config.default_tasks())) == ("sandbox-mini", 4)


@pytest.mark.django_db
def test_the_people_can_sign_in_with_the_password_it_prints(capsys, client):
    call_command("seed_demo", "--provider", "sandbox")
    password = re.search(r"password: (\S+)", capsys.readouterr().out)[1]

    reply = client.post(
        "/api/v1/auth/token", {"email": DEMO_EMAIL, "password": password}, content_type="application/json"
    )

    assert reply.status_code == 200


@pytest.mark.django_db
def test_another_provider_takes_over_and_the_old_one_is_switched_off(capsys):
    call_command("seed_demo", "--provider", "sandbox")
    call_command("seed_demo", "--provider", "local")

    active = AIProviderConfig.objects.filter(is_active=True)
    assert [(config.provider_type, config.is_default) for config in active] == [("local", True)]


@pytest.mark.django_db
def test_it_refuses_to_add_well_known_accounts_in_production(settings):
    settings.EMBEDDED = settings.DEBUG = False

    with pytest.raises(CommandError, match="only embedded"):
        call_command("seed_demo", "--provider", "sandbox")
    assert not User.objects.exists()


def test_a_vendors_key_in_the_environment_is_preferred_to_the_local_model(settings):
    settings.PROVIDER_ENVIRONMENT = {
        "gemini": {"api_key": ""}, "openai": {"api_key": "sk-test-0123456789"}, "claude": {"api_key": ""}
    }  # fmt: skip

    assert chosen_provider("auto") == "openai"
    assert chosen_provider("sandbox") == "sandbox"


@pytest.mark.django_db
def test_a_vendor_without_a_key_is_refused_with_its_name():
    with pytest.raises(CommandError, match="no API key for OpenAI"):
        call_command("seed_demo", "--provider", "openai")
