"""A provider moves to another address between the check of a new key and its storing: the key was meant for
the old address, and does not go to the new one by any door."""

import pytest
from django.urls import reverse

from providers.configs import changes as providers
from providers.credentials import trials
from providers.models import AIProviderConfig
from tests.factories import make_config

pytestmark = pytest.mark.django_db
NEW, THEIRS = "sk-test-0123456789-new1", "key-of-elsewhere"
ELSEWHERE = "https://elsewhere.example/v1"


@pytest.fixture
def config(sandbox):
    return make_config(base_url=sandbox.openai, model_name="sandbox-mini")


@pytest.fixture
def moving(actor, config, monkeypatch):
    """Lets the provider move, with a key of its own, once: after `check` has answered, or before `write`."""

    def arrange(*, check="", write=""):
        owner, name = (trials, check) if check else (providers, write)
        function, update = getattr(owner, name), providers.update

        def called(**given):
            monkeypatch.undo()
            answer = function(**given) if check else None
            fields = {"base_url": ELSEWHERE}
            update(actor=actor, config_id=config.pk, api_key=THEIRS, fields=fields)
            return answer if check else function(**given)

        monkeypatch.setattr(owner, name, called)

    return arrange


def stored():
    config = AIProviderConfig.objects.get()
    return config.base_url, config.api_key_encrypted.reveal(), config.last_test_success


def test_not_by_the_page_of_keys(console, config, moving):
    moving(check="check_for_saving")

    page = console.post(reverse("rotate_key", args=[config.pk]), {"api_key": NEW}, follow=True)

    assert "The address of this provider was changed while the key was being checked" in page.content.decode()
    assert stored() == (ELSEWHERE, THEIRS, None)


def test_not_by_the_api(admin_api, config, moving):
    moving(check="check_for_saving")

    answer = admin_api.patch(
        f"/api/v1/super-admin/providers/configs/{config.pk}", {"api_key": NEW}, format="json"
    )

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "edit_conflict")
    assert [change["changes"]["base_url"][1] for change in error["details"]["changes"]] == [ELSEWHERE]
    assert stored() == (ELSEWHERE, THEIRS, None)


def test_another_change_meanwhile_does_not_keep_the_key_out(admin_api, actor, config, monkeypatch):
    check_for_saving = trials.check_for_saving

    def renamed(**typed):
        check = check_for_saving(**typed)
        providers.update(actor=actor, config_id=config.pk, fields={"display_name": "Theirs"})
        return check

    monkeypatch.setattr(trials, "check_for_saving", renamed)

    admin_api.patch(f"/api/v1/super-admin/providers/configs/{config.pk}", {"api_key": NEW}, format="json")

    assert stored() == (config.base_url, NEW, True)


def test_a_key_goes_to_the_address_that_is_sent_with_it(admin_api, config, moving, sandbox):
    moving(check="check_for_saving")
    body = {"api_key": NEW, "base_url": sandbox.openai}

    admin_api.patch(f"/api/v1/super-admin/providers/configs/{config.pk}", body, format="json")

    assert stored() == (sandbox.openai, NEW, True)
