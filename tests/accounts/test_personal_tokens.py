"""Personal access tokens: made, seen, used and ended."""

import asyncio
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.db.models import TextField, Value
from django.utils import timezone

from accounts import concurrency, personal_tokens
from accounts.audit import Actor
from accounts.concurrency import Recent
from accounts.models import AuditEntry, PersonalToken, User
from accounts.personal_tokens import InvalidPersonalToken, TooManyPersonalTokens
from providers.redaction import redact
from tests.waiting import PATIENCE_SECONDS
from usage.models import QuotaCounter
from usage.quotas import window_of

pytestmark = pytest.mark.django_db

URL = "/api/v1/me/tokens"


def make(user, name="CI", **fields):
    return personal_tokens.create(user=user, name=name, actor=Actor.system(), **fields)


def test_the_secret_is_shown_once_and_kept_nowhere(api, user):
    response = api.post(URL, {"name": "CI", "tasks": ["chat"], "daily_token_limit": 5_000}, format="json")

    secret = response.json()["data"]["secret"]
    assert response.status_code == 201
    assert personal_tokens.find(secret).user == user
    listed = api.get(URL).json()["data"]["results"][0]
    assert "secret" not in listed
    assert secret.startswith(listed["hint"])
    row = PersonalToken.objects.values().get()
    assert secret not in str(row)
    assert secret not in redact(f"Authorization failed for {secret}.")
    assert AuditEntry.objects.get().action == "personal_token.created"
    assert secret not in str(AuditEntry.objects.values().get())


def test_what_it_used_of_its_own_limits_is_told(api, user):
    token, _ = make(
        user, limits=personal_tokens.TokenLimits(daily_token_limit=1_000, monthly_cost_limit_usd="2")
    )
    day = window_of("day", timezone.now())
    QuotaCounter.objects.create(scope=f"access_token:{token.pk}", window=day, used=300, reserved=100)

    quotas = api.get(URL).json()["data"]["results"][0]["quotas"]

    told = [(quota["unit"], quota["window"], quota["limit"], quota["left"]) for quota in quotas]
    assert told == [("tokens", "day", 1_000, 600), ("usd", "month", "2", "2")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("tasks", ["flying"]),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("daily_token_limit", 0),
        ("monthly_cost_limit_usd", "-1"),
        ("secret", "mine"),
    ],
)
def test_what_cannot_be_is_refused(api, field, value):
    response = api.post(URL, {"name": "CI", field: value}, format="json")

    assert response.status_code == 400
    assert list(response.json()["error"]["details"]["fields"]) == [field]


def test_its_owner_ends_it_and_nobody_else_can(api, user, outsider):
    token, secret = make(user)
    others, _ = make(outsider)

    assert api.delete(f"{URL}/{others.pk}").status_code == 404
    assert api.delete(f"{URL}/{token.pk}").status_code == 204

    with pytest.raises(InvalidPersonalToken):
        personal_tokens.find(secret)
    assert [entry.action for entry in AuditEntry.objects.all()][:1] == ["personal_token.revoked"]
    assert api.delete(f"{URL}/{token.pk}").status_code == 204
    assert AuditEntry.objects.filter(action="personal_token.revoked").count() == 1


def test_what_is_made_and_ended_is_entered(user):
    until = timezone.now() + timedelta(days=1)
    token, secret = make(user, tasks=["chat"], model_names=["m"], expires_at=until)

    ended = [personal_tokens.revoke(token=token, actor=Actor.system()) for _ in range(2)]

    assert ended == [True, False]
    token.refresh_from_db()
    assert (token.expires_at, token.tasks, token.model_names) == (until, ["chat"], ["m"])
    made, revoked = AuditEntry.objects.order_by("number")
    assert made.action == "personal_token.created"
    assert made.changes == {
        "tasks": [None, ["chat"]],
        "models": [None, ["m"]],
        "expires_at": [None, until.isoformat()],
    }
    assert (revoked.action, revoked.changes) == ("personal_token.revoked", {"owner": [user.pk, user.pk]})
    for entry in (made, revoked):
        assert (entry.target_id, entry.target_label) == (str(token.pk), f"{token.hint}…")
    assert token.hint == secret[:10]


def test_a_person_has_so_many_that_can_be_used_and_no_more(user, outsider, monkeypatch):
    monkeypatch.setattr(personal_tokens, "MOST_ACTIVE", 2)
    make(outsider)
    make(user, expires_at=timezone.now() - timedelta(seconds=1))
    ended, _ = make(user)
    personal_tokens.revoke(token=ended, actor=Actor.system())

    for days in (None, 1):
        make(user, expires_at=days and timezone.now() + timedelta(days=days))

    with pytest.raises(TooManyPersonalTokens):
        make(user)


def test_it_is_found_with_its_owner_by_one_query_and_what_is_none_by_none(user, django_assert_num_queries):
    _, secret = make(user)

    with django_assert_num_queries(1):
        assert personal_tokens.find(secret).user.email == user.email
    with django_assert_num_queries(0):
        for none in (secret.removeprefix("adt_"), secret.ljust(201, "x")):
            with pytest.raises(InvalidPersonalToken):
                personal_tokens.find(none)
    with django_assert_num_queries(1), pytest.raises(InvalidPersonalToken):
        personal_tokens.find(secret.ljust(200, "x"))


