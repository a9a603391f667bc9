"""Whatever stands after the question mark of a console's address, the answer is never an error of ours."""

from itertools import cycle, islice

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from console import queries
from tests.browser.console_pages import furnish_rows
from tests.browser.installation import furnish

pytestmark = pytest.mark.django_db
NASTY = [
    "(", "9999-12-31", "\x00", "0001-01-01", "9" * 30, "[a-", "1e400", "", "2026-02-30", "é" * 5000, "1,",
]  # fmt: skip
LOOKUPS = [
    "__regex", "_to", "__exact", "__iregex", "_from", "__in", "__range", "__year", "__isnull", "__nonsense",
]  # fmt: skip
OF_EVERY_LIST = ["q", "o", "p", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters"]


@pytest.fixture
def rows():
    """Something in every list: a database does not look at a pattern that it compares with nothing."""
    furnish(days=1, calls_a_day=2)
    furnish_rows()


@pytest.fixture
def console(rows, super_admin):
    client = Client(raise_request_exception=False)
    client.force_login(super_admin)
    return client


def lists():
    return [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]


def combinations(model):
    """Some lookups of each field, and each parameter that every list has, with the nasty values in turn."""
    values, lookups = cycle(NASTY), cycle(LOOKUPS)
    for field in model._meta.concrete_fields:
        for lookup in islice(lookups, 3):
            yield f"{field.name}{lookup}", next(values)
    for name in OF_EVERY_LIST:
        yield name, next(values)


@pytest.mark.parametrize("name", lists())
def test_no_query_breaks_a_list(console, name):
    model = next(m for m in admin.site._registry if f"{m._meta.app_label}_{m._meta.model_name}" == name)
    address = reverse(f"admin:{name}_changelist")

    broken = [
        (parameter, value, status)
        for parameter, value in combinations(model)
        if (status := console.get(address, {parameter: value}).status_code) not in {200, 302, 400, 404}
    ]

    assert broken == []


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("usage_aiproviderusagelog", {"created_at_to": "9999-12-31"}),
        ("usage_aiproviderusagelog", {"created_at_from": "0001-01-01"}),
        ("usage_aiproviderusagelog", {"model_name__regex": "("}),
        ("accounts_auditentry", {"action__iregex": "[a-"}),
        ("accounts_user", {"email__regex": "*"}),
    ],
)
def test_what_means_nothing_is_said_and_the_whole_list_shown(console, page, query):
    address = reverse(f"admin:{page}_changelist")

    response = console.get(address, query)

    if response.status_code == 302:
        assert response.url in {address, f"{address}?e=1"}
    assert console.get(address, query, follow=True).status_code == 200


def test_a_pattern_that_is_none_is_told_in_words(console):
    address = reverse("admin:usage_aiproviderusagelog_changelist")

    response = console.get(address, {"model_name__regex": "("})

    assert (response.status_code, response.url) == (302, address)
    assert [str(told) for told in get_messages(response.wsgi_request)] == [queries.MeaninglessQuery.message]


OTHERS = {
    "index": ["from", "to", "tz", "provider"],
    "usage_statistics": ["from", "to", "tz", "provider"],
    "orchestration_health": ["p"],
    "search": ["s"],
    "autocomplete": ["term", "app_label", "model_name", "field_name"],
    "security": ["next"],
    "enrol": ["next"],
}


@pytest.mark.parametrize("name", OTHERS)
def test_no_query_breaks_another_page(console, name):
    address = reverse(f"admin:{name}")

    broken = [
        (parameter, value, response.status_code)
        for parameter in OTHERS[name]
        for value in NASTY
        if (response := console.get(address, {parameter: value})).status_code >= 500
    ]

    assert broken == []


@pytest.mark.parametrize("row", ["%00", "9" * 30, "-1", "abc", "%F0%9F%92%A9", "_5B", "1%00"])
@pytest.mark.parametrize("name", ["accounts_plan", "accounts_user", "usage_aiproviderusagelog"])
@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_nor_does_a_row_that_is_none(console, row, name, page):
    address = reverse(f"admin:{name}_{page}", args=["ROW"]).replace("ROW", row)

    assert console.get(address).status_code in {302, 403, 404}
