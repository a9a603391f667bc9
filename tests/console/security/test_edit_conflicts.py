"""Two admins at the page of one row."""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Event

import pytest
from django.contrib.auth.models import Group
from django.db import connection, models
from django.urls import reverse

from accounts.models import AuditEntry, Plan, User
from console.edit_conflicts import FIELD
from console.people import UserAdmin
from orchestration.models import TaskPolicy
from tests.factories import make_user
from tests.locks import somebody_waits
from tests.waiting import PATIENCE_SECONDS, wait_until
from usage.models import ModelPrice, QuotaRule

pytestmark = pytest.mark.django_db
REFUSED = "This was changed after you opened it."


def page_of(row):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def opened(console, row):
    """What the page would send when it is saved as it was opened."""
    page = console.get(page_of(row))
    form = page.context["adminform"].form
    assert f'name="{FIELD}" value="{form.seen_state}"' in page.content.decode()
    values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    ticked = {name: "on" if value is True else value for name, value in values.items() if value is not False}
    return {**ticked, FIELD: form.seen_state}


def rows():
    return [
        pytest.param(
            lambda: make_user("alice@example.com"), {"full_name": "Alice"}, {"is_active": False}, id="user"
        ),
        pytest.param(
            lambda: Plan.objects.get(slug="paygo"),
            {"name": "Pay"},
            {"daily_token_limit": 5},
            id="plan",
        ),
        pytest.param(
            lambda: QuotaRule.objects.create(
                plan=Plan.objects.get(slug="paygo"), task="extraction", unit="tokens", period="day", limit=9
            ),
            {"note": "n"},
            {"limit": 5},
            id="quota-rule",
        ),
        pytest.param(
            lambda: TaskPolicy.objects.create(task="extraction"),
            {"cache_seconds": 60},
            {"deadline_seconds": 5},
            id="task-policy",
        ),
        pytest.param(
            lambda: ModelPrice.objects.create(
                provider_type="openai", model_name="m", input_mtok=1, output_mtok=2
            ),
            {"note": "n"},
            {"input_mtok": 5},
            id="model-price",
        ),
    ]


@pytest.mark.parametrize(("make", "mine", "theirs"), rows())
def test_a_page_opened_before_somebody_elses_change_is_refused(console, make, mine, theirs):
    row = make()
    form = opened(console, row)
    type(row).objects.filter(pk=row.pk).update(**theirs)

    response = console.post(page_of(row), form | mine)

    assert response.status_code == 200
    assert REFUSED in response.content.decode()
    stored = type(row).objects.filter(pk=row.pk)
    assert stored.filter(**theirs).exists()
    assert not stored.filter(**mine).exists()


@pytest.mark.parametrize(("make", "mine", "theirs"), rows())
def test_a_page_that_nobody_was_faster_than_is_saved(console, make, mine, theirs):
    row = make()

    response = console.post(page_of(row), opened(console, row) | mine)

    assert response.status_code == 302
    assert type(row).objects.filter(pk=row.pk, **mine).exists()


def test_the_refusal_says_who_changed_what_and_saving_again_overwrites(console, user):
    first, second = opened(console, user), opened(console, user)
    console.post(page_of(user), first | {"role": "STAFF"})

    refused = console.post(page_of(user), second | {"full_name": "Alice A."})
    again = second | {"full_name": "Alice A.", FIELD: refused.context["adminform"].form.seen_state}
    done = console.post(page_of(user), again)

    told = refused.content.decode()
    changed = "root@example.com changed is staff from “no” to “yes”, role from “USER” to “STAFF”."
    assert f"{REFUSED} {changed}" in told
    assert "Alice A." in told, "the input is kept"
    assert done.status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.role) == ("Alice A.", "USER")
    assert AuditEntry.objects.filter(action="user.changed").count() == 2


def test_another_complaint_about_the_form_does_not_make_an_old_page_a_current_one(console, user):
    form = opened(console, user)
    User.objects.filter(pk=user.pk).update(full_name="Theirs")

    wrong = console.post(page_of(user), form | {"email": "no email"})
    again = form | {FIELD: form[FIELD]}

    assert REFUSED in wrong.content.decode()
    assert REFUSED in console.post(page_of(user), again).content.decode()


