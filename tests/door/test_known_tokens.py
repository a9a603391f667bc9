"""A call through the door goes by what its process knows of the token, and no change that was committed
before it is missed."""

from copy import copy
from datetime import timedelta

import openai
import pytest
import time_machine
from django.utils import timezone

from accounts import personal_tokens
from accounts.models import PersonalToken, User
from accounts.personal_tokens import kept_token, token_stamp_of
from orchestration.door import entry, views
from tests.concurrency.test_server import server
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.models import AIProviderUsageLog

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ASK = [{"role": "user", "content": "Backend Engineer at Jua Logistics. You write Python and know Django."}]
LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def no_reading(monkeypatch):
    """Call it, and from then on the door may read nothing."""

    def refuse(*args):
        raise AssertionError("something was read before the call reserved")

    return lambda: monkeypatch.setattr(views, "enter", refuse)


@pytest.fixture
def warm(door, config_at):
    """A client whose token this process knows, with fields as `door` takes them."""
    config_at("sandbox-mini")

    def client(**fields):
        made = door(**fields)
        ask(made)
        return made

    return client


def ask(client, **fields):
    return client.chat.completions.create(**({"model": "sandbox-mini", "messages": ASK} | fields))


def test_a_call_after_the_first_reads_nothing_before_it_reserves(warm, no_reading):
    client = warm(tasks=["chat"], model_names=["openai/sandbox-mini"])
    no_reading()

    assert ask(client).choices[0].message.content
    assert list(ask(client, stream=True))
    assert AIProviderUsageLog.objects.filter(status="success").count() == 3


def test_the_names_of_models_are_told_from_what_is_known_until_something_changes(
    warm, config_at, monkeypatch
):
    client, reads = warm(), []
    read = entry._read
    monkeypatch.setattr(entry, "_read", lambda secret: reads.append(secret) or read(secret))

    assert "openai/sandbox-mini" in {model.id for model in client.models.list()}
    assert reads == []
    config_at("gpt-5-mini", provider_type="openai")
    assert "openai/gpt-5-mini" in {model.id for model in client.models.list()}
    PersonalToken.objects.update(tasks=["extraction"])
    assert {model.id for model in client.models.list()} == {"aditus/extraction"}
    assert len(reads) == 2


def delete_owner():
    User.objects.get(personal_tokens__isnull=False).delete()


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda: PersonalToken.objects.update(revoked_at=timezone.now()), id="revoked"),
        pytest.param(lambda: PersonalToken.objects.update(expires_at=LONG_AGO), id="expiry brought forward"),
        pytest.param(lambda: PersonalToken.objects.all().delete(), id="deleted"),
        pytest.param(lambda: User.objects.update(is_active=False), id="owner shut out"),
        pytest.param(delete_owner, id="owner gone"),
    ],
)
def test_a_token_that_has_ended_asks_nobody(warm, sandbox, end, is_streamed):
    client = warm()
    hits = sandbox.hits()["total"]
    end()
    rows = AIProviderUsageLog.objects.count()

    with pytest.raises(openai.AuthenticationError) as refused:
        ask(client, stream=is_streamed)

    assert refused.value.code == "invalid_api_key"
    assert (sandbox.hits()["total"], AIProviderUsageLog.objects.count()) == (hits, rows)


def test_without_the_stamp_an_end_would_be_missed(warm, monkeypatch):
    """The negative control: the same, were nothing verified."""
    client = warm()
    PersonalToken.objects.update(revoked_at=timezone.now())

    def unverified(secret):
        token = copy(kept_token(secret))
        token.stamp = ""
        return token

    monkeypatch.setattr(entry, "kept_token", unverified)
    assert ask(client).choices[0].message.content


@pytest.mark.parametrize(
    ("change", "refusal", "code"),
    [
        ({"tasks": ["extraction"]}, openai.PermissionDeniedError, "model_not_allowed"),
        ({"model_names": ["openai/gpt-5-mini"]}, openai.PermissionDeniedError, "model_not_allowed"),
        ({"daily_token_limit": 1}, openai.RateLimitError, "quota_exceeded"),
        ({"requests_per_minute": 1}, openai.RateLimitError, "too_many_calls"),
    ],
)
def test_what_a_token_may_is_what_it_may_now_and_again_later(warm, change, refusal, code):
    client = warm(limits=personal_tokens.TokenLimits(requests_per_minute=50))
    before = {field: getattr(PersonalToken.objects.get(), field) for field in change}
    PersonalToken.objects.update(**change)

    with pytest.raises(refusal) as refused:
        ask(client)
    PersonalToken.objects.update(**before)

    assert refused.value.code == code
    assert ask(client).choices[0].message.content


def test_a_call_that_begins_anew_has_not_come_twice(warm):
    client = warm(limits=personal_tokens.TokenLimits(requests_per_minute=4))
    for allowed in (3, 4):
        PersonalToken.objects.update(requests_per_minute=allowed)
        ask(client)

    ask(client)
    with pytest.raises(openai.RateLimitError):
        ask(client)


def test_a_token_expires_by_the_clock(user, token_for):
    secret = token_for(user, expires_at=timezone.now() + timedelta(hours=1))
    personal_tokens.find(secret)

    assert kept_token(secret).user == user
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert kept_token(secret) is None


def test_the_stamp_names_all_that_calls_go_by(user, token_for):
    """Whoever adds a field to the token decides here whether calls go by it."""
    token_for(user)
    token = PersonalToken.objects.get()
    of_no_account = {"id", "name", "hint", "created_at", "last_used_at"}
    other = User.objects.create_user("other@example.com")
    values = {"user": other, "digest": "x", "tasks": ["chat"], "model_names": ["m"]}
    moments = {"expires_at", "revoked_at", "last_used_at", "created_at"}
    stamps = [token_stamp_of(token.pk)]

    for field in PersonalToken._meta.concrete_fields:
        if field.name == "id":
            continue
        value = timezone.now() if field.name in moments else values.get(field.name, 7)
        PersonalToken.objects.update(**{field.name: value})
        stamp = token_stamp_of(token.pk)
        assert (stamp in stamps) == (field.name in of_no_account), field.name
        stamps.append(stamp)
    User.objects.filter(pk=other.pk).update(is_active=False)

    assert token_stamp_of(token.pk) not in stamps
    assert token_stamp_of(0) is None


def test_the_last_use_is_noted_aside(warm, no_reading):
    client = warm()
    no_reading()
    kept_token(client.api_key).last_used_at = None
    PersonalToken.objects.update(last_used_at=None)

    ask(client)

    wait_until(lambda: PersonalToken.objects.get().last_used_at is not None)


def test_what_one_process_ends_has_ended_in_another(user, token_for, config_at):
    """The server is a process of its own, and knows the token; it is revoked here."""
    config_at("sandbox-mini")
    secret = token_for(user)

    with (
        server() as (root, _),
        openai.OpenAI(
            base_url=f"{root}/v1", api_key=secret, max_retries=0, timeout=PATIENCE_SECONDS
        ) as client,
    ):
        for _ in range(2):
            assert ask(client).choices[0].message.content
        personal_tokens.revoke(token=user.personal_tokens.get(), actor=personal_tokens.Actor.system())

        with pytest.raises(openai.AuthenticationError):
            ask(client)

    assert AIProviderUsageLog.objects.count() == 2
