"""Authenticator apps and backup codes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from accounts import second_factor
from accounts.audit import Actor
from accounts.models import AuditEntry, Authenticator, BackupCode
from tests.accounts.authenticator import Phone, enrol, later

pytestmark = pytest.mark.django_db
ACTOR = Actor.of_command("test")


def verify(user, code):
    second_factor.verify(user=user, code=code, actor=ACTOR)


def test_enrolling_gives_an_address_for_the_app_and_ten_backup_codes(user):
    prepared = second_factor.begin_enrolment(user=user)
    assert prepared.uri.startswith("otpauth://totp/Aditus%3Aalice%40example.com?secret=")
    assert prepared.uri.endswith("&issuer=Aditus")
    assert not second_factor.is_enrolled(user=user)

    codes = second_factor.finish_enrolment(user=user, code=Phone(prepared.secret).code(), actor=ACTOR)

    assert second_factor.is_enrolled(user=user)
    assert len(set(codes)) == 10
    assert second_factor.backup_codes_left(user=user) == 10
    assert list(AuditEntry.objects.values_list("action", "target_label")) == [
        ("mfa.enrolled", "alice@example.com")
    ]


def test_looking_at_the_page_twice_does_not_change_the_secret(user):
    first = second_factor.begin_enrolment(user=user)

    assert second_factor.begin_enrolment(user=user) == first


def test_a_wrong_code_does_not_enrol(user):
    second_factor.begin_enrolment(user=user)

    with pytest.raises(second_factor.WrongCode):
        second_factor.finish_enrolment(user=user, code="000000", actor=ACTOR)

    assert not second_factor.is_enrolled(user=user)


def test_a_code_is_good_once(user):
    phone = enrol(user)
    code = phone.code()
    verify(user, code)

    with pytest.raises(second_factor.WrongCode):
        verify(user, code)


def test_a_code_of_yesterday_is_not_good(user):
    phone = enrol(user)
    code = phone.code()

    with later(minutes=2), pytest.raises(second_factor.WrongCode):
        verify(user, code)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00" * 6])
def test_anything_else_is_refused(user, code):
    enrol(user)

    with pytest.raises(second_factor.WrongCode):
        verify(user, code)


def test_spaces_in_a_code_are_forgiven(user):
    code = enrol(user).code()

    verify(user, f"{code[:3]} {code[3:]}")


def test_wrong_codes_make_the_next_wait_longer_and_a_right_one_ends_it(user):
    phone = enrol(user)
    waits = []
    now = timezone.now()
    for attempt in range(4):
        with time_machine.travel(now + timedelta(minutes=attempt), tick=False):
            with pytest.raises(second_factor.WrongCode):
                verify(user, "000000")
            with pytest.raises(second_factor.TooManyCodes) as refused:
                verify(user, phone.code() if attempt == 3 else "000000")
            waits.append(refused.value.retry_after)

    assert waits == [1, 2, 4, 8]
    with later(minutes=5):
        verify(user, phone.code())
    assert Authenticator.objects.get().throttling_failure_count == 0


def test_the_wait_stops_growing_at_about_an_hour(user):
    enrol(user)
    Authenticator.objects.update(
        throttling_failure_count=13, throttling_failure_timestamp=timezone.now() - timedelta(days=1)
    )
    with later(minutes=1):
        with pytest.raises(second_factor.WrongCode):
            verify(user, "000000")

        with pytest.raises(second_factor.TooManyCodes) as refused:
            verify(user, "000000")

    assert refused.value.retry_after == 4096


def test_a_backup_code_opens_once_however_it_is_typed(user):
    enrol(user)
    codes = second_factor.renew_backup_codes(user=user, actor=ACTOR)

    verify(user, codes[0].upper().replace("-", " "))

    assert second_factor.backup_codes_left(user=user) == 9
    with pytest.raises(second_factor.WrongCode):
        verify(user, codes[0])
    assert AuditEntry.objects.filter(action="mfa.backup_code_used").count() == 1


def test_new_backup_codes_replace_the_old(user):
    enrol(user)
    old = second_factor.renew_backup_codes(user=user, actor=ACTOR)

    new = second_factor.renew_backup_codes(user=user, actor=ACTOR)

    with pytest.raises(second_factor.WrongCode):
        verify(user, old[0])
    with later(seconds=5):
        verify(user, new[0])


def test_another_persons_backup_code_does_not_open(user, outsider):
    enrol(user)
    enrol(outsider)
    codes = second_factor.renew_backup_codes(user=outsider, actor=ACTOR)

    with pytest.raises(second_factor.WrongCode):
        verify(user, codes[0])


def test_the_old_phone_works_until_the_new_one_has_shown_a_code(user):
    old = enrol(user)
    new = Phone(second_factor.begin_enrolment(user=user).secret)
    verify(user, old.code())

    second_factor.finish_enrolment(user=user, code=new.code(), actor=ACTOR)

    verify(user, new.code())
    with later(minutes=1), pytest.raises(second_factor.WrongCode):
        verify(user, old.code())
    assert Authenticator.objects.count() == 1


def test_nothing_readable_is_stored(user):
    prepared = second_factor.begin_enrolment(user=user)
    codes = second_factor.finish_enrolment(user=user, code=Phone(prepared.secret).code(), actor=ACTOR)

    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_secret FROM authenticators")
        (sealed,) = cursor.fetchone()
        cursor.execute("SELECT code_hash FROM backup_codes")
        hashes = [row[0] for row in cursor.fetchall()]

    assert sealed.startswith("gAAAA")
    assert prepared.secret not in sealed
    stored = " ".join(hashes)
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_a_lost_key_is_said_plainly_and_enrolling_anew_works(user, settings):
    enrol(user)
    second_factor.begin_enrolment(user=user)
    settings.FERNET_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(second_factor.UnreadableSecret, match="FERNET_KEYS"):
        verify(user, "123456")
    phone = Phone(second_factor.begin_enrolment(user=user).secret)
    second_factor.finish_enrolment(user=user, code=phone.code(), actor=ACTOR)
    verify(user, phone.code())


def test_removing_it_forgets_everything(user):
    enrol(user)
    before = user.token_version

    second_factor.remove(user=user, actor=ACTOR)

    assert (Authenticator.objects.count(), BackupCode.objects.count()) == (0, 0)
    assert user.token_version == before + 1
    with pytest.raises(second_factor.NotEnrolled):
        verify(user, "123456")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_one_code_sent_eight_times_at_once_is_taken_once(user):
    phone = enrol(user)
    code = phone.code()

    def attempt(_):
        try:
            verify(user, code)
        except (second_factor.WrongCode, second_factor.TooManyCodes):
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [False] * 7 + [True]
