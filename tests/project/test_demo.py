"""What a newcomer types first."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from aditus.demo import local_job
from aditus.demo.seeds import ADMIN_EMAIL, DEMO_EMAIL, chosen_provider, let_serve, seed_demo
from aditus.demo.servers import ServerDidNotStart, Servers
from drafting.models import MasterProfile
from drafting.resume import normalised_resume
from extraction.models import JobPosting
from providers.adapters.base import TokenUsage
from providers.local_model import LocalModelUnavailable
from providers.models import AIProviderConfig
from providers.registry import key_variables
from tests.ports import free_port
from usage.pricing import overrides_for, quote


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
    assert normalised_resume(MasterProfile.objects.get(user__email=DEMO_EMAIL).resume)
    assert JobPosting.objects.get(user__email=DEMO_EMAIL).title == "Data Analyst"
    configs = AIProviderConfig.objects.filter(is_active=True)
    assert {config.provider_type: config.default_tasks() for config in configs} == {
        "gemini": {"extraction"}, "openai": {"cv_draft"}, "claude": {"cover_letter"}
    }  # fmt: skip
    assert [config.provider_type for config in configs if config.is_default] == ["gemini"]


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
    assert len(active[0].default_tasks()) == 4
    let_serve("sandbox")
    assert AIProviderConfig.objects.filter(is_active=True).count() == 3
    assert AIProviderConfig.objects.get(is_default=True).provider_type == "gemini"


@pytest.mark.django_db
def test_the_stand_ins_cost_what_the_vendors_models_do():
    seed_demo("sandbox")
    tokens = TokenUsage(input_tokens=1000, output_tokens=1000)

    for config in AIProviderConfig.objects.all():
        for model in (config.model_name, config.quality_model_name):
            names = {"provider_type": config.provider_type, "model_name": model}
            prices = overrides_for(provider_type=config.provider_type, model_names=[model])
            found = quote(**names, usage=tokens, at=timezone.now(), overrides=prices)
            assert found.cost > 0, f"{model} has a list price"


@pytest.mark.django_db
def test_it_refuses_to_add_well_known_accounts_in_production(settings):
    settings.EMBEDDED = settings.DEBUG = False

    with pytest.raises(CommandError, match="only embedded"):
        call_command("seed_demo", "--provider", "sandbox")
    assert not User.objects.exists()


def test_a_vendors_key_in_the_environment_is_preferred_to_the_sandbox(settings):
    settings.PROVIDER_ENVIRONMENT = {
        "gemini": {"api_key": ""}, "openai": {"api_key": "sk-test-0123456789"}, "claude": {"api_key": ""}
    }  # fmt: skip

    assert chosen_provider("auto") == "openai"
    assert chosen_provider("sandbox") == "sandbox"
    settings.PROVIDER_ENVIRONMENT = {}
    assert chosen_provider("auto") == "sandbox"


@pytest.mark.django_db
def test_a_vendor_without_a_key_is_refused_with_its_name():
    with pytest.raises(CommandError, match="no API key for OpenAI"):
        call_command("seed_demo", "--provider", "openai")


@pytest.mark.django_db
def test_without_the_local_model_the_demo_says_how_to_get_it(monkeypatch):
    def missing():
        raise LocalModelUnavailable

    monkeypatch.setattr("providers.local_model.weights_path", missing)

    with Servers() as servers:
        local_job.start(servers)
        with pytest.raises(local_job.Skipped, match="make local-model"):
            local_job.ask(User(email="somebody@example.com"), servers)


class Served:
    """The demo's servers, one of which answers at `root` or not at all."""

    def __init__(self, root=None):
        self.root = root

    def root_of(self, name, *, seconds):
        if self.root is None:
            raise ServerDidNotStart(f"The {name} server did not start.")
        return self.root


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr("providers.local_model.weights_path", lambda: Path("weights.gguf"))


@pytest.mark.django_db(transaction=True)
def test_a_local_model_that_does_not_come_up_is_skipped(installed):
    seed_demo("sandbox")

    with pytest.raises(local_job.Skipped, match="did not start"):
        local_job.ask(User.objects.get(email=DEMO_EMAIL), Served())


@pytest.mark.django_db(transaction=True)
def test_a_local_model_that_takes_too_long_is_skipped_and_the_sandbox_serves_again(installed, monkeypatch):
    monkeypatch.setattr(local_job, "ANSWER_SECONDS", 0.5)
    # It takes connections and says nothing.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr("aditus.demo.seeds.LOCAL_PORT", port)
        seed_demo("sandbox")

        with pytest.raises(local_job.Skipped, match="had not answered after"):
            local_job.ask(User.objects.get(email=DEMO_EMAIL), Served(f"http://127.0.0.1:{port}"))

    serving = AIProviderConfig.objects.filter(is_active=True).values_list("provider_type", flat=True)
    assert set(serving) == {"gemini", "openai", "claude"}


# On ports of its own, so that a demo beside it is left in peace.
WHOLE_DEMO = """
import sys
import django
django.setup()
from aditus.demo import seeds
seeds.LOCAL_PORT, seeds.SANDBOX_PORT = map(int, sys.argv[1:])
from django.core.management import call_command
call_command("demo", "--provider", "sandbox")
"""


@pytest.mark.embedded
def test_the_whole_demo_shows_failover_a_lie_caught_a_quota_and_the_bill(tmp_path):
    keys = dict.fromkeys(key_variables(), "")
    shape = {"DATABASE_URL": "", "REDIS_URL": "", "DATA_DIR": str(tmp_path), "ENV_FILE": os.devnull}
    environment = os.environ | keys | shape | {"DJANGO_SETTINGS_MODULE": "aditus.settings"}
    ports = [str(free_port()), str(free_port())]

    done = subprocess.run(
        [sys.executable, "-c", WHOLE_DEMO, *ports],
        cwd=django_settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    said = done.stdout
    assert done.returncode == 0, done.stderr
    assert "gemini-2.5-flash         1 rate_limited" in said
    assert re.search(r"extraction +(openai|claude) +\S+ +2 success", said)
    assert "Zanzibar stands in the stored CV: no" in said
    assert re.search(r"refused work-\S+: .*(1999|240)", said)
    assert re.search(r"[1-9]\d* drafts were made, then: 429 quota_exceeded", said)
    assert "says, right or wrong:" in said or "skipped: " in said
    assert "unknown" not in said
    bill = re.findall(r"^   (\w+) +(\d+) requests +([\d.]+) USD$", said, re.MULTILINE)
    assert {"gemini", "openai", "claude", "together"} <= {provider for provider, _, _ in bill}
    *parts, (_, requests, total) = bill
    assert int(requests) == sum(int(count) for _, count, _ in parts)
    assert abs(float(total) - sum(float(cost) for _, _, cost in parts)) < 0.000005
