import pytest
from django.urls import reverse

from drafting.models import MasterProfile
from drafting.versions import save_next_version
from tests.drafting.test_versions import draft_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(user, resume):
    profile = MasterProfile.objects.create(user=user, name="Main", resume=resume)
    return profile, save_next_version(draft_of(user))


@pytest.mark.parametrize("model", ["masterprofile", "draft"])
def test_an_operator_sees_that_a_row_is_there_but_not_the_cv(client, super_admin, rows, model):
    client.force_login(super_admin)
    row = rows[0] if model == "masterprofile" else rows[1]

    listed = client.get(reverse(f"admin:drafting_{model}_changelist"))
    shown = client.get(reverse(f"admin:drafting_{model}_change", args=[row.pk]))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert "alice@example.com" in listed.content.decode()
    assert "Wanjik" not in listed.content.decode() + shown.content.decode()


@pytest.mark.parametrize("model", ["masterprofile", "draft"])
def test_nobody_writes_a_users_row_from_the_console(client, super_admin, rows, model):
    client.force_login(super_admin)

    response = client.get(reverse(f"admin:drafting_{model}_add"))

    assert response.status_code == 403
