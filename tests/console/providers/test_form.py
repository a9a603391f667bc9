"""The provider form: the key goes in, is checked with the vendor, and never comes out."""

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts.models import AuditEntry
from orchestration.models import Experiment, ExperimentArm
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.contract.vendors import Recorder
from tests.factories import make_config, make_user

pytestmark = pytest.mark.django_db
KEY = "sk-canary-0123456789-beekeeper"
ADD = "admin:providers_aiproviderconfig_add"


@pytest.fixture
def fields(sandbox):
    """What the form sends for a new provider whose vendor is the sandbox."""

    def made(**overrides):
        return {
            "provider_type": "openai",
            "display_name": "Main account",
            "model_name": "sandbox-mini",
            "is_active": "on",
            "base_url": sandbox.openai,
            "api_key": KEY,
        } | overrides

    return made


def change_url(config, section="overview"):
    return f"{reverse('admin:providers_aiproviderconfig_change', args=[config.pk])}?section={section}"


def test_it_adds_a_provider_with_its_key_sealed_and_tested(console, super_admin, fields):
    response = console.post(reverse(ADD), fields(), follow=True)

    config = AIProviderConfig.objects.get()
    assert response.status_code == 200
    assert config.api_key_encrypted.reveal() == KEY
    assert config.key_hint == "eper"
    assert config.created_by == super_admin
    assert config.last_test_success is True
    assert KEY not in response.content.decode()


def test_it_stores_nothing_when_the_vendor_refuses_the_key(console, fields):
    response = console.post(reverse(ADD), fields(api_key="sk-invalid-0123456789"))

    assert "The provider refused the API key. Nothing was stored." in response.content.decode()
    assert not AIProviderConfig.objects.exists()


def test_it_saves_an_unchecked_key_only_when_told_to(console, fields, unused_tcp_port):
    nobody = {"base_url": f"http://127.0.0.1:{unused_tcp_port}/v1"}

    refused = console.post(reverse(ADD), fields(**nobody)).content.decode()
    stored_before = AIProviderConfig.objects.exists()
    console.post(reverse(ADD), fields(**nobody, save_anyway="on"))

    assert "could not be reached" in refused
    assert 'type="checkbox" name="save_anyway"' in refused
    assert not stored_before
    assert AIProviderConfig.objects.get().last_test_success is None


def test_it_says_of_a_server_whose_list_needs_no_key_that_only_a_call_proves_the_key(console, fields):
    with Recorder(status=200, body=b'{"data": [{"id": "sandbox-mini"}]}') as public:
        typed = fields(provider_type="local", base_url=public.url)

        tried = console.post(reverse("admin:providers_aiproviderconfig_check"), typed).json()
        saved = console.post(reverse(ADD), typed)
        config = AIProviderConfig.objects.get()
        tested = console.post(reverse("admin:providers_aiproviderconfig_do", args=[config.pk, "test"]))

    told = [message for page in (saved, tested) for message in get_messages(page.wsgi_request)]
    assert (tried["is_valid"], tried["outcome"]) == (None, "list_needs_no_key")
    assert (config.last_test_success, config.last_tested_at is None) == (None, False)
    assert [m.level_tag for m in told if "needs no key" in m.message] == ["warning", "warning"]
    listed = console.get(reverse("admin:providers_aiproviderconfig_changelist")).content.decode()
    assert "reached the server" in listed
    assert "Test failed" not in listed


def test_it_says_at_once_that_a_server_has_no_responses_api(console, fields):
    def chat_only(_method, path, _key):
        return (200, b'{"data": [{"id": "m"}]}') if path.endswith("/models") else (404, b"{}")

    with Recorder(respond=chat_only) as server:
        typed = fields(base_url=server.url)
        refused = console.post(reverse(ADD), typed).content.decode()
        stored_before = AIProviderConfig.objects.exists()
        console.post(reverse(ADD), typed | {"save_anyway": "on"})

    assert "choose the type OpenAI-compatible server" in refused
    assert 'type="checkbox" name="save_anyway"' in refused
    assert not stored_before
    assert AIProviderConfig.objects.get().last_tested_at is None


def test_it_never_saves_a_refused_key_even_when_told_to(console, fields):
    console.post(reverse(ADD), fields(api_key="sk-invalid-0123456789", save_anyway="on"))

    assert not AIProviderConfig.objects.exists()


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"api_key": ""}, "Enter the API key."),
        (
            {"api_key": "AIzaSyD0123456789012345678901234567890", "base_url": ""},
            "does not look like a key of OpenAI",
        ),
        ({"provider_type": "local", "api_key": "", "base_url": ""}, "base URL"),
        ({"base_url": "file:///etc/passwd"}, "Enter an http or https address."),
    ],
)
def test_it_refuses_input_that_cannot_work_without_asking_anyone(
    console, fields, sandbox, overrides, complaint
):
    response = console.post(reverse(ADD), fields(**overrides))

    assert complaint in response.content.decode()
    assert not AIProviderConfig.objects.exists()
    assert sandbox.hits()["model_lists"] == {}


