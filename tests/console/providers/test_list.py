"""The provider list: figures of 30 days, health, and the buttons of a row."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from console.providers.figures import figures_of, with_last_use
from providers.encryption import SealedValue
from providers.models import AIProviderConfig
from tests.factories import make_config
from usage.models import AIProviderUsageLog

pytestmark = pytest.mark.django_db
LIST = "admin:providers_aiproviderconfig_changelist"


def add_call(config, *, status="success", days_ago=0, cost="0.002", attempt=1):
    return AIProviderUsageLog.objects.create(
        provider_config=config,
        provider_type=config.provider_type,
        model_name=config.model_name,
        task_type="extraction",
        request_id="r",
        attempt=attempt,
        status=status,
        input_tokens=10 if cost != "0" else 0,
        total_tokens=10 if cost != "0" else 0,
        estimated_cost_usd=None if cost is None else Decimal(cost),
        created_at=timezone.now() - timedelta(days=days_ago),
    )


def do(console, action, config, **data):
    url = reverse("admin:providers_aiproviderconfig_do", args=[config.pk, action])
    return console.post(url, data, follow=True)


def act(console, action, *configs, **more):
    data = {"action": action, "_selected_action": [config.pk for config in configs], **more}
    return console.post(reverse(LIST), data, follow=True)


def test_it_adds_up_the_calls_of_thirty_days():
    config = make_config()
    add_call(config)
    add_call(config, cost=None)
    add_call(config, status="error", cost="0", days_ago=3)
    add_call(config, status="aborted", days_ago=3)
    add_call(config, status="started", cost=None)
    add_call(config, days_ago=40)
    add_call(config, status="error", attempt=0)

    figures = figures_of([config.pk], now=timezone.now())[config.pk]

    assert (figures.calls, figures.answered, figures.failed) == (4, 3, 1)
    assert figures.error_rate == pytest.approx(1 / 3)
    assert figures.cost == Decimal("0.006")
    assert figures.unpriced == 1
    assert figures.daily[-1] == 2
    assert figures.daily[-4] == 2
    assert sum(figures.daily) == 4


def test_it_knows_when_a_provider_was_last_used():
    used, unused = make_config(), make_config()
    add_call(used, days_ago=2)
    latest = add_call(used, days_ago=1)
    add_call(unused, attempt=0)

    by_id = {config.pk: config.last_used_at for config in with_last_use(AIProviderConfig.objects.all())}

    assert by_id == {used.pk: latest.created_at, unused.pk: None}


def test_it_shows_six_to_a_page(console):
    for place in range(7):
        make_config(display_name=f"Provider {place}")

    first = console.get(reverse(LIST)).content.decode()
    second = console.get(reverse(LIST), {"p": "2"}).content.decode()

    assert first.count('class="action-select"') == 6
    assert second.count('class="action-select"') == 1


def test_it_asks_no_more_for_six_rows_than_for_one(console, django_assert_num_queries):
    add_call(make_config())
    console.get(reverse(LIST))
    # Session, user, their authenticator, their saved views, the count twice, the page, the standing of the
    # rollups, its figures of 30 days, and the calls and failures of the last day; and for the order all
    # providers, with standing, calls and failures.
    with django_assert_num_queries(15):
        console.get(reverse(LIST))
    for _ in range(5):
        add_call(make_config())

    with django_assert_num_queries(15):
        console.get(reverse(LIST))


def test_it_loads_with_a_key_that_cannot_be_decrypted(console):
    broken, sound = make_config(), make_config(api_key="sk-test-0123456789-9876")
    broken.api_key_encrypted = SealedValue("gAAAAAB-made-with-a-key-that-is-gone")
    broken.save()

    page = console.get(reverse(LIST)).content.decode()

    assert "cannot be decrypted, re-enter it" in page
    assert f"••••{sound.key_hint}" in page


@pytest.mark.parametrize(
    ("prepare", "label"),
    [
        (lambda config: AIProviderConfig.flag(config.pk, "auth"), "refused"),
        (lambda config: AIProviderConfig.flag(config.pk, "billing"), "unpaid"),
        (lambda config: config.record_test(is_valid=False), "failed its test"),
        (lambda config: config.record_test(is_valid=True), "healthy"),
        (lambda config: [add_call(config, status="error") for _ in range(10)], "many errors"),
        (lambda config: add_call(config), "healthy"),
        (lambda config: None, "unproven"),
    ],
)
def test_it_says_how_a_provider_is_doing(console, prepare, label):
    config = make_config()
    prepare(config)

    page = console.get(reverse(LIST)).content.decode()

    assert f">{label}</span>" in page


def test_it_finds_providers_by_name_and_by_task(console):
    make_config(display_name="Alpha", default_for_extraction=True)
    make_config(display_name="Beta")

    searched = console.get(reverse(LIST), {"q": "beta"}).content.decode()
    filtered = console.get(reverse(LIST), {"task": "extraction"}).content.decode()

    assert ("Alpha</a>" in searched, "Beta</a>" in searched) == (False, True)
    assert ("Alpha</a>" in filtered, "Beta</a>" in filtered) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_it_tests_keys_in_bulk(console, sandbox):
    good = make_config(base_url=sandbox.openai, model_name="sandbox-mini", display_name="Good")
    bad = make_config(api_key="sk-invalid-0123456789", base_url=sandbox.openai, display_name="Bad")

    page = act(console, "test_keys", good, bad).content.decode()

    assert "Good: The key works." in page
    assert "Bad: The provider refused the API key." in page
    assert list(AuditEntry.objects.filter(action="provider.tested").values_list("outcome", flat=True)) in (
        ["done", "failed"],
        ["failed", "done"],
    )


@pytest.mark.django_db(transaction=True)
def test_it_tests_a_key_by_the_button_of_its_row(console, sandbox):
    config = make_config(base_url=sandbox.openai, model_name="sandbox-mini", display_name="Good")

    page = do(console, "test", config).content.decode()

    config.refresh_from_db()
    assert "Good: The key works." in page
    assert config.last_test_success is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("model_name", "tag"), [("sandbox-mini", "success"), ("gpt-that-is-not-there", "warning")]
)
def test_a_key_that_works_for_a_model_that_is_not_there_is_amber(console, sandbox, model_name, tag):
    config = make_config(base_url=sandbox.openai, model_name=model_name, display_name="Good")
    typed = {
        "provider_type": "openai",
        "api_key": "sk-test-0123456789",
        "base_url": sandbox.openai,
        "model_name": model_name,
    }

    by_its_button = list(do(console, "test", config).context["messages"])
    in_bulk = list(act(console, "test_keys", config).context["messages"])
    tried = console.post(reverse("admin:providers_aiproviderconfig_check"), typed).json()
    added = console.post(reverse("admin:providers_aiproviderconfig_add"), typed, follow=True)

    assert [one.level_tag for one in (*by_its_button, *in_bulk)] == [tag, tag]
    assert tried["is_valid"] is True
    assert tried["tone"] == {"success": "good"}.get(tag, tag)
    told = [one.message for one in added.context["messages"] if "does not list the model" in one.message]
    assert len(told) == (tag == "warning")


def test_it_hands_the_default_over(console):
    make_config(is_default=True)
    new = make_config()

    do(console, "make-default", new)

    assert list(AIProviderConfig.objects.filter(is_default=True)) == [new]


def test_it_wants_exactly_one_for_the_default_in_bulk(console):
    page = act(console, "make_default", make_config(), make_config()).content.decode()

    assert "exactly one" in page
    assert not AIProviderConfig.objects.filter(is_default=True).exists()


def test_it_switches_providers_off_and_on(console):
    configs = [make_config(), make_config()]

    act(console, "deactivate", *configs, sure="yes")
    active_between = AIProviderConfig.objects.active().count()
    do(console, "activate", configs[0])

    assert active_between == 0
    assert list(AIProviderConfig.objects.active()) == [configs[0]]


def test_switching_the_last_one_off_is_asked_about_first(console):
    config = make_config(display_name="Main", is_default=True, default_for_extraction=True)

    asked = do(console, "deactivate", config).content.decode()
    config.refresh_from_db()
    was_active = config.is_active
    do(console, "deactivate", config, sure="yes")

    config.refresh_from_db()
    assert "Deactivate Main?" in asked
    assert "No other provider is active. Until one is, all calls are refused." in asked
    assert "Main is the default." in asked
    assert "Job extraction loses Main, its only first choice." in asked
    assert was_active
    assert not config.is_active


def test_several_are_switched_off_after_the_same_question(console):
    configs = [make_config(is_default=True), make_config()]

    asked = act(console, "deactivate", *configs).content.decode()

    assert AIProviderConfig.objects.active().count() == 2
    assert "No other provider is active." in asked
    for config in configs:
        assert f'name="_selected_action" value="{config.pk}"' in asked


def test_one_of_many_is_switched_off_at_once(console):
    one, _ = make_config(), make_config()

    do(console, "deactivate", one)

    assert AIProviderConfig.objects.active().count() == 1


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"last_test_success": False}, "The last test of the key failed."),
        ({"flag_reason": "auth", "flagged_at": timezone.now()}, "The vendor refused the key."),
        ({"is_active": False}, "It is inactive"),
    ],
)
def test_making_a_doubtful_one_the_default_is_asked_about_first(console, state, told):
    config = make_config()
    AIProviderConfig.objects.filter(pk=config.pk).update(**state)

    asked = do(console, "make-default", config).content.decode()
    config.refresh_from_db()
    was_default = config.is_default
    do(console, "make-default", config, sure="yes")

    config.refresh_from_db()
    assert told in asked
    assert not was_default
    assert config.is_default


def test_it_duplicates_a_provider_switched_off(console):
    source = make_config(display_name="Main", is_default=True, default_for_extraction=True, priority=3)

    do(console, "duplicate", source)

    copy = AIProviderConfig.objects.exclude(pk=source.pk).get()
    assert (copy.display_name, copy.priority) == ("Copy of Main", 3)
    assert (copy.is_active, copy.is_default, copy.default_tasks()) == (False, False, frozenset())
    assert copy.api_key_encrypted == source.api_key_encrypted


def test_it_goes_back_to_where_the_button_was_and_nowhere_else(console):
    config = make_config()
    url = reverse("admin:providers_aiproviderconfig_do", args=[config.pk, "activate"])

    home = console.post(url, {"next": "/admin/api-keys"})
    away = console.post(url, {"next": "https://evil.example/"})

    assert home.url == "/admin/api-keys"
    assert away.url == reverse(LIST)


def test_its_buttons_take_no_get(console):
    config = make_config()

    response = console.get(reverse("admin:providers_aiproviderconfig_do", args=[config.pk, "deactivate"]))

    config.refresh_from_db()
    assert response.status_code == 405
    assert config.is_active


def test_a_button_for_a_deleted_provider_says_so(console):
    config = make_config()
    config_id = config.pk
    config.delete()

    config.pk = config_id
    page = do(console, "make-default", config).content.decode()

    assert "There is no such provider configuration." in page


def test_bulk_deletion_is_not_offered(console):
    make_config()

    assert "delete_selected" not in console.get(reverse(LIST)).content.decode()


@pytest.mark.parametrize("role", ["USER", "STAFF"])
def test_nobody_else_enters(client, django_user_model, role):
    client.force_login(django_user_model.objects.create_user("other@example.com", "x", role=role))
    config = make_config()
    do_url = reverse("admin:providers_aiproviderconfig_do", args=[config.pk, "deactivate"])

    answers = [client.get(reverse(LIST)), client.get(reverse("api_keys")), client.post(do_url)]

    config.refresh_from_db()
    assert {answer.status_code for answer in answers} <= {302, 403}
    assert config.is_active
