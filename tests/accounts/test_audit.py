"""The audit trail: what an entry says, and that nobody rewrites it unnoticed."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone as clock

from accounts import audit, audit_chain
from accounts.audit import Actor
from accounts.models import AppendOnly, AuditEntry, AuditHead, User
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def write(count=3):
    for number in range(1, count + 1):
        audit.record_alone(action=f"thing.done-{number}", actor=Actor.system(), changes={"n": [None, number]})


def raw_rows(**filters):
    """The rows as somebody with a database client sees them, past our refusals."""
    return AuditEntry._base_manager.filter(**filters)


def test_an_entry_says_who_did_what_from_where(super_admin, user):
    request = RequestFactory().post(
        "/admin/", REMOTE_ADDR="198.51.100.7", HTTP_USER_AGENT="Browser 1", HTTP_X_FORWARDED_FOR="203.0.113.9"
    )
    request.user = super_admin

    audit.record_alone(
        action="user.changed",
        actor=Actor.of_request(request),
        target=user,
        changes=audit.changes_between(
            {"role": "USER", "full_name": "A"}, {"role": "STAFF", "full_name": "A"}
        ),
    )

    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.actor_email, entry.door) == (super_admin, "root@example.com", "admin")
    assert (entry.target_type, entry.target_id, entry.target_label) == (
        "accounts.user",
        str(user.pk),
        "alice@example.com",
    )
    assert entry.changes == {"role": ["USER", "STAFF"]}
    # The header is the client's own word, so it is not believed.
    assert (entry.ip_address, entry.user_agent) == ("198.51.100.7", "Browser 1")
    assert (entry.outcome, entry.number) == ("done", 1)


def test_an_entry_has_room_for_what_strangers_send_and_no_more(user):
    request = RequestFactory().get("/", HTTP_USER_AGENT="b" * 201, REMOTE_ADDR="198.51.100.7")
    request.user = AnonymousUser()
    actor = replace(Actor.of_request(request, "api"), request_id="r" * 65)

    entry = audit.record_alone(action="thing.done", actor=actor, target_label="l" * 201, outcome="refused")

    assert (entry.user_agent, entry.request_id, entry.target_label) == ("b" * 200, "r" * 64, "l" * 200)
    assert (entry.actor, entry.actor_email, entry.door, entry.outcome) == (None, "", "api", "refused")
    assert (entry.target_type, entry.target_id) == ("", "")


def test_who_is_still_logging_in_is_named_by_hand(user, outsider):
    request = RequestFactory().get("/")
    request.user = outsider

    assert Actor.of_request(request, user=user).email == "alice@example.com"
    assert Actor.of_request(request).email == "charlie@example.com"


def test_a_label_comes_before_the_targets_own_name_and_a_row_without_a_number_has_none(user):
    entry = audit.record_alone(action="thing.done", actor=Actor.system(), target=user, target_label="Her")
    assert (entry.target_id, entry.target_label) == (str(user.pk), "Her")

    entry = audit.record_alone(
        action="thing.done", actor=Actor.system(), target=User(email="new@example.com")
    )
    assert (entry.target_type, entry.target_id, entry.target_label) == (
        "accounts.user",
        "",
        "new@example.com",
    )
    assert list(audit.entries_about(user)) == [AuditEntry.objects.get(target_label="Her")]


def test_each_entry_follows_from_the_one_before_and_the_head_is_the_last():
    write(3)

    entries = list(AuditEntry.objects.order_by("number"))
    head = AuditHead.objects.get()

    assert [entry.previous_hash for entry in entries] == ["", entries[0].hash, entries[1].hash]
    assert (head.number, head.hash) == (3, entries[2].hash)
    assert audit_chain.verify() == audit_chain.Verdict(entries=3, head_hash=head.hash)


def test_an_empty_trail_holds():
    assert audit_chain.verify() == audit_chain.Verdict(entries=0, head_hash="")


@pytest.mark.django_db(transaction=True)
def test_an_entry_is_told_to_the_log_once_it_is_there_and_a_command_knows_that_it_has_written_one(caplog):
    command = Actor.of_command("test_audit_tells")
    caplog.set_level("INFO", logger="accounts.audit")
    assert not audit.has_entered(command)

    with transaction.atomic():
        entry = audit.record(action="thing.done", actor=command)
        assert caplog.records == []

    [told] = caplog.records
    assert told.getMessage() == "Audit entry #1"
    facts = (told.audit_number, told.audit_hash, told.audit_action, told.audit_outcome)
    assert facts == (1, entry.hash, "thing.done", "done")
    assert audit.has_entered(command)
    audit.record_alone(action="thing.done", actor=Actor(door="api", email="someone@example.com"))
    assert not audit.has_entered(Actor(door="api", email="someone@example.com"))


def test_changes_are_the_fields_that_differ_by_name_and_what_one_side_lacks_was_nothing():
    changes = audit.changes_between({"b": 1, "same": 2, "gone": 3}, {"b": 2, "same": 2, "a": 4, "none": None})

    assert changes == {"a": [None, 4], "b": [1, 2], "gone": [3, None]}
    assert list(changes) == ["a", "b", "gone"]


def test_it_is_written_with_the_change_or_not_at_all(user):
    class Trouble(Exception):
        pass

    def change():
        user.full_name = "New"
        user.save()
        audit.record(action="user.changed", actor=Actor.system(), target=user)
        raise Trouble

    with pytest.raises(Trouble), transaction.atomic():
        change()

    assert AuditEntry.objects.count() == 0
    user.refresh_from_db()
    assert user.full_name == ""


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_refuses():
    with pytest.raises(RuntimeError, match="inside the transaction"):
        audit.record(action="thing.done", actor=Actor.system())


def test_values_of_every_kind_verify_after_a_round_trip(user):
    now = clock.now()
    after = {
        "cost": Decimal("0.10"),
        "big": 1e20,
        "half": 0.5,
        "when": now,
        "text": "naïve 🎈",
        "list": [1, None],
    }

    audit.record_alone(
        action="thing.done", actor=Actor.system(), changes=audit.changes_between({"when": None}, after)
    )

    assert audit_chain.verify().broken_at is None
    changes = AuditEntry.objects.get().changes
    assert changes["cost"] == [None, "0.10"]
    assert changes["half"] == [None, "0.5"]
    assert changes["when"] == [None, str(now)]


def test_entries_cannot_be_changed_or_deleted_through_the_models(user):
    write(2)
    entry = AuditEntry.objects.first()

    for attempt in (
        entry.save,
        entry.delete,
        lambda: AuditEntry.objects.update(action="nothing"),
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
        lambda: AuditEntry.objects.bulk_create([AuditEntry()]),
    ):
        with pytest.raises(AppendOnly):
            attempt()
    assert AuditEntry.objects.count() == 2


def test_deleting_a_person_leaves_their_entries_as_they_were(super_admin):
    request = RequestFactory().get("/admin/")
    request.user = super_admin
    audit.record_alone(action="thing.done", actor=Actor.of_request(request))
    pk = super_admin.pk

    super_admin.delete()

    entry = AuditEntry.objects.get()
    assert (entry.actor_id, entry.actor_email) == (pk, "root@example.com")
    assert audit_chain.verify().broken_at is None


def tamper(**changed):
    return lambda: raw_rows(number=2).update(**changed)


def tamper_time():
    raw_rows(number=2).update(created_at=clock.now() - timedelta(days=1))


def tamper_take_out():
    raw_rows(number=2)._raw_delete("default")


def tamper_swap():
    second, third = raw_rows(number__in=[2, 3]).order_by("number").values_list("action", flat=True)
    raw_rows(number=2).update(action=third)
    raw_rows(number=3).update(action=second)


def tamper_resign_without_the_key():
    row = raw_rows(number=2).get()
    row.action = "thing.forged"
    raw_rows(number=2).update(action=row.action, hash=audit_chain._hash(row, "a guess"))


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        (tamper(changes={"n": [None, 200]}), "content"),
        (tamper(actor_email="innocent@example.com"), "content"),
        (tamper(actor_id=77), "content"),
        (tamper(door="api"), "content"),
        (tamper(action="nothing"), "content"),
        (tamper(target_type="accounts.plan"), "content"),
        (tamper(target_id="7"), "content"),
        (tamper(target_label="other"), "content"),
        (tamper(outcome="refused"), "content"),
        (tamper(ip_address="198.51.100.7"), "content"),
        (tamper(user_agent="other"), "content"),
        (tamper(request_id="other"), "content"),
        (tamper(previous_hash="other"), "does not follow"),
        (tamper_time, "content"),
        (tamper_take_out, "Entry #2 is missing"),
        (tamper_swap, "content"),
        (tamper_resign_without_the_key, "content"),
    ],
)
def test_it_names_the_first_entry_that_does_not_hold(tamper, reason):
    write(4)
    head = AuditHead.objects.get()
    assert audit_chain.verify().broken_at is None

    tamper()

    verdict = audit_chain.verify()
    assert (verdict.broken_at, verdict.entries, verdict.head_hash) == (2, 1, head.hash)
    assert reason in verdict.reason
    with pytest.raises(CommandError, match="Broken at entry #2"):
        call_command("verify_audit")


def test_a_tail_cut_off_is_found_by_the_head():
    write(4)

    raw_rows(number=4)._raw_delete("default")

    verdict = audit_chain.verify()
    assert verdict.broken_at == 4
    assert "ends at #4, but it ends at #3" in verdict.reason


def test_a_tail_cut_off_together_with_the_head_is_found_by_an_anchor(capsys):
    write(3)
    call_command("verify_audit")
    anchor = capsys.readouterr().out.split()[-1]
    third = AuditEntry.objects.get(number=3)
    assert anchor == third.hash
    call_command("verify_audit", anchor=anchor)
    raw_rows(number=3)._raw_delete("default")
    AuditHead.objects.update(number=2, hash=third.previous_hash)

    assert audit_chain.verify().broken_at is None
    with pytest.raises(CommandError, match="anchor"):
        call_command("verify_audit", anchor=anchor)


def test_an_entry_put_in_behind_the_head_is_found():
    write(2)
    row = raw_rows(number=2).get()
    row.pk, row.number, row._state.adding = None, 3, True
    row.save(force_insert=True)

    verdict = audit_chain.verify()
    assert (verdict.broken_at, verdict.entries) == (3, 2)
    assert verdict.reason == "There are entries behind the end of the chain."


def test_what_was_signed_long_ago_is_signed_in_the_same_way_today():
    """Another way of writing an entry down would break every trail there is."""
    entry = AuditEntry(
        number=7,
        created_at=datetime(2026, 11, 21, 15, 0, 0, 5, tzinfo=timezone(timedelta(hours=3))),
        actor_id=3,
        actor_email="root@example.com",
        door="admin",
        action="user.changed",
        target_type="accounts.user",
        target_id="4",
        target_label="naïve 🎈",
        changes={"role": ["USER", "STAFF"], "a": [None, 1]},
        outcome="done",
        ip_address="198.51.100.7",
        user_agent="Browser 1",
        request_id="r-1",
        previous_hash="0" * 64,
    )

    assert (
        audit_chain._hash(entry, "a key")
        == "7934d91b0a387c7a0caee64c2b709a457b9057d02b415aebd2db88a3da427de7"
    )


def test_what_was_emptied_cannot_be_guessed_without_the_key():
    entry = AuditEntry(number=7, actor_email="root@example.com", created_at=clock.now(), changes={})
    digests = set()
    for key in ("one", "two"):
        audit_chain.sign(entry, key)
        digests |= {entry.actor_digest, entry.target_digest}

    assert len(digests) == 4


SAYS_NOTHING = {
    "actor_email": "system", "ip_address": "", "user_agent": "",
    "target_type": "accounts.plan", "target_label": "Pro", "changes": {"limit": [1, 2]},
}  # fmt: skip
A_PERSON = {"target_type": "accounts.user", "target_label": "", "changes": {}}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("actor", {"ip_address": "198.51.100.7"}),
        ("actor", {"user_agent": "Browser 1"}),
        ("actor", {"actor_email": "ann@example.com"}),
        ("target", A_PERSON | {"target_label": "Ann"}),
        ("target", A_PERSON | {"changes": {"role": ["USER", "STAFF"]}}),
        ("target", {"target_label": "ann@example.com"}),
        ("target", {"changes": {"to": ["", "ann@example.com"]}}),
        (None, {}),
        (None, A_PERSON),
    ],
)
def test_which_part_of_an_entry_says_something_of_a_person(part, said):
    write(1)
    raw_rows().update(**(SAYS_NOTHING | said))

    parts = {"actor": [], "target": []} | ({part: [1]} if part else {})
    assert audit_chain.parts_of(AuditEntry.objects.all()) == parts
    assert audit_chain.entries_about_people().count() == (1 if part else 0)
    raw_rows().update(actor_digest="")
    assert not audit_chain.entries_about_people().exists(), "what was signed as a whole cannot be emptied"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("actor", "actor_id"),
        ("actor", {"actor_email": "ann@example.com"}),
        ("target", "target_id"),
        ("target", {"target_label": "to Ann@example.com"}),
        ("target", {"changes": {"to": ["", "ann@example.com"]}}),
        ("target", {"changes": {"full_name": ["", "Anné Doe"]}}),
        (None, {"changes": {"full_name": ["", "Anné Doe the Younger"]}}),
        (None, {"changes": {"full_name": ["", ""]}}),
    ],
)
def test_which_part_of_an_entry_tells_of_somebody(part, said):
    ann = make_user("ann@example.com", full_name="Anné Doe")
    by_number = {
        "actor_id": {"actor_id": ann.pk},
        "target_id": {"target_type": "accounts.user", "target_id": str(ann.pk)},
    }
    write(1)
    raw_rows().update(**(SAYS_NOTHING | (by_number[said] if isinstance(said, str) else said)))

    assert audit_chain.parts_about(ann) == {"actor": [], "target": []} | ({part: [1]} if part else {})
    nameless = make_user("bob@example.com", full_name="")
    assert audit_chain.parts_about(nameless) == {"actor": [], "target": []}


def test_a_retired_key_still_verifies_what_it_signed(settings):
    settings.AUDIT_KEYS = ["old"]
    write(2)
    settings.AUDIT_KEYS = ["new", "old"]
    write(2)

    assert audit_chain.verify().entries == 4
    settings.AUDIT_KEYS = ["new"]
    assert audit_chain.verify().broken_at == 1


def test_a_shell_and_the_system_have_names():
    audit.record_alone(action="thing.done", actor=Actor.of_command("seed_demo"))
    audit.record_alone(action="thing.done", actor=Actor.system())

    entries = AuditEntry.objects.order_by("number").values_list("door", "actor_email")
    assert list(entries) == [("command", "manage.py seed_demo"), ("system", "system")]


def test_the_page_shows_and_does_not_change(client, super_admin):
    client.force_login(super_admin)
    audit.record_alone(
        action="provider.changed",
        actor=Actor.of_command("x"),
        target=make_user("target@example.com"),
        changes={"key": ["••••1111", "••••<b>2"]},
    )
    entry = AuditEntry.objects.get()

    listed = client.get("/admin/accounts/auditentry/", {"q": "target@example.com", "outcome__exact": "done"})
    shown = client.get(f"/admin/accounts/auditentry/{entry.pk}/change/")
    posted = client.post(f"/admin/accounts/auditentry/{entry.pk}/change/", {"action": "nothing"})
    deleted = client.post(f"/admin/accounts/auditentry/{entry.pk}/delete/", {"post": "yes"})

    assert b"provider.changed" in listed.content
    assert "••••1111 → ••••&lt;b&gt;2" in shown.content.decode()
    assert (posted.status_code, deleted.status_code) == (403, 403)
    assert client.get("/admin/accounts/auditentry/add/").status_code == 403
    assert AuditEntry.objects.get(pk=entry.pk).action == "provider.changed"
