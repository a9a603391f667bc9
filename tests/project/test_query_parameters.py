"""Query parameters of lists: what is unknown or malformed is a 400, at every address that lists something."""

import pytest
from django.urls import reverse
from rest_framework.generics import ListAPIView

from accounts.api_base import StrictQuery
from aditus.urls import api_v1

pytestmark = pytest.mark.django_db


def listing_views(patterns=None):
    """(address, view class) of each GET that takes nothing in its path."""
    for pattern in api_v1 if patterns is None else patterns:
        if hasattr(pattern, "url_patterns"):
            yield from listing_views(pattern.url_patterns)
            continue
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        if view is not None and hasattr(view, "get") and not pattern.pattern.converters:
            yield reverse(f"v1:{pattern.name}"), view


LISTS = dict(listing_views())
PAGED = [address for address, view in LISTS.items() if issubclass(view, ListAPIView)]


def refused_fields(response):
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["code"] == "invalid_input"
    return list(error["details"]["fields"])


def test_every_view_that_lists_has_the_mechanism():
    assert {view for view in LISTS.values() if not issubclass(view, StrictQuery)} == set()
    assert len(LISTS) >= 11
    assert len(PAGED) == 4


@pytest.mark.any_database
@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("parameter", ["lmit", "page", "format", "api_key", "__class__"])
def test_a_parameter_it_does_not_know_is_named(admin_api, address, parameter):
    assert refused_fields(admin_api.get(address, {parameter: "1"})) == [parameter]


@pytest.mark.parametrize("address", LISTS)
def test_without_any_it_answers(admin_api, address):
    assert admin_api.get(address).status_code == 200


@pytest.mark.any_database
@pytest.mark.parametrize("address", PAGED)
@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["abc", "-1", "1.5", "", "1e3", "9" * 30, "9" * 5000, "\x00", "٣x"])
def test_a_malformed_page_is_refused(admin_api, address, name, value):
    assert refused_fields(admin_api.get(address, {name: value})) == [name]


@pytest.mark.parametrize("address", PAGED)
def test_a_parameter_given_twice_is_refused(admin_api, address):
    assert refused_fields(admin_api.get(f"{address}?limit=1&limit=2")) == ["limit"]


@pytest.mark.parametrize("address", PAGED)
def test_a_page_is_as_long_as_asked_within_reason(admin_api, address):
    assert admin_api.get(address, {"limit": 200, "offset": 1000}).status_code == 200
    assert refused_fields(admin_api.get(address, {"limit": 201})) == ["limit"]


def test_anonymous_is_told_to_log_in_first(client):
    assert client.get(PAGED[0], {"lmit": 1}).status_code == 401
