"""What a token says of its login, and why one is refused."""

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import tokens
from accounts.audit import Actor
from accounts.models import AuditEntry, TokenFamily
from accounts.tokens import InvalidRefreshToken, RevocableJWTAuthentication, issue_pair, rotate

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]


def read(pair):
    return AccessToken(pair["access"]), RefreshToken(pair["refresh"])


def actor_for(user):
    return Actor(door="api", user=user, email=user.email)


def renewed(pair):
    return rotate(refresh=pair["refresh"], actor_for=actor_for)


async def ask_here(statement, parameters):
    """The loop's one statement, put to the database of the test, which need not know PostgreSQL's casts."""
    family, user = parameters

    def fetch():
        with connection.cursor() as cursor:
            cursor.execute(statement.replace("::uuid", ""), [family and UUID(family).hex, user])
            return cursor.fetchone()

    return await sync_to_async(fetch)()


@pytest.fixture(params=["by the ORM", "by the loop's statement"])
def user_of(request, settings):
    """The user of an access token, found in either way."""
    if request.param == "by the ORM":
        return RevocableJWTAuthentication().get_user
    settings.LOOP_STATEMENTS = f"{__name__}.ask_here"
    return lambda token: async_to_sync(tokens.bearer_of)(token, None)


def test_both_tokens_name_the_login_the_version_and_the_moment_of_the_second_factor(user):
    user.token_version = 3
    user.save()

    access, refresh = read(issue_pair(user=user, verified_at=1_700_000_000))

    family = TokenFamily.objects.get()
    for token in (access, refresh):
        assert (token["fam"], token["ver"], token["mfa_at"]) == (str(family.pk), 3, 1_700_000_000)
        assert token["user_id"] == str(user.pk)
        assert "iat" not in token
    assert (refresh["jti"], family.user, family.verified_at) == (family.good_token, user, 1_700_000_000)
    assert access["jti"] != refresh["jti"]


def test_without_a_second_factor_a_token_names_no_moment(user):
    for token in read(issue_pair(user=user, verified_at=None)):
        assert "mfa_at" not in token


def test_each_login_has_a_family_and_a_refresh_keeps_it_and_the_moment(user):
    first, other = (issue_pair(user=user, verified_at=7) for _ in range(2))

    second = renewed(first)

    assert read(first)[0]["fam"] == read(second)[0]["fam"] != read(other)[0]["fam"]
    assert read(second)[1]["jti"] != read(first)[1]["jti"]
    assert [token["mfa_at"] for token in read(second)] == [7, 7]


def test_no_token_outlives_its_login(user, settings):
    settings.TOKEN_FAMILY_LIFETIME = timedelta(minutes=10)
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
        ends = int((timezone.now() + timedelta(minutes=10)).timestamp())

        assert [token["exp"] for token in read(issue_pair(user=user, verified_at=None))] == [ends, ends]

        settings.TOKEN_FAMILY_LIFETIME = timedelta(days=30)
        access, refresh = read(issue_pair(user=user, verified_at=None))
        now = int(timezone.now().timestamp())
        assert access["exp"] - now == 30 * 60
        assert refresh["exp"] - now == 7 * 86_400


def test_a_login_is_over_in_the_very_moment_in_which_it_ends(user, settings):
    settings.TOKEN_FAMILY_LIFETIME = timedelta(days=1)
    pair = issue_pair(user=user, verified_at=None)
    family = TokenFamily.objects.get()
    end = timezone.now() + timedelta(minutes=1)

    TokenFamily.objects.filter(pk=family.pk).update(started_at=end - timedelta(days=1))
    with time_machine.travel(end, tick=False), pytest.raises(InvalidRefreshToken):
        renewed(pair)
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        renewed(pair)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda user: user.set_password("another horse battery"), id="password"),
        pytest.param(lambda user: setattr(user, "token_version", user.token_version + 1), id="signed out"),
        pytest.param(lambda user: setattr(user, "is_active", False), id="inactive"),
    ],
)
def test_what_ends_a_login_ends_its_refreshes(user, end):
    pair = issue_pair(user=user, verified_at=None)
    end(user)
    user.save()

    with pytest.raises(InvalidRefreshToken):
        renewed(pair)

    # Nobody had copied it, so nothing is ended that was not over.
    assert TokenFamily.objects.get().ended_at is None


