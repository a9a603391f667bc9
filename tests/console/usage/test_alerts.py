"""Alerts, their channels and thresholds in the console, and the same over the API."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry
from console.usage.alert_advice import ADVICE
from providers.models import AIProviderConfig
from tests.factories import make_config, make_user
from tests.ports import free_port
from tests.usage.alerts.receivers import allow, make_channel, web_server
from tests.usage.calls import make_calls
from usage.alerts.conditions import kind_choices
from usage.alerts.judging import check
from usage.models import Alert, AlertChannel, AlertDelivery, AlertThresholds

pytestmark = pytest.mark.django_db

LIST = "/admin/usage/alert/"
API = "/api/v1/super-admin/alerts"


@pytest.fixture
def alert():
    """One that stands, of a cause that can be seen."""
    make_config(display_name="Main", is_active=False)
    check(now=timezone.now())
    return Alert.objects.get()


@pytest.fixture
def counted():
    """One that stands, from figures."""
    make_calls(50, make_config(), status="error", error_kind="server", ago=timedelta(minutes=5))
    check(now=timezone.now())
    return Alert.objects.get()


def press(console, alert, what, **form):
    return console.post(reverse(f"admin:usage_alert_{what}", args=[alert.pk]), form, follow=True)


def form_of(**fields):
    given = {
        "name": "Ops", "form": "webhook", "is_active": "on", "recipients": "", "minimum_severity": "warning",
        "sends_resolved": "on", "quiet_from": "", "quiet_until": "", "time_zone": "UTC",
        "critical_in_quiet_hours": "on", "new_url": "https://hooks.example.com/T0/s3cret", "new_secret": "",
    }  # fmt: skip
    return given | fields


def test_the_list_shows_what_stands_without_anybody_having_judged(console):
    make_config(is_active=False)

    page = console.get(LIST).content.decode()

    assert "Every provider is switched off" in page
    assert console.get(LIST, {"is": "resolved"}).context["cl"].result_count == 0


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("", 1), ("open", 1), ("acknowledged", 0), ("muted", 1), ("resolved", 0), ("all", 1), ("nonsense", 1)],
)
def test_the_list_is_filtered_by_state(console, alert, asked, expected):
    press(console, alert, "mute", hours="1")

    found = console.get(LIST, {"is": asked} if asked else {}).context["cl"]

    assert found.result_count == expected


def test_ten_more_alerts_add_no_query(console, alert):
    def queries():
        console.get(LIST)
        with CaptureQueriesContext(connection) as captured:
            console.get(LIST)
        return len(captured)

    few = queries()
    for number in range(10):
        Alert.objects.create(
            kind="latency", subject=f"config:{number}", group="calls", severity="warning", message="slow",
            state="open", episode=1, since=timezone.now(), seen_at=timezone.now(), opened_at=timezone.now(),
        )  # fmt: skip

    assert queries() == few


def test_the_buttons_do_one_thing_each_and_the_page_tells_of_it(console, alert):
    press(console, alert, "acknowledge", note="on it")
    press(console, alert, "mute", hours="24")
    page = console.get(f"{LIST}{alert.pk}/change/").content.decode()

    alert.refresh_from_db()
    assert alert.state == "acknowledged"
    assert timedelta(hours=23) < alert.muted_until - timezone.now() <= timedelta(hours=24)
    assert "“on it”" in page
    assert "Unmute" in page
    press(console, alert, "unmute")
    alert.refresh_from_db()
    assert alert.muted_until is None
    assert AuditEntry.objects.filter(action__startswith="alert.").count() == 3


def test_an_alert_s_page_says_what_to_do_and_there_is_no_kind_without_that(console, alert):
    page = console.get(f"{LIST}{alert.pk}/change/").content.decode()

    assert ADVICE[alert.kind] in page
    assert "docs/" not in page
    assert set(ADVICE) == {name for name, _ in kind_choices()}


def test_what_is_refused_is_told_in_words(console, alert):
    answer = press(console, alert, "resolve")

    assert "mute the alert" in answer.content.decode()


def test_the_selected_are_done_one_by_one(console, alert):
    act = {"action": "resolve_selected", "_selected_action": [alert.pk]}

    answer = console.post(LIST, act, follow=True)

    assert "1 left as they are" in answer.content.decode()
    console.post(LIST, act | {"action": "acknowledge_selected"})
    assert Alert.objects.get().state == "acknowledged"


def test_one_from_figures_can_be_resolved(console, counted):
    press(console, counted, "resolve")

    counted.refresh_from_db()
    assert counted.state == "resolved"


@pytest.mark.parametrize("role", [None, "USER", "STAFF"])
def test_nobody_else_sees_or_presses(client, alert, role):
    if role:
        client.force_login(make_user("someone@example.com", role=role))

    assert client.get(LIST).status_code in {302, 403}
    assert client.post(reverse("admin:usage_alert_acknowledge", args=[alert.pk])).status_code in {302, 403}
    assert client.get(reverse("admin:usage_alertchannel_changelist")).status_code in {302, 403}
    assert Alert.objects.get().state == "open"


def test_a_channels_address_and_secret_go_in_and_never_come_out(console):
    add = reverse("admin:usage_alertchannel_add")
    console.post(add, form_of(new_secret="hush-hush"))
    channel = AlertChannel.objects.get()
    change = reverse("admin:usage_alertchannel_change", args=[channel.pk])

    page = console.get(change)

    assert (channel.url.reveal(), channel.secret.reveal()) == (
        "https://hooks.example.com/T0/s3cret", "hush-hush"
    )  # fmt: skip
    shown = page.content.decode() + str(list(AuditEntry.objects.values_list("changes", flat=True)))
    assert "s3cret" not in shown
    assert "hush-hush" not in shown
    assert "hooks.example.com" in shown


def test_left_empty_they_stay_and_entered_they_are_replaced(console):
    console.post(reverse("admin:usage_alertchannel_add"), form_of(new_secret="hush-hush"))
    change = reverse("admin:usage_alertchannel_change", args=[AlertChannel.objects.get().pk])

    def save(**fields):
        seen = console.get(change).context["adminform"].form.seen_state
        return console.post(change, form_of(**fields) | {"seen_state": seen})

    save(name="Nights", new_url="")
    kept = AlertChannel.objects.get()
    save(name="Nights", new_url="https://other.example.com/x", new_secret="new-one")
    replaced = AlertChannel.objects.get()

    assert (kept.name, kept.url.reveal()) == ("Nights", "https://hooks.example.com/T0/s3cret")
    assert replaced.url_hint == "other.example.com/…"
    assert replaced.secret.reveal() == "new-one"


@pytest.mark.parametrize(
    ("column", "entered"),
    [("url", {"new_url": "https://hooks.example.com/T1/0ther"}), ("secret", {"new_secret": "new-one"})],
)
def test_that_an_address_on_the_same_host_or_a_secret_was_changed_is_in_the_audit_trail(
    console, column, entered
):
    console.post(reverse("admin:usage_alertchannel_add"), form_of(new_secret="hush-hush"))
    change = reverse("admin:usage_alertchannel_change", args=[AlertChannel.objects.get().pk])
    seen = console.get(change).context["adminform"].form.seen_state

    console.post(change, form_of(new_url="") | entered | {"seen_state": seen})

    entry = AuditEntry.objects.get(action="alertchannel.changed")
    assert list(entry.changes) == [column]
    assert not set(entered.values()) & set(map(str, entry.changes[column]))


@pytest.mark.parametrize(
    ("mine", "is_stored"),
    [({"new_url": "https://hooks.example.com/mine"}, False), ({"name": "Nights", "new_url": ""}, True)],
)
def test_of_two_who_enter_an_address_the_second_is_refused_and_who_does_not_keeps_the_first_s(
    console, mine, is_stored
):
    console.post(reverse("admin:usage_alertchannel_add"), form_of())
    change = reverse("admin:usage_alertchannel_change", args=[AlertChannel.objects.get().pk])
    seen = console.get(change).context["adminform"].form.seen_state
    console.post(change, form_of(new_url="https://hooks.example.com/theirs") | {"seen_state": seen})

    answer = console.post(change, form_of(**mine) | {"seen_state": seen})

    assert answer.status_code == (302 if is_stored else 200)
    stored = AlertChannel.objects.get()
    assert stored.url.reveal() == "https://hooks.example.com/theirs"
    assert stored.name == ("Nights" if is_stored else "Ops")


@pytest.mark.parametrize(
    "fields",
    [
        {"new_url": ""},
        {"new_url": "http://169.254.169.254/"},
        {"new_url": "http://127.0.0.1/"},
        {"new_url": "ftp://example.com/"},
        {"form": "email"},
        {"form": "email", "recipients": "nobody"},
        {"form": "email", "recipients": "a@example.com\r\nBcc: b@example.com"},
        {"time_zone": "Mars/Olympus"},
        {"quiet_from": "22:00"},
        {"kinds": ["nonsense"]},
    ],
)
def test_what_no_notice_could_be_sent_by_is_not_stored(console, fields):
    answer = console.post(reverse("admin:usage_alertchannel_add"), form_of(**fields))

    assert answer.status_code == 200
    assert not AlertChannel.objects.exists()


@pytest.mark.parametrize(
    "odd", ["http://[", "https://hooks.example.com/T0", "ops", "http://169.254.169.254/"]
)
def test_what_stands_in_an_e_mail_s_address_is_not_looked_at(console, odd):
    fields = form_of(form="email", recipients="ops@example.com", new_url=odd)

    answer = console.post(reverse("admin:usage_alertchannel_add"), fields)

    assert answer.status_code == 302
    assert (AlertChannel.objects.get().url, AlertChannel.objects.get().url_hint) == (None, "")


def test_the_test_button_sends_and_says_what_came_of_it(console, settings):
    port = free_port()
    allow(settings, port)
    channel = make_channel(f"http://127.0.0.1:{port}/")
    address = reverse("admin:usage_alertchannel_test", args=[channel.pk])

    down = console.post(address, follow=True).content.decode()
    with web_server(port) as hook:
        up = console.post(address, follow=True).content.decode()

    assert "could not be reached" in down
    assert "taken by the receiver" in up
    assert len(hook.posts) == 1
    log = console.get(reverse("admin:usage_alertdelivery_changelist")).content.decode()
    assert "Given up" in log
    assert console.get(address).status_code == 405
    assert AlertDelivery.objects.count() == 2


def test_there_is_one_row_of_thresholds_for_all(console):
    add = reverse("admin:usage_alertthresholds_add")
    empty = dict.fromkeys(
        ("provider_config", "p95_latency_ms", "fewest_calls", "cost_factor", "cost_floor_usd"), ""
    )

    first = console.post(add, empty | {"error_rate_percent": "5"})
    second = console.post(add, empty | {"error_rate_percent": "6"})

    assert (first.status_code, second.status_code) == (302, 200)
    assert AlertThresholds.objects.get().error_rate_percent == 5


def test_the_api_lists_the_worst_first_and_tells_the_history(admin_api, alert):
    make_config(display_name="In use")
    make_config(key_expires_at=timezone.now() - timedelta(days=2))
    check(now=timezone.now())
    # The newest, and not the worst.
    AIProviderConfig.objects.filter(is_active=False).update(is_default=True)
    check(now=timezone.now())

    listed = admin_api.get(API).json()["data"]
    one = admin_api.get(f"{API}/{alert.pk}").json()["data"]

    kinds = [row["kind"] for row in listed["results"]]
    assert kinds == ["key_expired", "default_inactive"]
    assert [event["what"] for event in one["events"]] == ["resolved", "opened"]
    assert admin_api.get(f"{API}?state=resolved").json()["data"]["count"] == 1
    assert admin_api.get(f"{API}?group=cost").json()["data"]["count"] == 0
    assert len(admin_api.get("/api/v1/super-admin/providers/alerts").json()["data"]) == 2


def test_the_api_acts(admin_api, alert):
    done = admin_api.post(f"{API}/{alert.pk}/acknowledge", {"note": "on it"}, format="json")
    muted = admin_api.post(f"{API}/{alert.pk}/mute", {"hours": 2}, format="json")
    heard = admin_api.post(f"{API}/{alert.pk}/unmute", {}, format="json")
    refused = admin_api.post(f"{API}/{alert.pk}/resolve", {}, format="json")

    assert done.json()["data"]["state"] == "acknowledged"
    assert muted.json()["data"]["is_muted"] is True
    assert heard.json()["data"]["is_muted"] is False
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "alert_still_holds")


@pytest.mark.parametrize(
    ("address", "body", "status"),
    [
        ("{pk}/mute", {}, 400),
        ("{pk}/mute", {"hours": 0}, 400),
        ("{pk}/mute", {"hours": 10**9}, 400),
        ("{pk}/mute", {"hours": "NaN"}, 400),
        ("{pk}/acknowledge", {"note": "x" * 301}, 400),
        ("{pk}/acknowledge", {"who": "me"}, 400),
        ("0/acknowledge", {}, 404),
    ],
)
def test_bad_input_is_refused(admin_api, alert, address, body, status):
    answer = admin_api.post(f"{API}/{address.format(pk=alert.pk)}", body, format="json")

    assert answer.status_code == status


def test_the_api_is_for_super_admins(api, alert):
    assert api.get(API).status_code == 403
    assert api.post(f"{API}/{alert.pk}/acknowledge", {}, format="json").status_code == 403