def test_what_has_expired_and_whose_owner_is_gone_is_not_valid(user):
    _, expiring = make(user, expires_at=timezone.now() + timedelta(days=1))
    _, lasting = make(user)
    PersonalToken.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    personal_tokens.find(lasting)
    user.is_active = False
    user.save()

    for secret in (expiring, lasting, "adt_", "sk-something-else", "adt_" + "x" * 5000, "adt_\ud800"):
        with pytest.raises(InvalidPersonalToken):
            personal_tokens.find(secret)


def test_what_a_process_found_it_knows_until_the_token_expires(user, monkeypatch, django_assert_num_queries):
    """Only PostgreSQL has stamps, without which nothing is kept; here anything may be one."""
    monkeypatch.setattr(personal_tokens, "_kept", Recent())
    monkeypatch.setattr(personal_tokens, "MOST_KEPT", 1)
    token, secret = make(user, expires_at=timezone.now() + timedelta(hours=1))
    _, another = make(user)
    assert personal_tokens.find(secret).stamp or personal_tokens.kept_token(secret) is None

    monkeypatch.setattr(personal_tokens, "_stamp", lambda: Value("as read", output_field=TextField()))
    personal_tokens.find(secret)
    assert personal_tokens.token_stamp_of(token.pk) == "as read"

    with django_assert_num_queries(0):
        known = personal_tokens.kept_token(secret)
        assert (known, known.user, known.stamp) == (token, user, "as read")
        assert personal_tokens.kept_token(another) is None
        with time_machine.travel(token.expires_at, tick=False):
            assert personal_tokens.kept_token(secret) is None
    personal_tokens.find(another)
    assert personal_tokens.kept_token(secret) is None, "there is room for one"


def test_a_token_has_a_stamp_where_the_database_has_them(user):
    token, secret = make(user)

    stamp = personal_tokens.token_stamp_of(token.pk)

    assert stamp if connection.vendor == "postgresql" else stamp == ""
    assert personal_tokens.find(secret).stamp == stamp
    assert personal_tokens.token_stamp_of(0) is None


def test_the_last_use_is_written_every_five_minutes(user, django_assert_num_queries):
    token, secret = make(user)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        first = timezone.now()
        personal_tokens.note_use(token)
        found = personal_tokens.find(secret)
        clock.shift(timedelta(minutes=5) - timedelta(microseconds=1))
        with django_assert_num_queries(0):
            personal_tokens.note_use(found)
        assert personal_tokens.find(secret).last_used_at == first
        clock.shift(timedelta(microseconds=1))
        personal_tokens.note_use(found)

    assert PersonalToken.objects.get().last_used_at == first + timedelta(minutes=5)


@pytest.mark.django_db(transaction=True)
def test_the_last_use_is_written_from_an_event_loop_beside_its_call(user):
    token, _ = make(user)

    async def use():
        for _ in range(2):
            personal_tokens.note_use_aside(token)
        beside = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*beside)
        return len(beside)

    assert concurrency.run(use()) == 1, "the second was noted a moment ago"
    assert PersonalToken.objects.get().last_used_at == token.last_used_at is not None


def test_a_super_admin_sees_and_ends_them(client, super_admin, user):
    token, secret = make(user, tasks=["extraction"])
    client.force_login(super_admin)

    page = client.get("/admin/accounts/personaltoken/").content.decode()
    detail = client.get(f"/admin/accounts/personaltoken/{token.pk}/change/").content.decode()
    client.post("/admin/accounts/personaltoken/", {"action": "revoke", "_selected_action": [token.pk]})

    assert token.hint in page
    assert token.name in detail
    assert token.digest not in detail
    with pytest.raises(InvalidPersonalToken):
        personal_tokens.find(secret)
    entry = AuditEntry.objects.get(action="personal_token.revoked")
    assert (entry.actor, entry.changes["owner"][0]) == (super_admin, user.pk)


def make_many_at_once(user, monkeypatch, count=4):
    """So many threads make the last one that there is room for; how many were told that there was none."""
    monkeypatch.setattr(personal_tokens, "MOST_ACTIVE", 1)
    together, refused = threading.Barrier(count), []

    def one():
        together.wait(PATIENCE_SECONDS)
        try:
            make(user)
        except TooManyPersonalTokens as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return len(refused)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_several_made_at_once_none_is_one_too_many(user, monkeypatch):
    assert make_many_at_once(user, monkeypatch) == 3
    assert PersonalToken.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_there_are_too_many(user, monkeypatch):
    """The negative control."""
    everybody = threading.Barrier(4)

    def counted_side_by_side(*args, **kwargs):
        found = PersonalToken.objects.filter(user=user).count()
        everybody.wait(PATIENCE_SECONDS)

        class Counted:
            def count(self):
                return found

        return Counted()

    monkeypatch.setattr(personal_tokens, "active_of", counted_side_by_side)
    monkeypatch.setattr(User.objects, "select_for_update", lambda **_: User.objects.all())

    assert make_many_at_once(user, monkeypatch) == 0
    assert PersonalToken.objects.count() == 4