def test_a_spent_token_ends_the_family_at_that_moment_and_the_trail_says_whose(user):
    pair = issue_pair(user=user, verified_at=None)
    renewed(pair)

    with pytest.raises(InvalidRefreshToken):
        renewed(pair)

    ended = TokenFamily.objects.get().ended_at
    assert timezone.now() - timedelta(minutes=10) < ended <= timezone.now()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.target_id, entry.outcome) == (
        "login.token_reused", user, str(user.pk), "refused",
    )  # fmt: skip


def test_a_step_up_is_known_to_the_whole_login_and_to_no_other(user, outsider):
    pair, other = (issue_pair(user=user, verified_at=None) for _ in range(2))

    access = AccessToken(tokens.step_up(user=user, token=read(pair)[0], verified_at=9))

    assert (access["mfa_at"], access["fam"]) == (9, read(pair)[0]["fam"])
    assert read(renewed(pair))[0]["mfa_at"] == 9
    assert "mfa_at" not in read(renewed(other))[0]


def test_a_step_up_without_a_living_login_of_ones_own_is_for_one_token(user, outsider):
    foreign = read(issue_pair(user=outsider, verified_at=None))[0]
    ended = read(issue_pair(user=user, verified_at=None))[0]
    TokenFamily.objects.filter(user=user).update(ended_at=timezone.now())

    for token in (foreign, ended, AccessToken.for_user(user)):
        access = AccessToken(tokens.step_up(user=user, token=token, verified_at=9))
        assert (access["mfa_at"], access["user_id"], "fam" in access) == (9, str(user.pk), False)
        assert access["ver"] == user.token_version
    assert set(TokenFamily.objects.values_list("verified_at", flat=True)) == {None}


def test_ended_families_are_forgotten_when_no_token_of_theirs_can_be_good(user, settings):
    settings.TOKEN_FAMILY_LIFETIME = timedelta(days=2)
    settings.TOKEN_FAMILY_LIFETIME_SUPER_ADMIN = timedelta(days=3)
    issue_pair(user=user, verified_at=None)
    # The longest lifetime of a login, and of an access token that was given in its last moment.
    last = TokenFamily.objects.get().started_at + timedelta(days=3, minutes=30)

    with time_machine.travel(last, tick=False):
        assert tokens.forget_ended_families() == 0
    with time_machine.travel(last + timedelta(seconds=1), tick=False):
        assert tokens.forget_ended_families() == 1


def test_the_logins_that_last_are_listed_the_latest_first_until_one_is_ended(user, outsider, settings):
    settings.TOKEN_FAMILY_LIFETIME = timedelta(days=1)
    now = timezone.now()
    for hours in (24, 23, 1):
        with time_machine.travel(now - timedelta(hours=hours), tick=False):
            issue_pair(user=user, verified_at=None)
    issue_pair(user=outsider, verified_at=None)
    latest, older = tokens.logins_of(user, now=now)
    assert [now - one.started_at for one in (latest, older)] == [timedelta(hours=1), timedelta(hours=23)]
    assert [one.ends_at - one.started_at for one in (latest, older)] == [timedelta(days=1)] * 2
    assert latest.family_id == TokenFamily.objects.get(started_at=latest.started_at).pk

    def end(whose):
        return tokens.end_login(user=whose, family_id=latest.family_id, actor=actor_for(user))

    assert [end(outsider), end(user), end(user)] == [False, True, False]

    assert tokens.logins_of(user, now=now) == [older]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.target_id, entry.outcome) == (
        "login.ended", user, str(user.pk), "done",
    )  # fmt: skip


def test_a_token_is_its_users(user, user_of):
    pair = issue_pair(user=user, verified_at=None)

    for token in (read(pair)[0], AccessToken.for_user(user)):
        found = user_of(token)
        assert (found, found.email, found._state.db) == (user, user.email, "default")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda token, user: token.payload.pop("user_id"), "token_not_valid"),
        (lambda token, user: token.payload.update(user_id="somebody"), "token_not_valid"),
        (lambda token, user: user.delete(), "user_not_found"),
        (lambda token, user: (setattr(user, "is_active", False), user.save()), "user_inactive"),
        (lambda token, user: (user.set_password("another horse"), user.save()), "password_changed"),
        (lambda token, user: (setattr(user, "token_version", 9), user.save()), "token_revoked"),
        (lambda token, user: TokenFamily.objects.update(ended_at=timezone.now()), "token_revoked"),
    ],
)
def test_a_token_that_is_refused_says_why(user, user_of, spoil, code):
    token = read(issue_pair(user=user, verified_at=None))[0]
    spoil(token, user)

    with pytest.raises(AuthenticationFailed) as refused:
        user_of(token)

    assert refused.value.get_codes() in (code, {"detail": code, "code": code})
