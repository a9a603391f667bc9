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
from console.people.users import UserAdmin
from orchestration.models import Experiment, ExperimentArm, TaskPolicy
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
def test_of_two_who_change_different_fields_both_are_kept(console, make, mine, theirs):
    row = make()
    form = opened(console, row)
    type(row).objects.filter(pk=row.pk).update(**theirs)

    response = console.post(page_of(row), form | mine)

    assert response.status_code == 302
    assert type(row).objects.filter(pk=row.pk, **theirs, **mine).exists()


@pytest.mark.parametrize(("make", "mine", "theirs"), rows())
def test_a_field_that_somebody_else_changed_too_is_refused(console, make, mine, theirs):
    row = make()
    form = opened(console, row)
    name = next(iter(theirs))
    type(row).objects.filter(pk=row.pk).update(**theirs)
    other = {"is_active": "on", "daily_token_limit": 7, "limit": 7, "deadline_seconds": 7, "input_mtok": 7}

    response = console.post(page_of(row), form | {name: other[name]} | mine)

    stored = type(row).objects.filter(pk=row.pk)
    assert stored.filter(**theirs).exists()
    if name == "is_active":
        assert response.status_code == 302, "a switch left alone has no third state"
    else:
        assert REFUSED in response.content.decode()
        assert not stored.filter(**mine).exists()


@pytest.mark.parametrize(("make", "mine", "theirs"), rows())
def test_a_page_that_nobody_was_faster_than_is_saved(console, make, mine, theirs):
    row = make()

    response = console.post(page_of(row), opened(console, row) | mine)

    assert response.status_code == 302
    assert type(row).objects.filter(pk=row.pk, **mine).exists()


def test_the_refusal_says_who_changed_what_and_saving_again_overwrites(console, user):
    first, second = opened(console, user), opened(console, user)
    console.post(page_of(user), first | {"role": "STAFF", "full_name": "Theirs"})

    refused = console.post(page_of(user), second | {"full_name": "Alice A."})
    again = second | {"full_name": "Alice A.", FIELD: refused.context["adminform"].form.seen_state}
    done = console.post(page_of(user), again)

    told = refused.content.decode()
    changed = (
        "root@example.com changed full name from “none” to “Theirs”, is staff from “no” to “yes”, role from "
        "“USER” to “STAFF”."
    )
    assert f"{REFUSED} {changed}" in told
    assert "Alice A." in told, "the input is kept"
    assert done.status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.role) == ("Alice A.", "STAFF"), "the role was left to the other"
    assert AuditEntry.objects.filter(action="user.changed").count() == 2


def test_another_complaint_about_the_form_does_not_make_an_old_page_a_current_one(console, user):
    form = opened(console, user)
    User.objects.filter(pk=user.pk).update(full_name="Theirs")

    wrong = console.post(page_of(user), form | {"full_name": "Mine", "email": "no email"})
    again = form | {"full_name": "Mine", FIELD: form[FIELD]}

    assert REFUSED in wrong.content.decode()
    assert REFUSED in console.post(page_of(user), again).content.decode()


def test_groups_given_meanwhile_are_not_taken_away(console, user):
    form = opened(console, user)
    user.groups.add(Group.objects.create(name="Helpers"))

    response = console.post(page_of(user), form | {"full_name": "Alice A."})

    assert response.status_code == 302
    user.refresh_from_db()
    assert user.full_name == "Alice A."
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


def with_arms(console, experiment):
    """What the page of an experiment would send when it is saved as it was opened."""
    page = console.get(page_of(experiment))
    (formset,) = (one.formset for one in page.context["inline_admin_formsets"])
    sent = opened(console, experiment)
    for form in (formset.management_form, *formset.forms):
        sent |= {form.add_prefix(name): form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in sent.items()}


@pytest.fixture
def experiment():
    made = Experiment.objects.create(name="Two ways", task="extraction")
    for name in ("As it is", "Ours"):
        made.arms.create(name=name)
    return made


def test_rows_of_a_form_are_merged_field_by_field_too(console, experiment):
    first, second = with_arms(console, experiment), with_arms(console, experiment)
    as_it_is, ours = experiment.arms.order_by("pk")

    one = console.post(page_of(experiment), first | {"arms-0-weight": 3, "arms-1-name": "Theirs"})
    other = console.post(
        page_of(experiment), second | {"arms-0-name": "As ever", "name": "Three ways"}, follow=True
    )

    as_it_is.refresh_from_db()
    ours.refresh_from_db()
    experiment.refresh_from_db()
    assert one.status_code == 302
    assert "That was kept beside your change." in other.content.decode()
    assert (as_it_is.name, as_it_is.weight, ours.name) == ("As ever", 3, "Theirs")
    assert experiment.name == "Three ways"


@pytest.mark.parametrize(
    "mine", [{"arms-0-weight": 5}, {"arms-0-DELETE": "on"}], ids=["another weight", "deletes it"]
)
def test_a_field_of_a_row_that_both_changed_is_refused_once(console, experiment, mine):
    sent = with_arms(console, experiment)
    experiment.arms.create(name="A third")
    arm = experiment.arms.order_by("pk").first()
    ExperimentArm.objects.filter(pk=arm.pk).update(weight=3)

    refused = console.post(page_of(experiment), sent | mine)
    weight = ExperimentArm.objects.get(pk=arm.pk).weight
    again = sent | mine | {FIELD: refused.context["adminform"].form.seen_state}
    done = console.post(page_of(experiment), again)

    assert REFUSED in refused.content.decode()
    assert (weight, done.status_code) == (3, 302)
    assert set(experiment.arms.values_list("name", flat=True)) >= {"Ours", "A third"}
    assert not experiment.arms.filter(pk=arm.pk, weight=3).exists()


def test_a_row_that_is_gone_meanwhile_is_a_conflict(console, experiment):
    sent = with_arms(console, experiment)
    experiment.arms.order_by("pk").first().delete()

    refused = console.post(page_of(experiment), sent | {"name": "Three ways"})

    assert REFUSED in refused.content.decode()
    experiment.refresh_from_db()
    assert experiment.name == "Two ways"
