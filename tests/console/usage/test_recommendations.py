"""The page of what each task would cost, and its button."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from orchestration.models import Experiment
from tests.factories import make_config
from tests.usage.calls import make_calls

pytestmark = pytest.mark.django_db

PAGE = "/admin/recommendations/"


@pytest.fixture
def console(client, super_admin):
    client.force_login(super_admin)
    return client


@pytest.fixture
def config():
    """A thousand calls of gpt-5, which gpt-5-nano does for a twentieth."""
    config = make_config(model_name="gpt-5")
    make_calls(1_000, config, ago=timedelta(days=1), input_tokens=1_000, output_tokens=1_000, cost="0.01125")
    return config


def proposed(console, config):
    return console.post(f"{PAGE}experiment/", {"proposal": f"extraction {config.pk} gpt-5-nano"})


def test_the_page_compares_all_that_could_do_it_and_offers_an_experiment(console, config):
    page = console.get(PAGE).content.decode()

    assert "gpt-5-nano" in page
    assert "in use" in page
    assert f'value="extraction {config.pk} gpt-5-nano"' in page


def test_the_button_makes_a_draft_experiment_once(console, config):
    first = proposed(console, config)
    again = proposed(console, config)

    experiment = Experiment.objects.get()
    address = reverse("admin:orchestration_experiment_change", args=[experiment.pk])
    assert (first["Location"], again["Location"]) == (address, address)
    assert (experiment.status, experiment.task) == (Experiment.Status.DRAFT, "extraction")
    arms = [(arm.name, arm.provider_config, arm.model_name) for arm in experiment.arms.all()]
    assert arms == [("as now", None, ""), ("gpt-5-nano", config, "gpt-5-nano")]
    assert AuditEntry.objects.filter(action="experiment.created").count() == 1
    assert console.get(address).status_code == 200


@pytest.mark.parametrize(
    "proposal",
    ["", "x", "no-task {} gpt-5-nano", "extraction 0 gpt-5-nano", "extraction {} ", "cv_draft {} \x00"],
)
def test_what_could_not_be_tried_makes_nothing_and_says_so(console, config, proposal):
    response = console.post(f"{PAGE}experiment/", {"proposal": proposal.format(config.pk)})

    assert response["Location"] == PAGE
    assert not Experiment.objects.exists()


def test_the_page_without_a_call_says_so_and_is_for_super_admins(console, client, user):
    assert "No call of known cost" in console.get(PAGE).content.decode()

    client.force_login(user)
    assert client.get(PAGE).status_code == 302
    assert client.post(f"{PAGE}experiment/").status_code == 302