def test_it_does_not_send_a_refused_key_back(console, fields):
    response = console.post(reverse(ADD), fields(model_name=""))

    assert KEY not in response.content.decode()


def test_it_shows_no_key_and_no_token_on_any_page(console):
    config = make_config(api_key=KEY)
    urls = [
        reverse("admin:providers_aiproviderconfig_changelist"),
        *(change_url(config, section) for section in ("overview", "keys", "routing", "limits")),
        reverse("admin:providers_aiproviderconfig_prices", args=[config.pk]),
        reverse("admin:providers_aiproviderconfig_try", args=[config.pk]),
        reverse("admin:providers_aiproviderconfig_history", args=[config.pk]),
        reverse("admin:providers_aiproviderconfig_delete", args=[config.pk]),
        reverse("api_keys"),
    ]

    pages = [console.get(url).content.decode() for url in urls]

    for page in pages:
        assert KEY not in page
        assert config.api_key_encrypted.token not in page


@pytest.mark.parametrize("section", ["overview", "keys", "routing", "limits"])
def test_no_section_changes_the_key_the_address_or_the_vendor(console, sandbox, section):
    config = make_config(api_key=KEY, base_url=sandbox.openai)
    typed = {
        "provider_type": "claude",
        "api_key": "sk-test-another-0123456789",
        "base_url": "https://elsewhere.example/v1",
        "display_name": "Renamed",
        "model_name": "sandbox-mini",
        "timeout": "60",
        "priority": "0",
        "weight": "1",
    }

    answer = console.post(change_url(config, section), typed)

    config.refresh_from_db()
    assert answer.url.startswith(change_url(config).partition("?")[0])
    assert (config.provider_type, config.base_url) == ("openai", sandbox.openai)
    assert config.api_key_encrypted.reveal() == KEY
    assert sandbox.hits()["model_lists"] == {}


def test_a_section_keeps_what_belongs_to_the_others(console):
    config = make_config(priority=7, daily_token_limit=500, default_for_extraction=True)

    console.post(change_url(config), {"display_name": "Renamed"})

    config.refresh_from_db()
    assert config.display_name == "Renamed"
    assert (config.priority, config.daily_token_limit, config.is_active) == (7, 500, True)
    assert config.default_tasks() == {"extraction"}


def test_a_key_typed_beside_a_mistake_is_kept_sealed_and_stored_at_the_next_saving(console, fields):
    refused = console.post(reverse(ADD), fields(model_name=""))
    held = refused.context["adminform"].form.held_key

    console.post(reverse(ADD), fields(api_key="", held_key=held))

    page = refused.content.decode()
    assert "The key you typed is kept." in page
    assert f'name="held_key" value="{held}"' in page
    assert KEY not in page
    assert AIProviderConfig.objects.get().api_key_encrypted.reveal() == KEY


def test_a_held_key_is_nobody_elses(console, fields, client):
    refused = console.post(reverse(ADD), fields(model_name=""))
    held = refused.context["adminform"].form.held_key
    client.force_login(make_user("other@example.com", role="SUPER_ADMIN"))

    page = client.post(reverse(ADD), fields(api_key="", held_key=held)).content.decode()

    assert "Enter the API key." in page
    assert not AIProviderConfig.objects.exists()


def test_a_key_the_vendor_refused_is_asked_for_again(console, fields):
    refused = console.post(reverse(ADD), fields(api_key="sk-invalid-0123456789"))

    assert refused.context["adminform"].form.held_key == ""
    assert "Enter the key again." in refused.content.decode()


def test_test_and_save_read_what_is_typed_alike(console, fields, sandbox):
    typed = fields(api_key=f"  {KEY}\n", base_url=f" {sandbox.openai} ", model_name=" sandbox-mini ")

    tried = console.post(reverse("admin:providers_aiproviderconfig_check"), typed).json()
    console.post(reverse(ADD), typed)

    config = AIProviderConfig.objects.get()
    assert tried["is_valid"] is True
    assert (config.api_key_encrypted.reveal(), config.base_url) == (KEY, sandbox.openai)
    assert config.model_name == "sandbox-mini"


def test_limits_that_contradict_each_other_are_told(console):
    config = make_config()
    limits = {
        "daily_token_limit": "900000",
        "monthly_token_limit": "1000",
        "max_concurrent_calls": "9",
        "requests_per_minute": "3",
    }

    page = console.post(change_url(config, "limits"), limits, follow=True).content.decode()

    assert "The daily limit of 900,000 tokens is above the monthly one of 1,000" in page
    assert "9 calls may be under way, but only 3 a minute may begin." in page


def test_it_opens_with_a_key_that_cannot_be_decrypted(console):
    config = make_config()
    config.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    config.save()

    assert console.get(change_url(config)).status_code == 200


