"""The page of every known price."""

import pytest

from tests.factories import make_config
from usage.models import ModelPrice

pytestmark = pytest.mark.django_db

PAGE = "/admin/price-list/"


def test_the_page_finds_a_model_and_leafs_through_the_rest(client, super_admin):
    client.force_login(super_admin)
    ModelPrice.objects.create(
        provider_type="local", model_name="<b>house</b>", input_mtok=1, output_mtok=2, is_ceiling=True
    )

    found = client.get(PAGE, {"q": "gemini-2.5-pro", "vendor": "Google"})
    second = client.get(PAGE, {"page": 2})
    own = client.get(PAGE, {"q": "house"})

    assert "over 200,000 tokens of input" in found.content.decode()
    assert len(second.context["lines"]) == 100
    assert "&lt;b&gt;house" in own.content.decode()
    assert "ceiling" in own.content.decode()
    assert "No price is known" in client.get(PAGE, {"q": "no-such-model"}).content.decode()


def test_models_in_use_without_a_price_stand_first_and_lead_to_the_form_for_one(client, super_admin):
    client.force_login(super_admin)
    make_config(provider_type="openai", model_name="ft:ours", quality_model_name="gpt-5-mini")

    first = client.get(PAGE)
    elsewhere = client.get(PAGE, {"vendor": "Anthropic"})
    second = client.get(PAGE, {"page": 2})

    assert [one["model"] for one in first.context["lacking"]] == ["ft:ours"]
    page = first.content.decode()
    assert page.index("ft:ours") < page.index('data-label="Source"')
    form = client.get(first.context["lacking"][0]["link"])
    assert form.context["adminform"].form.initial["model_name"] == "ft:ours"
    assert not elsewhere.context["lacking"]
    assert not second.context["lacking"]


def test_the_page_is_for_super_admins(client, user):
    client.force_login(user)

    assert client.get(PAGE).status_code == 302
