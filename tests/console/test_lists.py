"""What holds for every list of the console: page sizes, figures at the right, and what an empty one says."""

import re
from html import escape

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from console.empty_states import empty_state_of
from console.navigation import title_of
from console.page_size import SIZES
from providers.models import AIProviderConfig
from tests.factories import make_config, make_user

pytestmark = pytest.mark.django_db

# Their addresses lead to a page of another kind.
_REDIRECTED = {"orchestration.providerprobe", "orchestration.plantasktier"}
LISTS = sorted(
    model._meta.label_lower for model in admin.site._registry if model._meta.label_lower not in _REDIRECTED
)


def address_of(label):
    return reverse(f"admin:{label.replace('.', '_')}_changelist")


# Who looks at them is in them; alerts are judged by looking, which finds an installation without a provider.
_NEVER_EMPTY = {"accounts.user", "accounts.auditentry", "usage.alert"}


@pytest.mark.parametrize("label", LISTS)
def test_an_empty_list_says_how_rows_come_to_be_and_leads_there(console, label):
    told = empty_state_of(label)
    if label not in _NEVER_EMPTY:
        apps.get_model(label)._default_manager.all().delete()

    page = console.get(address_of(label)).content.decode()

    assert told, f"{label} has nothing to say while it is empty"
    said = f'{escape(told.sentence)} <a class="underline" href="{told.link}">'
    assert said in page or label in _NEVER_EMPTY
    assert console.get(told.link).status_code == 200


@pytest.mark.parametrize("label", LISTS)
def test_every_list_lets_its_page_size_be_chosen(console, label):
    answer = console.get(address_of(label), {"rows": SIZES[-1]})

    assert answer.status_code == 200
    assert answer.context["cl"].list_per_page == SIZES[-1]
    assert "rows a page" in answer.content.decode().lower()
    chosen = next(one for one in answer.context["cl"].filter_specs if one.title == "rows a page")
    sizes = [choice["display"] for choice in chosen.choices(answer.context["cl"])]
    assert all(size.isdecimal() and int(size) <= SIZES[-1] for size in sizes)
    assert sum(choice["selected"] for choice in chosen.choices(answer.context["cl"])) == 1


def test_a_list_says_which_of_how_many_it_shows(console):
    for number in range(26):
        make_user(f"{number}@example.com")
    address = address_of("accounts.user")

    first = console.get(address, {"rows": "25", "all": ""}).content.decode()
    second = console.get(address, {"rows": "25", "p": "2"}).content.decode()
    found = console.get(address, {"q": "11@"}).content.decode()

    assert "1–25 of 27 people" in first
    assert "26–27 of 27 people" in second
    assert "1 person<" in found
    assert "Show all" not in first


@pytest.mark.parametrize(
    ("label", "columns"),
    [
        ("accounts.plan", {"tokens_a_day", "price", "requests_per_minute", "max_concurrent_calls"}),
        ("orchestration.batch", {"progress", "cost", "saved"}),
        ("orchestration.experiment", {"arm_count"}),
        ("orchestration.taskpolicy", {"deadline", "cache"}),
        ("usage.alertdelivery", {"attempts"}),
        ("usage.alertthresholds", {"error_rate_percent", "p95_latency_ms", "fewest_calls", "cost_floor_usd"}),
        ("usage.aiproviderusagelog", {"tokens", "cost", "latency"}),
        ("usage.modelprice", {"input_price", "output_price"}),
    ],
)
def test_figures_stand_at_the_right(console, label, columns):
    page = console.get(address_of(label)).content.decode()

    assert columns <= set(re.findall(r"#result_list \.field-(\w+)", page))


def test_the_provider_that_needs_somebody_comes_first_and_an_inactive_one_last(console):
    make_config(display_name="A well one", last_tested_at=timezone.now(), last_test_success=True)
    make_config(display_name="An inactive one", is_active=False)
    AIProviderConfig.flag(make_config(display_name="The refused one").pk, "auth")
    address = address_of("providers.aiproviderconfig")

    worst = console.get(address).context["cl"]
    by_name = {one.title: one.link for one in worst.headings()}["Provider"]
    named = console.get(address + by_name).context["cl"]

    names = [[row.config.display_name for row in shown.rows] for shown in (worst, named)]
    assert names == [
        ["The refused one", "A well one", "An inactive one"],
        ["A well one", "An inactive one", "The refused one"],
    ]
    assert [(one.title, one.direction) for one in named.headings() if one.direction] == [
        ("Provider", "ascending")
    ]
    assert (worst.worst().direction, named.worst().direction) == ("other", "")
    page = console.get(address + by_name).content.decode()
    assert '<th scope="col" class="sorts" aria-sort="ascending">' in page


@pytest.mark.parametrize("page", ["admin:usage_statistics", "admin:usage_price_list"])
def test_statistics_and_prices_are_kept_under_a_name_too(console, page):
    address = reverse(page)

    saved = console.post(
        reverse("admin:save_view"), {"page": address, "name": "Ours", "query": "q=gpt&page=3"}, follow=True
    )

    assert f'href="{address}?q=gpt"' in saved.content.decode()


@pytest.mark.parametrize("label", LISTS)
def test_what_a_phone_shows_beside_a_value_begins_with_a_capital_and_has_no_other(console, label):
    page = console.get(address_of(label)).content.decode()

    assert not re.findall(r'<t[dh][^>]* data-label="[a-z]', page)
    assert not re.findall(r'<td class="field-[^>]* data-label="Select record"', page)
    # The people's list has a row, whose labels are those of every list.
    if label == "accounts.user":
        assert re.findall(r'data-label="(Role|Full name|Joined \(UTC\))"', page)


@pytest.mark.parametrize("label", LISTS)
def test_a_list_has_one_name_in_the_sidebar_its_title_and_its_breadcrumb(console, label):
    address = address_of(label)

    page = console.get(address).content.decode()

    name = title_of(address)
    assert name
    assert f"<title>{name} | " in re.sub(r"\s+", " ", page).replace("<title> ", "<title>")
    crumbs = re.findall(rf'<a href="{address}"[^>]*tracking-tight[^>]*>([^<]*)</a>', page)
    assert set(crumbs) == {name}
