"""The home: one verdict, what to do next, and what the month costs."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.step_up import SESSION_KEY
from console.home import steps_of
from providers.models import AIProviderConfig
from tests.factories import make_config
from usage.models import AIProviderUsageLog, AlertChannel, AlertRun, QuotaCounter

pytestmark = pytest.mark.django_db
HOME = "/admin/"


def made_call(config):
    return AIProviderUsageLog.objects.create(
        provider_config=config,
        provider_type=config.provider_type,
        model_name=config.model_name,
        task_type="extraction",
        request_id="r",
        status="success",
        created_at=timezone.now(),
    )


def test_it_says_that_all_is_well(console, settings):
    settings.WORKERS_EXPECTED = False
    make_config(is_default=True)

    page = console.get(HOME).content.decode()

    assert "All is well." in page


def test_it_says_what_is_wrong_links_to_it_and_forgets_it_once_it_is_mended(console, settings):
    settings.WORKERS_EXPECTED = False
    config = make_config(display_name="Main")
    AIProviderConfig.flag(config.pk, "auth")

    wrong = console.get(reverse("admin:home_verdict")).content.decode()
    AIProviderConfig.objects.filter(pk=config.pk).update(flagged_at=None, flag_reason="")
    # A look within five seconds of another one tells what that one saw.
    AlertRun.objects.update(state_judged_at=timezone.now() - timedelta(minutes=1))
    mended = console.get(reverse("admin:home_verdict")).content.decode()

    assert 'class="chip bad">critical' in wrong
    assert reverse("admin:providers_aiproviderconfig_change", args=[config.pk]) in wrong
    assert "All is well." in mended


def test_getting_started_names_the_first_thing_that_is_left_to_do(console, super_admin):
    def next_step():
        steps = steps_of(super_admin, list(AIProviderConfig.objects.all()))
        return next(step for step in steps if not step.is_done)

    titles = [next_step().title]
    config = make_config(provider_type="local", model_name="ours", base_url="http://llama.internal/v1")
    titles.append(next_step().title)
    AIProviderConfig.objects.update(last_tested_at=timezone.now(), last_test_success=False)
    titles.append(next_step().title)
    # A server whose list of models needs no key was reached, and no more can be known of it.
    AIProviderConfig.objects.update(last_tested_at=timezone.now(), last_test_success=None)
    titles.append(next_step().title)
    AIProviderConfig.objects.update(default_for_extraction=True)
    titles.append(next_step().title)
    made_call(config)
    titles.append(next_step().title)

    assert titles == [
        "Add a provider",
        "Test its key",
        "Test its key",
        "Choose what it answers first",
        "Make the first call",
        "Have a price for every model",
    ]
    assert "?section=routing" in steps_of(super_admin, [config])[2].link
    assert "Next:" in console.get(HOME).content.decode()


def test_the_card_goes_when_everything_is_done(console, super_admin, monkeypatch):
    made_call(make_config(is_default=True))
    AIProviderConfig.objects.update(last_tested_at=timezone.now(), last_test_success=True)
    channel = AlertChannel.objects.create(name="On call", form="email", recipients="ops@example.com")
    sending = channel.deliveries.create(state="dead", created_at=timezone.now(), due_at=timezone.now())
    monkeypatch.setattr(type(super_admin), "has_second_factor", True)
    # Who has one and has not shown it is led elsewhere.
    session = console.session
    session[SESSION_KEY] = int(time.time())
    session.save()

    undelivered = console.get(HOME).content.decode()
    channel.deliveries.filter(pk=sending.pk).update(state="sent")

    assert "Next:" in undelivered
    assert reverse("admin:usage_alertchannel_change", args=[channel.pk]) in undelivered
    assert "Getting started" not in console.get(HOME).content.decode()


def test_a_limit_of_nothing_is_drawn_as_taken(console):
    make_config(display_name="Stopped", daily_token_limit=0)

    assert "0 of 0 tokens, 100\N{NO-BREAK SPACE}%" in console.get(HOME).content.decode()


def test_it_draws_the_fullest_limits_first(console):
    now = timezone.now()
    for name, used in (("Half", 50), ("Full", 95)):
        config = make_config(display_name=name, daily_token_limit=100)
        QuotaCounter.objects.create(scope=f"provider:{config.pk}", window=f"day:{now:%Y-%m-%d}", used=used)

    page = console.get(HOME).content.decode()

    assert page.index("95 of 100 tokens, 95\N{NO-BREAK SPACE}%") < page.index(
        "50 of 100 tokens, 50\N{NO-BREAK SPACE}%"
    )


def test_its_queries_do_not_grow_with_providers(console):
    def queries(more):
        for _ in range(more):
            make_config(daily_token_limit=100, monthly_cost_limit_usd=5)
        with CaptureQueriesContext(connection) as captured:
            console.get(HOME)
        return len(captured)

    queries(2)
    few = queries(1)

    assert queries(8) <= few


def test_the_figures_come_before_any_filter(console):
    make_config()

    page = console.get(HOME).content.decode()

    assert "statistics-form" not in page
    assert page.index('id="verdict"') < page.index('id="spend"') < page.index("data-panel")


def test_each_drawing_of_the_home_leads_to_a_table_and_csv_of_its_own(console):
    config = make_config(display_name="Capped", daily_token_limit=1_000, monthly_cost_limit_usd="5")
    QuotaCounter.objects.create(
        scope=f"provider:{config.pk}", window=f"day:{timezone.now():%Y-%m-%d}", used=900, reserved=50
    )

    page = console.get("/admin/").content.decode()
    limits = console.get(reverse("admin:usage_panel_csv", args=["limits"])).content.decode()
    month = console.get(reverse("admin:usage_panel_csv", args=["forecast"]))
    listed = console.get(reverse("admin:providers_aiproviderconfig_changelist")).content.decode()

    for panel in ("limits", "forecast"):
        assert f'href="#panel-{panel}"' in page
        assert f'id="panel-{panel}"' in page
    rows = limits.splitlines()
    assert rows[0] == "Provider,Window,Unit,Used,In flight,Limit,Of the limit"
    assert rows[1:] == ["Capped,today,tokens,900,50,1000,95.0", "Capped,this month,USD,0,0,5,0.0"]
    assert month.status_code == 200
    assert f"provider={config.pk}#panel-over-time" in listed
