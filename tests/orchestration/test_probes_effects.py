"""What a probe changes: flags that lists prove right or wrong, and nothing that they do not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import concurrency
from accounts.models import AuditEntry
from orchestration.errors import ProviderFailed
from orchestration.models import ProviderProbe
from orchestration.probes import runs
from orchestration.probes.asking import Finding
from orchestration.probes.records import BELIEVED_AGAIN_AFTER, record
from orchestration.probes.schedule import Traffic
from providers.configs.flags import flag
from providers.models import AIProviderConfig
from tests.contract.vendors import Recorder
from tests.factories import make_config
from tests.orchestration.probing import actions, circuit_of, flag_of, found, probe
from tests.usage.calls import make_calls

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refused_key_is_flagged_before_any_call_fails(config_at, sandbox, ask):
    refused = config_at(is_default=True)
    other = config_at()
    sandbox.fault("auth", on="models")

    concurrency.run(runs._probe_one(refused.pk))

    assert flag_of(refused) == "auth"
    assert actions() == [("provider.flagged", "system")]
    assert found(refused) == (False, "auth")
    assert ask().provider_config_id == other.pk
    assert sandbox.hits()["total"] == 1


def test_a_key_that_works_again_is_used_at_once(config_at, sandbox, ask):
    config = config_at()
    sandbox.fault("auth")
    with pytest.raises(ProviderFailed):
        ask()
    assert flag_of(config) == "auth"
    assert circuit_of(config) == [("open", "auth")]

    (probed,) = probe(early=False)

    assert probed.effect == "recovered"
    assert flag_of(config) == ""
    assert circuit_of(config) == [("closed", "")]
    assert actions() == [("provider.flagged", "system"), ("provider.recovered", "system")]
    recovered = AuditEntry.objects.get(action="provider.recovered")
    assert (recovered.target_id, recovered.changes) == (
        str(config.pk),
        {"flag_reason": ["auth", ""], "last_test_success": [None, True]},
    )
    assert ask().attempts == 1


def test_a_list_does_not_close_a_circuit_that_failing_calls_opened(config_at, sandbox, ask):
    config = config_at()
    sandbox.fault("server", times=5)
    for _ in range(3):
        with pytest.raises(ProviderFailed):
            ask()
    assert circuit_of(config) == [("open", "server")]

    (probed,) = probe(early=False)

    assert probed.finding.is_up is True
    assert circuit_of(config) == [("open", "server")]
    pause = ProviderProbe.objects.get().next_at - timezone.now()
    assert pause < timedelta(minutes=1), "failing calls are looked into by the minute"


@pytest.mark.parametrize(
    ("reason", "unlisted", "left"),
    [
        ("auth", "", ""),
        ("billing", "", "billing"),
        ("not_found", "", ""),
        ("not_found", "sandbox-large", "not_found"),
        ("not_found", "sandbox-text", ""),
    ],
)
def test_a_list_lifts_the_flags_that_it_disproves(config_at, sandbox, reason, unlisted, left):
    config = config_at("sandbox-mini", quality_model_name="models/sandbox-large")
    flag(config.pk, reason)
    if unlisted:
        sandbox.fault(f"unlisted={unlisted}", on="models")

    (probed,) = probe()

    assert flag_of(config) == left
    assert probed.effect == ("" if left else "recovered")


def test_a_failed_test_is_put_right_by_a_key_that_works(config_at):
    config = config_at()
    config.record_test(is_valid=False)

    (probed,) = probe()

    assert probed.effect == "recovered"
    config.refresh_from_db()
    assert (config.last_test_success, config.flag_reason) == (True, "")
    assert AuditEntry.objects.get().changes == {"last_test_success": [False, True]}


def test_a_flag_that_nobody_knows_any_more_stays(config_at):
    config = config_at()
    AIProviderConfig.objects.update(flag_reason="of old", flagged_at=timezone.now())

    assert probe()[0].effect == ""
    assert flag_of(config) == "of old"


@pytest.mark.parametrize("held", ["auth", "failed test"])
def test_a_list_that_any_key_gets_disproves_nothing(held):
    with Recorder(status=200, body=b'{"data": [{"id": "sandbox-mini"}]}') as public:
        config = make_config(provider_type="local", model_name="sandbox-mini", base_url=public.url)
        if held == "auth":
            flag(config.pk, "auth")
        else:
            config.record_test(is_valid=False)

        (probed,) = probe()

    config.refresh_from_db()
    assert (probed.finding.is_up, probed.effect) == (True, "")
    assert (config.flag_reason, config.last_test_success) == (
        ("auth", None) if held == "auth" else ("", False)
    )


def test_a_model_in_the_list_of_a_server_without_the_api_stays_flagged():
    def chat_only(_method, path, _key):
        return (200, b'{"data": [{"id": "sandbox-mini"}]}') if path.endswith("/models") else (404, b"{}")

    with Recorder(respond=chat_only) as server:
        config = make_config(model_name="sandbox-mini", base_url=server.url)
        flag(config.pk, "not_found")

        assert probe()[0].effect == ""

    assert flag_of(config) == "not_found"


def test_a_list_that_works_while_calls_are_refused_is_believed_once_an_hour(config_at):
    config = config_at("sandbox-mini")
    flag(config.pk, "auth")
    assert probe()[0].effect == "recovered"
    flag(config.pk, "auth")

    assert probe()[0].effect == ""
    assert flag_of(config) == "auth"

    AIProviderConfig.objects.update(proven_at=timezone.now() - BELIEVED_AGAIN_AFTER)
    assert probe()[0].effect == "recovered"


def test_where_the_list_itself_was_refused_its_word_counts_at_once(config_at, sandbox):
    config = config_at()
    config.record_test(is_valid=True)
    sandbox.fault("auth", on="models")
    assert probe()[0].effect == "flagged"

    assert probe()[0].effect == "recovered"
    assert flag_of(config) == ""


@pytest.mark.parametrize(("serving", "outcome"), [(True, (None, "auth")), (False, (False, "auth"))])
def test_a_key_that_may_not_list_is_believed_by_its_calls(config_at, sandbox, serving, outcome):
    config = config_at()
    make_calls(1, config, ago=timedelta(minutes=2 if serving else 60))
    sandbox.fault("forbidden", on="models")

    probe()

    assert found(config) == outcome
    assert flag_of(config) == ("" if serving else "auth")


REFUSED = Finding(is_up=False, error_kind="auth", latency_ms=3)


def test_a_key_replaced_meanwhile_is_not_judged_by_its_predecessor(config_at):
    asked = config_at()
    current = AIProviderConfig.objects.get(pk=asked.pk)
    current.set_api_key("sk-test-another-0123456789")
    current.save()

    assert record(asked, REFUSED, traffic=Traffic(), now=timezone.now()) is None
    assert flag_of(current) == ""
    assert not ProviderProbe.objects.exists()


def test_nor_is_an_address_by_the_one_before(config_at):
    asked = config_at()
    AIProviderConfig.objects.update(base_url="https://elsewhere.example/v1")

    assert record(asked, REFUSED, traffic=Traffic(), now=timezone.now()) is None
    assert flag_of(asked) == ""


def test_the_row_tells_the_latest_probe_and_since_when_it_has_been_so():
    config, start = make_config(), timezone.now()
    since = []

    for minute, is_up in enumerate([True, True, False, False, None, None]):
        now = start + timedelta(minutes=minute)
        finding = Finding(is_up=is_up, error_kind="" if is_up else "timeout", latency_ms=minute)
        recorded = record(config, finding, traffic=Traffic(), now=now)
        row = ProviderProbe.objects.get()
        assert (row.is_up, row.error_kind, row.latency_ms) == (is_up, finding.error_kind, minute)
        assert (row.checked_at, row.next_at, recorded.effect) == (now, recorded.next_at, "")
        since.append((row.since - start) // timedelta(minutes=1))

    assert since == [0, 0, 2, 2, 4, 4]
    ProviderProbe.objects.update(since=None)
    record(config, finding, traffic=Traffic(), now=now)
    assert ProviderProbe.objects.get().since == now


def test_a_config_deleted_meanwhile_leaves_nothing(config_at):
    asked = config_at()
    AIProviderConfig.objects.all().delete()

    assert record(asked, REFUSED, traffic=Traffic(), now=timezone.now()) is None
    assert not ProviderProbe.objects.exists()
