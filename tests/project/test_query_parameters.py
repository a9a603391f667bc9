"""Query parameters: what is unknown or malformed is a 400, at every address that can be read."""

from uuid import UUID

import pytest
from django.urls import reverse
from django.urls.converters import IntConverter, StringConverter, UUIDConverter
from rest_framework.generics import ListAPIView

from accounts.api_base import StrictQuery
from accounts.async_views import AsyncAPIView
from aditus.urls import api_v1

pytestmark = pytest.mark.django_db


def readable_views(patterns=None):
    """(address, view class, whether its path names nothing) of each GET. What is named is not there, which is
    found out later."""
    for pattern in api_v1 if patterns is None else patterns:
        if hasattr(pattern, "url_patterns"):
            yield from readable_views(pattern.url_patterns)
            continue
        view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        if view is not None and hasattr(view, "get"):
            named = {name: NAMED[type(kind)] for name, kind in pattern.pattern.converters.items()}
            yield reverse(f"v1:{pattern.name}", kwargs=named), view, not named


NAMED = {IntConverter: 1, UUIDConverter: UUID(int=1), StringConverter: "x"}
VIEWS = list(readable_views())
# Who may read what is on the event loop is asked by another thread, which sees what is committed.
ON_THE_LOOP = {address for address, view, _ in VIEWS if issubclass(view, AsyncAPIView)}
READABLE = {address: view for address, view, _ in VIEWS if address not in ON_THE_LOOP}
LISTS = {address: view for address, view, is_list in VIEWS if is_list}
PAGED = [address for address, view in LISTS.items() if issubclass(view, ListAPIView)]


def refused_fields(response):
    assert response.status_code == 400, response.content
    error = response.json()["error"]
    assert error["code"] == "invalid_input"
    return list(error["details"]["fields"])


def test_every_view_that_is_read_has_the_mechanism():
    assert {view for view in READABLE.values() if not issubclass(view, StrictQuery)} == set()
    assert len(READABLE) > len(LISTS)
    assert len(LISTS) >= 11
    assert len(PAGED) == 4


@pytest.mark.any_database
@pytest.mark.parametrize("address", READABLE)
@pytest.mark.parametrize("parameter", ["lmit", "page", "format", "api_key", "__class__"])
def test_a_parameter_it_does_not_know_is_named(admin_api, address, parameter):
    assert refused_fields(admin_api.get(address, {parameter: "1"})) == [parameter]


@pytest.mark.any_database
@pytest.mark.parametrize("address", READABLE)
def test_one_given_twice_is_refused(admin_api, address):
    assert admin_api.get(f"{address}?format=json&format=json").status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("address", sorted(ON_THE_LOOP))
@pytest.mark.parametrize("query", ["lmit=1", "format=pdf&format=docx"])
def test_nor_are_they_taken_on_the_event_loop(admin_api, address, query):
    assert refused_fields(admin_api.get(f"{address}?{query}")) == [query.partition("=")[0]]


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