def test_groups_given_meanwhile_are_not_taken_away(console, user):
    form = opened(console, user)
    user.groups.add(Group.objects.create(name="Helpers"))

    response = console.post(page_of(user), form | {"full_name": "Alice A."})

    assert REFUSED in response.content.decode()
    assert user.groups.count() == 1


def test_a_login_or_a_new_password_meanwhile_is_no_conflict_and_stays(console, user):
    form = opened(console, user)
    user.set_password("another long phrase")
    User.objects.filter(pk=user.pk).update(password=user.password, token_version=7)

    response = console.post(page_of(user), form | {"full_name": "Alice A."})

    assert response.status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.token_version) == ("Alice A.", 7)
    assert user.check_password("another long phrase")


def meanwhile(monkeypatch, act):
    """Another admin acts in the moment between the check of the form and its saving. On the same connection
    here, so a refusal takes this back too."""
    save_form = UserAdmin.save_form

    def late(self, *args, **kwargs):
        act()
        return save_form(self, *args, **kwargs)

    monkeypatch.setattr(UserAdmin, "save_form", late)


@pytest.mark.parametrize("with_page", [True, False])
def test_a_change_between_the_check_and_the_saving_is_refused_too(console, user, monkeypatch, with_page):
    form = opened(console, user) | {"full_name": "Alice A."}
    if not with_page:
        del form[FIELD]
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=user.pk).update(is_active=False))

    response = console.post(page_of(user), form)

    assert response.url == page_of(user)
    assert "Nothing of yours was stored." in console.get(response.url).content.decode()
    assert not User.objects.filter(full_name="Alice A.").exists()


def test_a_sign_out_between_the_check_and_the_saving_stands(console, user, monkeypatch):
    form = opened(console, user) | {"full_name": "Alice A."}
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=user.pk).update(token_version=7))

    response = console.post(page_of(user), form)

    assert response.status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.token_version) == ("Alice A.", 7)


def test_who_is_deleted_meanwhile_does_not_come_back(console, user, monkeypatch):
    form = opened(console, user) | {"full_name": "Alice A."}
    meanwhile(monkeypatch, User.objects.filter(pk=user.pk).delete)

    response = console.post(page_of(user), form)

    assert response.status_code == 302
    assert not User.objects.filter(full_name="Alice A.").exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_of_two_who_save_at_once_one_is_refused(console, user, monkeypatch, guarded):
    """The first holds its save back until the second waits for the row or, without the lock, saves too."""
    if not guarded:
        monkeypatch.setattr(models.QuerySet, "select_for_update", lambda self, **_: self.all())
    demotion = opened(console, user) | {"role": "STAFF"}
    rename = opened(console, user) | {"full_name": "Alice A."}
    first_saves, second_saves = Event(), Event()
    save = User.save

    def held_back(person, *args, **kwargs):
        if person.role == "STAFF":
            first_saves.set()
            wait_until(lambda: second_saves.is_set() or somebody_waits())
            save(person, *args, **kwargs)
        else:
            second_saves.set()
            wait_until(lambda: User.objects.filter(pk=user.pk, role="STAFF").exists() or guarded)
            save(person, *args, **kwargs)

    monkeypatch.setattr(User, "save", held_back)
    others = deepcopy(console)

    def send(client, form, after):
        try:
            assert after is None or after.wait(PATIENCE_SECONDS)
            return client.post(page_of(user), form)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(send, console, demotion, None)
        second = pool.submit(send, others, rename, first_saves)
        answers = first.result(), second.result()

    user.refresh_from_db()
    assert [answer.status_code for answer in answers] == [302, 302]
    if guarded:
        assert answers[1].url == page_of(user), "sent back to the page to look at it again"
        assert (user.role, user.full_name) == ("STAFF", "")
    else:
        assert (user.role, user.full_name) == ("USER", "Alice A."), "the first change is lost"