def test_it_sets_the_tasks_that_are_ticked(console, fields):
    console.post(reverse(ADD), fields(tasks=["extraction", "cover_letter"]))

    config = AIProviderConfig.objects.get()
    assert config.default_tasks() == {"extraction", "cover_letter"}
    assert config.default_for_cv_draft is False


def test_it_keeps_a_task_that_is_not_registered_here(console):
    config = make_config(extra_default_tasks=["interview"])

    console.post(change_url(config, "routing"), {"tasks": ["cv_draft"], "priority": "0", "weight": "1"})

    config.refresh_from_db()
    assert config.default_tasks() == {"cv_draft", "interview"}


def seen_of(console, config):
    """What the page of the row says was shown to who opens it now."""
    return console.get(change_url(config)).context["adminform"].form.seen_state


def test_it_tells_the_second_of_two_admins_what_the_first_changed(console):
    config = make_config(display_name="Before")
    seen = seen_of(console, config)
    console.post(change_url(config), {"display_name": "From the first", "seen_state": seen})

    second = {"display_name": "From the second", "seen_state": seen}
    page = console.post(change_url(config), second).content.decode()

    config.refresh_from_db()
    assert config.display_name == "From the first"
    assert "root@example.com changed name from “Before” to “From the first”" in page
    assert 'value="From the second"' in page


def test_what_only_one_of_two_admins_changed_is_kept(console):
    config = make_config(display_name="Before", description="Old")
    seen = seen_of(console, config)
    console.post(change_url(config), {"display_name": "Before", "description": "New", "seen_state": seen})

    second = {"display_name": "After", "description": "Old", "seen_state": seen}
    page = console.post(change_url(config), second, follow=True).content.decode()

    config.refresh_from_db()
    assert (config.display_name, config.description) == ("After", "New")
    assert "root@example.com changed description from “Old” to “New”. That was kept" in page


def test_it_lets_the_second_admin_overwrite_knowingly(console):
    config = make_config(display_name="Before")
    seen = seen_of(console, config)
    console.post(change_url(config), {"display_name": "Theirs", "seen_state": seen})
    mine = {"display_name": "Mine", "seen_state": seen}

    refused = console.post(change_url(config), mine)
    console.post(change_url(config), mine | {"seen_state": refused.context["adminform"].form.seen_state})

    config.refresh_from_db()
    assert config.display_name == "Mine"


def test_it_asks_for_a_fresh_second_factor_before_a_key_is_stored(console, fields, super_admin, settings):
    settings.MFA_REQUIRED = True

    console.post(reverse(ADD), fields())

    assert not AIProviderConfig.objects.exists()


def test_it_says_what_hangs_on_a_provider_before_deleting_it(console):
    config = make_config(is_default=True, default_for_extraction=True)

    page = console.get(reverse("admin:providers_aiproviderconfig_delete", args=[config.pk])).content.decode()

    assert "No call was ever made through it." in page
    assert "<strong>Job extraction</strong> loses its first choice" in page
    assert "It is the default." in page
    assert "It is the only active provider." in page


def test_what_is_deleted_with_a_provider_is_said_before_and_audited_after(console):
    config = make_config()
    experiment = Experiment.objects.create(name="Cheaper", task="extraction")
    ExperimentArm.objects.create(experiment=experiment, name="mini", provider_config=config)
    ExperimentArm.objects.create(experiment=experiment, name="as it is")
    url = reverse("admin:providers_aiproviderconfig_delete", args=[config.pk])

    page = console.get(url).content.decode()
    console.post(url, {"post": "yes"})

    assert "The experiment arm “Cheaper: mini” is deleted with it." in page
    assert "as it is" not in page
    assert [arm.name for arm in experiment.arms.all()] == ["as it is"]
    changes = AuditEntry.objects.get(action="provider.deleted").changes
    assert changes["deleted_with_it"] == [["experiment arm “Cheaper: mini”"], None]


def test_it_deletes_a_provider_and_audits_what_it_was(console):
    config = make_config(display_name="Old account")

    console.post(reverse("admin:providers_aiproviderconfig_delete", args=[config.pk]), {"post": "yes"})

    entry = AuditEntry.objects.get(action="provider.deleted")
    assert not AIProviderConfig.objects.exists()
    assert entry.target_id == str(config.pk)
    assert entry.changes["display_name"] == ["Old account", None]


def test_spending_caps_are_set_in_the_form_and_are_in_the_audit_trail(console):
    config = make_config(daily_cost_limit_usd="2.5")

    console.post(change_url(config, "limits"), {"daily_cost_limit_usd": "3", "monthly_cost_limit_usd": "40"})

    config.refresh_from_db()
    assert (config.daily_cost_limit_usd, config.monthly_cost_limit_usd) == (3, 40)
    changes = AuditEntry.objects.get(action="provider.updated").changes
    assert [float(value) for value in changes["daily_cost_limit_usd"]] == [2.5, 3.0]
    assert "monthly_cost_limit_usd" in changes
