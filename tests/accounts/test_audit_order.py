"""The entry is written last: who holds the end of the trail waits for nothing that others hold."""

from threading import Event, Thread

import pytest
from django.contrib.admin import ModelAdmin
from django.db import OperationalError, connection, transaction
from django.urls import reverse

from accounts import audit
from accounts.audit import Actor
from accounts.models import AuditEntry, Plan, User
from console.audited import AuditedAdmin
from providers.models import RoutingRevision
from tests.locks import somebody_waits
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.models import QuotaRule


def delete_a_rule(console):
    rule = QuotaRule.objects.create(
        plan=Plan.objects.get(slug="paygo"), task="extraction", unit="tokens", period="day", limit=9
    )
    return lambda: console.post(reverse("admin:usage_quotarule_delete", args=[rule.pk]), {"post": "yes"})


def delete_all_rules(console):
    delete_a_rule(console)
    chosen = list(QuotaRule.objects.values_list("pk", flat=True))
    data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    return lambda: console.post(reverse("admin:usage_quotarule_changelist"), data)


def change_a_plan(console):
    return lambda: console.post("/admin/accounts/plan/paygo/change/", {"name": "Pay"})


def the_revision(person):
    RoutingRevision.hold()


def the_person(person):
    """As deleting them does, or giving them another email."""
    User.objects.select_for_update().get(pk=person.pk)


def entry_before_deletion(monkeypatch):
    """The order in which others wait for the one who waits for them."""
    write = AuditedAdmin._write_deletions

    def delete_model(self, request, obj):
        with transaction.atomic():
            write(self, request, [self._before_deletion(obj)])
            ModelAdmin.delete_model(self, request, obj)

    def delete_queryset(self, request, queryset):
        with transaction.atomic():
            write(self, request, [self._before_deletion(obj) for obj in queryset])
            ModelAdmin.delete_queryset(self, request, queryset)

    monkeypatch.setattr(AuditedAdmin, "delete_model", delete_model)
    monkeypatch.setattr(AuditedAdmin, "delete_queryset", delete_queryset)


def entry_before_log(monkeypatch):
    def log_change(self, request, obj, message):
        changes = audit.changes_between(request.audit_before, self._facts_in_database(obj))
        self._write(request, obj, "changed", changes)
        return ModelAdmin.log_change(self, request, obj, message)

    monkeypatch.setattr(AuditedAdmin, "log_change", log_change)


CASES = [
    pytest.param(delete_a_rule, the_revision, entry_before_deletion, "quotarule.deleted", id="delete"),
    pytest.param(
        delete_all_rules, the_revision, entry_before_deletion, "quotarule.deleted", id="delete-many"
    ),
    pytest.param(change_a_plan, the_person, entry_before_log, "plan.changed", id="change"),
]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("entry_comes_first", [False, True])
@pytest.mark.parametrize(("prepare", "hold", "turn_round", "action"), CASES)
def test_a_change_in_the_console_and_one_elsewhere_do_not_wait_for_each_other(
    console, super_admin, monkeypatch, prepare, hold, turn_round, action, entry_comes_first
):
    """Somebody else holds a row that the console needs, and writes an entry as soon as the console waits.
    With the order turned round, the negative control, the database finds a deadlock and fails one of them."""
    if entry_comes_first:
        turn_round(monkeypatch)
    send = prepare(console)
    held, broken = Event(), []

    def elsewhere():
        try:
            with transaction.atomic():
                hold(super_admin)
                held.set()
                wait_until(somebody_waits)
                audit.record(action="elsewhere", actor=Actor.system())
        except OperationalError as error:
            broken.append(error)
        finally:
            connection.close()

    thread = Thread(target=elsewhere)
    thread.start()
    assert held.wait(PATIENCE_SECONDS)
    try:
        send()
    except OperationalError as error:
        broken.append(error)
    thread.join()

    assert len(broken) == entry_comes_first
    written = set(AuditEntry.objects.values_list("action", flat=True))
    assert ({"elsewhere", action} <= written) is not entry_comes_first


@pytest.mark.django_db
@pytest.mark.parametrize("many", [False, True])
def test_the_entry_of_a_deletion_still_knows_what_it_was(console, many):
    Plan.objects.create(slug="gone", name="Gone", daily_token_limit=7)
    if many:
        data = {"action": "delete_selected", "_selected_action": ["gone"], "post": "yes"}
        console.post("/admin/accounts/plan/", data)
    else:
        console.post("/admin/accounts/plan/gone/delete/", {"post": "yes"})

    assert not Plan.objects.filter(pk="gone").exists()
    entry = AuditEntry.objects.get(action="plan.deleted")
    assert (entry.target_type, entry.target_id, entry.target_label) == ("accounts.plan", "gone", "Gone")
    assert entry.changes["daily_token_limit"] == [7, None]
