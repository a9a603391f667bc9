"""What stands around a page of the console: its heading, its history, and what an empty list says."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from providers.configs import changes as providers
from tests.factories import make_config

pytestmark = [pytest.mark.any_database, pytest.mark.django_db]
LIST = "/admin/providers/aiproviderconfig/"


def text_of(html, element):
    (inside,) = re.findall(rf"<{element}[ >].*?</{element.split()[0]}>", html, re.DOTALL)
    return " ".join(strip_tags(inside).replace("chevron_right", ">").split())


@pytest.mark.parametrize(
    ("page", "heading"),
    [
        ("", "Providers"),
        ("add/", "Providers > Add"),
        ("{pk}/change/", "Providers > our second account"),
        ("{pk}/history/", "Providers > our second account > History"),
        ("{pk}/delete/", "Providers > our second account > Delete"),
    ],
)
def test_a_heading_says_once_where_one_is(console, page, heading):
    config = make_config(display_name="our second account")

    html = console.get(LIST + page.format(pk=config.pk)).content.decode()

    assert text_of(html, "h1") == heading


def test_a_history_tells_what_came_through_every_door(console, actor, super_admin):
    config, other = make_config(), make_config(display_name="Another")
    providers.set_active(actor=actor, config_ids=[config.pk], is_active=False)
    providers.update(actor=actor, config_id=other.pk, fields={"priority": 7})

    page = console.get(reverse("admin:providers_aiproviderconfig_history", args=[config.pk])).content.decode()

    told = text_of(page, 'ol class="history"')
    assert "provider: deactivated" in told
    assert f"{super_admin.email}, API, 192.0.2.7" in told
    assert "Active: yes → no" in told
    assert "priority" not in told


@pytest.mark.parametrize(
    ("query", "said"),
    [("", "No providers yet"), ("?q=nothing", "No provider matches")],
    ids=["new", "narrowed"],
)
def test_an_empty_list_says_why(console, query, said):
    page = console.get(LIST + query).content.decode()

    assert said in page
    assert ("Show all" in page) == bool(query)


@pytest.mark.parametrize(("address", "leads_to"), [("/", "/admin/"), ("/docs", "/api/docs/")])
def test_a_guessed_address_leads_to_the_page_that_was_meant(address, leads_to):
    response = Client().get(address)

    assert response.url == leads_to
